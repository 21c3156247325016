// The operators that fragments consist of.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "program.h"

namespace xcs::python {

struct Operation {
  enum Kind : std::uint8_t {
    kNone,     // it is no operator, or more than operators
    kUnary,    // methods: the operand's
    kBinary,   // the left operand's, then the right one's
    kCompare,  // likewise
    kInplace,  // the left operand's that changes it, then as kBinary
    kSeveral,  // all that its operators may ask for, in no order
  };
  // An operand: one of the fragment's, or a constant.
  struct Side {
    std::optional<std::size_t> operand;
    nb::object constant;
  };
  Kind kind = kNone;
  std::string symbol;               // as it is written
  std::vector<nb::object> methods;  // their names
  std::vector<Side> sides;          // from left to right
  ProgramRef steps;                 // kSeveral: does them one by one, with the fragment's operands as slots
};

// What the fragment consists of; kept with the program.
const Operation& operation(const HostProgram& program, ir::Index fragment);

// The operator that this function, of the module `operator`, stands for, or null.
const Operation* operation_of_function(PyObject* function);

}  // namespace xcs::python
