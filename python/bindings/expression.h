// Fragments that are evaluated without being compiled: operators, displays and formatting over plain
// operands.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "ir/ir.h"
#include "objects.h"

namespace xcs::python {

// The syntax of a fragment as a tree of operations. Evaluating one does what CPython's own code for it would,
// by the same functions, on numbers, texts, None and tuples of these, and on anything that is only put into a
// display. Immutable.
class Expression {
 public:
  // Of the fragment, whose indices of syntax mean `nodes` (see Converted in syntax.h). Null when there is
  // more to it.
  static std::unique_ptr<const Expression> of(const ir::Fragment& fragment, const nb::list& nodes);

  // A new reference to the value, or null: with the current error what interrupted it; without one the
  // fragment has to be compiled, because of its operands or because it raises, and nothing has happened.
  PyObject* evaluate(PyObject* const* operands) const;

 private:
  enum class Kind : std::uint8_t {
    kOperand,
    kConstant,
    kBinary,
    kInplace,
    kUnary,
    kNot,
    kBool,  // the child's truth
    kCompare,
    kIs,
    kIsNot,
    kAnd,
    kOr,
    kIf,  // test, then, otherwise
    kList,
    kTuple,
    kSet,
    kDict,    // key and value by turns
    kSlice,   // lower, upper, step
    kFormat,  // value, format specification if there is one
    kText,    // pieces
  };
  using Unary = PyObject* (*)(PyObject*);
  using Binary = PyObject* (*)(PyObject*, PyObject*);
  struct Operation {
    Kind kind;
    std::uint8_t choice = 0;             // kCompare: Py_LT and so on; kFormat: the conversion, or 0
    std::uint32_t operand = 0;           // kOperand
    std::uint32_t first = 0, count = 0;  // its children, in children_
    Unary unary = nullptr;
    Binary binary = nullptr;
    nb::object constant = {};
  };
  class Builder;

  std::uint32_t child(const Operation& of, std::uint32_t i) const { return children_[of.first + i]; }
  PyObject* value(std::uint32_t at, PyObject* const* operands) const;
  PyObject* binary(const Operation& op, PyObject* const* operands) const;
  PyObject* unary(const Operation& op, PyObject* const* operands) const;
  PyObject* compare(const Operation& op, PyObject* const* operands) const;
  PyObject* choose(const Operation& op, PyObject* const* operands) const;
  PyObject* display(const Operation& op, PyObject* const* operands) const;
  PyObject* slice(const Operation& op, PyObject* const* operands) const;
  PyObject* format(const Operation& op, PyObject* const* operands) const;
  PyObject* text(const Operation& op, PyObject* const* operands) const;

  std::vector<Operation> operations_;
  std::vector<std::uint32_t> children_;
  std::uint32_t root_ = 0;
};

}  // namespace xcs::python
