// From CPython's `ast` objects to the tree that lowering reads.
#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <vector>

#include "lower/syntax.h"

namespace xcs::python {

// What a Syntax was made from. nodes[i] is the `ast` object of node i; for the parts that have none it is a
// tuple (parent, position), for lists it is None.
struct Converted {
  lower::Syntax syntax;
  nanobind::list nodes;
};

// Converts the function definition, lambda or generator expression `root`. `class_name` is the class it
// stands in, by which private names are mangled, or empty; `source` is its text from line `first_line` on, or
// empty. Throws nanobind::python_error when `root` is not such an object.
Converted convert(nanobind::handle root, const std::string& class_name, std::string source, int first_line);

}  // namespace xcs::python
