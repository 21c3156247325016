// From a function's syntax to its program.
#pragma once

#include <string>
#include <vector>

#include "ir/ir.h"
#include "lower/syntax.h"

namespace xcs::lower {

// What lowering has to know of a function besides its syntax.
struct Origin {
  std::string qualname, file;
  std::vector<std::string> free_names;  // in the order of its closure
  std::vector<std::string> frame_lookers =
      {};                           // globals that hold functions which look at the frame of their caller
  bool generator = false;           // calling it makes a generator, even if no yield can be reached
  bool debug = true;                // asserts are kept
  bool future_annotations = false;  // annotations are not evaluated
  bool asks_again = false;  // where an operand of `and` or `or` is one itself, both ask for the same truth
  bool lazy_annotations = false;  // annotations of nested functions are evaluated on demand (Python 3.14)
};

// The program of `function`: a function definition, lambda or generator expression. What cannot be lowered
// becomes a kStatement, or sets Program::refusal; it never fails.
//
// The program evaluates everything in exactly Python's order. It may be read for as long as one likes; it
// does not refer to `syntax` except by node numbers.
ir::Program lower(const Syntax& syntax, Index function, const Origin& origin);

}  // namespace xcs::lower
