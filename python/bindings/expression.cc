#include "expression.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace xcs::python {
namespace {

PyObject* power(PyObject* a, PyObject* b) { return PyNumber_Power(a, b, Py_None); }
PyObject* power_in_place(PyObject* a, PyObject* b) { return PyNumber_InPlacePower(a, b, Py_None); }

struct BinaryForm {
  std::string_view type;
  PyObject* (*plain)(PyObject*, PyObject*);
  PyObject* (*in_place)(PyObject*, PyObject*);
};
constexpr std::array kBinary = {
    BinaryForm{"Add", PyNumber_Add, PyNumber_InPlaceAdd},
    BinaryForm{"Sub", PyNumber_Subtract, PyNumber_InPlaceSubtract},
    BinaryForm{"Mult", PyNumber_Multiply, PyNumber_InPlaceMultiply},
    BinaryForm{"Div", PyNumber_TrueDivide, PyNumber_InPlaceTrueDivide},
    BinaryForm{"FloorDiv", PyNumber_FloorDivide, PyNumber_InPlaceFloorDivide},
    BinaryForm{"Mod", PyNumber_Remainder, PyNumber_InPlaceRemainder},
    BinaryForm{"Pow", power, power_in_place},
    BinaryForm{"LShift", PyNumber_Lshift, PyNumber_InPlaceLshift},
    BinaryForm{"RShift", PyNumber_Rshift, PyNumber_InPlaceRshift},
    BinaryForm{"BitAnd", PyNumber_And, PyNumber_InPlaceAnd},
    BinaryForm{"BitOr", PyNumber_Or, PyNumber_InPlaceOr},
    BinaryForm{"BitXor", PyNumber_Xor, PyNumber_InPlaceXor},
};

struct CompareForm {
  std::string_view type;
  int op;
};
constexpr std::array kCompare = {CompareForm{"Lt", Py_LT}, CompareForm{"LtE", Py_LE},
                                 CompareForm{"Gt", Py_GT}, CompareForm{"GtE", Py_GE},
                                 CompareForm{"Eq", Py_EQ}, CompareForm{"NotEq", Py_NE}};

// Deeper ones are compiled: evaluation is recursive.
constexpr int kMostDepth = 50;

std::string_view class_of(nb::handle object) {
  std::string_view type = Py_TYPE(object.ptr())->tp_name;
  if (const auto dot = type.rfind('.'); dot != std::string_view::npos) type.remove_prefix(dot + 1);
  return type;
}

// `name` is a literal: its address stands for it.
nb::object field(nb::handle node, const char* name) {
  static auto* names = new std::unordered_map<const char*, nb::object>;
  nb::object& text = (*names)[name];
  if (!text.is_valid()) text = nb::steal(PyUnicode_InternFromString(name));
  return nb::borrow(node).attr(text);
}

// As the compiler does it with constants that look like names.
nb::object constant_object(nb::object value) {
  if (!PyUnicode_CheckExact(value.ptr()) || PyUnicode_IsIdentifier(value.ptr()) != 1) return value;
  PyObject* text = value.release().ptr();
  PyUnicode_InternInPlace(&text);
  return nb::steal(text);
}

bool is_plain_scalar(PyObject* o) {
  const PyTypeObject* type = Py_TYPE(o);
  return type == &PyLong_Type || type == &PyUnicode_Type || type == &PyFloat_Type || type == &PyBool_Type ||
         o == Py_None || type == &PyComplex_Type;
}

// Whether operators, formatting and hashing of it run no code of a program, read nothing that changes and
// warn of nothing.
bool is_plain(PyObject* o) {
  if (is_plain_scalar(o)) return true;
  if (!PyTuple_CheckExact(o)) return false;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(o); ++i)
    if (!is_plain_scalar(PyTuple_GET_ITEM(o, i))) return false;
  return true;
}

// 1 or 0, or -1 when asking might run code.
int truth(PyObject* o) {
  if (o == Py_True) return 1;
  if (o == Py_False) return 0;
  const bool known =
      is_plain_scalar(o) || PyTuple_CheckExact(o) || PyList_CheckExact(o) || PyDict_CheckExact(o);
  return known ? PyObject_IsTrue(o) : -1;
}

}  // namespace

// --- Building --------------------------------------------------------------------------------------------

class Expression::Builder {
 public:
  Builder(const ir::Fragment& fragment, const nb::list& nodes) {
    for (std::uint32_t i = 0; i < fragment.operands.size(); ++i) {
      if (fragment.holes[i] == ir::kNone) {
        names_.emplace(fragment.operands[i], i);
      } else {
        holes_.emplace(nodes[fragment.holes[i]].ptr(), i);
      }
    }
  }

  // Each returns the index of the operation made, or nothing.
  using Made = std::optional<std::uint32_t>;
  Made root(nb::handle node) {
    if (PyTuple_CheckExact(node.ptr())) return part(nb::object(node[0]), nb::object(node[1]));
    const std::string_view type = class_of(node);
    if (type == "ListComp") return add({.kind = Kind::kList}, {});
    if (type == "DictComp") return add({.kind = Kind::kDict}, {});
    if (type == "SetComp") return add({.kind = Kind::kSet}, {});
    if (type == "FormattedValue") return all({.kind = Kind::kText}, {nb::borrow(node)});
    if (type != "AugAssign") return expression(node);
    const auto* form = find(kBinary, field(node, "op"));
    if (form == nullptr) return {};
    return all({.kind = Kind::kInplace, .binary = form->in_place},
               {field(node, "target"), field(node, "value")});
  }

  std::unique_ptr<const Expression> take(std::uint32_t root) {
    made_->root_ = root;
    return std::move(made_);
  }

 private:
  template <class Forms>
  static const typename Forms::value_type* find(const Forms& forms, nb::handle node) {
    const std::string_view type = class_of(node);
    const auto* found = std::ranges::find(forms, type, &Forms::value_type::type);
    return found == forms.end() ? nullptr : found;
  }

  Made add(Operation operation, const std::vector<std::uint32_t>& children) {
    operation.first = static_cast<std::uint32_t>(made_->children_.size());
    operation.count = static_cast<std::uint32_t>(children.size());
    made_->children_.insert(made_->children_.end(), children.begin(), children.end());
    made_->operations_.push_back(std::move(operation));
    return static_cast<std::uint32_t>(made_->operations_.size() - 1);
  }

  Made all(Operation operation, const std::vector<nb::object>& nodes) {
    std::vector<std::uint32_t> children;
    for (const nb::object& node : nodes) {
      const Made made = expression(node);
      if (!made) return {};
      children.push_back(*made);
    }
    return add(std::move(operation), children);
  }

  // A part of its parent; see `_part` in python/xcs/_fragments.py.
  Made part(const nb::object& parent, const nb::object& position) {
    if (position.is_none()) {
      // Of the operators that the parent is made of, none has to stay as it is but the whole.
      return all({.kind = Kind::kBool}, {parent});
    }
    if (class_of(parent) != "Compare") return {};
    const auto i = nb::cast<Py_ssize_t>(position);
    const nb::object others = field(parent, "comparators");
    return comparison(nb::object(field(parent, "ops")[i]),
                      i == 0 ? field(parent, "left") : nb::object(others[i - 1]), nb::object(others[i]));
  }

  Made comparison(const nb::object& op, const nb::object& left, const nb::object& right) {
    const std::string_view type = class_of(op);
    if (type == "Is") return all({.kind = Kind::kIs}, {left, right});
    if (type == "IsNot") return all({.kind = Kind::kIsNot}, {left, right});
    const auto* form = find(kCompare, op);
    if (form == nullptr) return {};
    return all({.kind = Kind::kCompare, .choice = static_cast<std::uint8_t>(form->op)}, {left, right});
  }

  Made constant(nb::object value) { return add({.kind = Kind::kConstant, .constant = std::move(value)}, {}); }
  bool is_constant(std::uint32_t at) const { return made_->operations_[at].kind == Kind::kConstant; }
  bool all_constants(std::uint32_t at) const {
    const Operation& op = made_->operations_[at];
    for (std::uint32_t i = 0; i < op.count; ++i)
      if (!is_constant(made_->child(op, i))) return false;
    return true;
  }
  // What the compiler evaluates once and for all has to stay the same object, or have the same order.
  Made unless_constant(Made made) const { return made && all_constants(*made) ? Made() : made; }

  Made operand(std::uint32_t i) { return add({.kind = Kind::kOperand, .operand = i}, {}); }

  Made expression(nb::handle node) {
    if (++depth_ > kMostDepth) return {};
    const Made made = expression_here(node);
    --depth_;
    return made;
  }

  Made expression_here(nb::handle node) {
    if (const auto hole = holes_.find(node.ptr()); hole != holes_.end()) return operand(hole->second);
    const std::string_view type = class_of(node);
    if (type == "Name") {
      const auto found = names_.find(nb::cast<std::string>(field(node, "id")));
      return found == names_.end() ? Made() : operand(found->second);
    }
    if (type == "Constant") return constant(constant_object(field(node, "value")));
    if (type == "BinOp") {
      const auto* form = find(kBinary, field(node, "op"));
      if (form == nullptr) return {};
      return unless_constant(
          all({.kind = Kind::kBinary, .binary = form->plain}, {field(node, "left"), field(node, "right")}));
    }
    if (type == "UnaryOp") return unary(node);
    if (type == "Compare") return compare(node);
    if (type == "BoolOp")
      return all({.kind = class_of(field(node, "op")) == "And" ? Kind::kAnd : Kind::kOr},
                 items(field(node, "values")));
    if (type == "IfExp")
      return all({.kind = Kind::kIf}, {field(node, "test"), field(node, "body"), field(node, "orelse")});
    return display(node, type);
  }

  Made display(nb::handle node, std::string_view type) {
    if (type == "List") return all({.kind = Kind::kList}, items(field(node, "elts")));
    if (type == "Tuple") return unless_constant(all({.kind = Kind::kTuple}, items(field(node, "elts"))));
    if (type == "Set") return unless_constant(all({.kind = Kind::kSet}, items(field(node, "elts"))));
    if (type == "Dict") {
      const std::vector<nb::object> keys = items(field(node, "keys")), values = items(field(node, "values"));
      std::vector<nb::object> turns;
      for (std::size_t i = 0; i < keys.size(); ++i) {
        if (keys[i].is_none()) return {};
        turns.push_back(keys[i]);
        turns.push_back(values[i]);
      }
      return all({.kind = Kind::kDict}, turns);
    }
    if (type == "Slice") return slice(node);
    if (type == "JoinedStr") return unless_constant(all({.kind = Kind::kText}, items(field(node, "values"))));
    if (type != "FormattedValue") return {};
    const auto conversion = nb::cast<int>(field(node, "conversion"));
    const Made value = expression(field(node, "value"));
    if (!value) return {};
    std::vector<std::uint32_t> children = {*value};
    if (const nb::object specification = field(node, "format_spec"); !specification.is_none()) {
      const std::vector<nb::object> pieces = items(field(specification, "values"));
      const Made made = pieces.size() == 1 ? expression(pieces[0]) : expression(specification);
      if (!made) return {};
      children.push_back(*made);
    }
    return add({.kind = Kind::kFormat, .choice = static_cast<std::uint8_t>(conversion > 0 ? conversion : 0)},
               children);
  }

  Made slice(nb::handle node) {
    std::vector<std::uint32_t> bounds;
    for (const char* name : {"lower", "upper", "step"}) {
      const nb::object bound = field(node, name);
      const Made made = bound.is_none() ? constant(nb::none()) : expression(bound);
      if (!made) return {};
      bounds.push_back(*made);
    }
    return unless_constant(add({.kind = Kind::kSlice}, bounds));
  }

  Made unary(nb::handle node) {
    const std::string_view op = class_of(field(node, "op"));
    const Unary function = op == "USub"   ? PyNumber_Negative
                           : op == "UAdd" ? PyNumber_Positive
                                          : PyNumber_Invert;
    const Made made = op == "Not" ? all({.kind = Kind::kNot}, {field(node, "operand")})
                                  : all({.kind = Kind::kUnary, .unary = function}, {field(node, "operand")});
    if (!made || !all_constants(*made)) return made;
    const nb::object& of = made_->operations_[made_->child(made_->operations_[*made], 0)].constant;
    if (op != "USub" || !is_plain_scalar(of.ptr())) return {};
    nb::object value = nb::steal(PyNumber_Negative(of.ptr()));
    if (value.is_valid()) return constant(std::move(value));
    PyErr_Clear();
    return {};
  }

  // `a < b < c` compares neighbours one after the other, up to the first that is false. What is evaluated
  // twice here is an operand or a constant.
  Made compare(nb::handle node) {
    const std::vector<nb::object> ops = items(field(node, "ops"));
    std::vector<nb::object> sides = items(field(node, "comparators"));
    sides.insert(sides.begin(), field(node, "left"));
    if (ops.size() == 1) return comparison(ops[0], sides[0], sides[1]);
    std::vector<std::uint32_t> parts;
    for (std::size_t i = 0; i < ops.size(); ++i) {
      const Made made = comparison(ops[i], sides[i], sides[i + 1]);
      if (!made) return {};
      const Operation& op = made_->operations_[*made];
      const Operation& right = made_->operations_[made_->child(op, 1)];
      const bool again = i + 1 < ops.size();
      if (again && right.kind != Kind::kOperand && right.kind != Kind::kConstant) return {};
      parts.push_back(*made);
    }
    return add({.kind = Kind::kAnd}, parts);
  }

  static std::vector<nb::object> items(const nb::object& list) {
    std::vector<nb::object> all;
    for (nb::handle item : list) all.push_back(nb::borrow(item));
    return all;
  }

  std::unordered_map<PyObject*, std::uint32_t> holes_;
  std::unordered_map<std::string, std::uint32_t> names_;
  int depth_ = 0;
  std::unique_ptr<Expression> made_ = std::make_unique<Expression>();
};

std::unique_ptr<const Expression> Expression::of(const ir::Fragment& fragment, const nb::list& nodes) {
  if (fragment.kind == ir::FragmentKind::kPattern || fragment.kind == ir::FragmentKind::kUnpacking)
    return nullptr;
  Builder builder(fragment, nodes);
  const Builder::Made root = builder.root(nb::object(nodes[fragment.syntax]));
  return root ? builder.take(*root) : nullptr;
}

// --- Evaluating ------------------------------------------------------------------------------------------

PyObject* Expression::evaluate(PyObject* const* operands) const {
  PyObject* result = value(root_, operands);
  if (result != nullptr || PyErr_Occurred() == nullptr) return result;
  // What its compiled form raises has the place in its traceback.
  if (PyErr_ExceptionMatches(PyExc_Exception) != 0) PyErr_Clear();
  return nullptr;
}

PyObject* Expression::value(std::uint32_t at, PyObject* const* operands) const {
  const Operation& op = operations_[at];
  switch (op.kind) {
    case Kind::kOperand:
      return Py_NewRef(operands[op.operand]);
    case Kind::kConstant:
      return Py_NewRef(op.constant.ptr());
    case Kind::kBinary:
    case Kind::kInplace:
      return binary(op, operands);
    case Kind::kUnary:
    case Kind::kNot:
    case Kind::kBool:
      return unary(op, operands);
    case Kind::kCompare:
    case Kind::kIs:
    case Kind::kIsNot:
      return compare(op, operands);
    case Kind::kAnd:
    case Kind::kOr:
    case Kind::kIf:
      return choose(op, operands);
    case Kind::kSlice:
      return slice(op, operands);
    case Kind::kFormat:
      return format(op, operands);
    case Kind::kText:
      return text(op, operands);
    default:
      return display(op, operands);
  }
}

PyObject* Expression::binary(const Operation& op, PyObject* const* operands) const {
  const nb::object left = nb::steal(value(child(op, 0), operands));
  if (!left.is_valid()) return nullptr;
  const nb::object right = nb::steal(value(child(op, 1), operands));
  if (!right.is_valid() || !is_plain(left.ptr()) || !is_plain(right.ptr())) return nullptr;
  return op.binary(left.ptr(), right.ptr());
}

PyObject* Expression::unary(const Operation& op, PyObject* const* operands) const {
  const nb::object of = nb::steal(value(child(op, 0), operands));
  if (!of.is_valid()) return nullptr;
  if (op.kind == Kind::kUnary)  // of a bool, `~` warns
    return is_plain_scalar(of.ptr()) && !PyBool_Check(of.ptr()) ? op.unary(of.ptr()) : nullptr;
  const int is_true = truth(of.ptr());
  if (is_true < 0) return nullptr;
  return Py_NewRef((is_true != 0) == (op.kind == Kind::kBool) ? Py_True : Py_False);
}

PyObject* Expression::compare(const Operation& op, PyObject* const* operands) const {
  const nb::object left = nb::steal(value(child(op, 0), operands));
  if (!left.is_valid()) return nullptr;
  const nb::object right = nb::steal(value(child(op, 1), operands));
  if (!right.is_valid()) return nullptr;
  if (op.kind != Kind::kCompare)
    return Py_NewRef(left.is(right) == (op.kind == Kind::kIs) ? Py_True : Py_False);
  if (!is_plain(left.ptr()) || !is_plain(right.ptr())) return nullptr;
  return PyObject_RichCompare(left.ptr(), right.ptr(), op.choice);
}

PyObject* Expression::choose(const Operation& op, PyObject* const* operands) const {
  if (op.kind == Kind::kIf) {
    const nb::object test = nb::steal(value(child(op, 0), operands));
    const int is_true = test.is_valid() ? truth(test.ptr()) : -1;
    return is_true < 0 ? nullptr : value(child(op, is_true != 0 ? 1 : 2), operands);
  }
  for (std::uint32_t i = 0; i + 1 < op.count; ++i) {
    nb::object part = nb::steal(value(child(op, i), operands));
    const int is_true = part.is_valid() ? truth(part.ptr()) : -1;
    if (is_true < 0) return nullptr;
    if ((is_true != 0) == (op.kind == Kind::kOr)) return part.release().ptr();
  }
  return value(child(op, op.count - 1), operands);
}

PyObject* Expression::display(const Operation& op, PyObject* const* operands) const {
  const auto size = static_cast<Py_ssize_t>(op.count);
  nb::object made = nb::steal(op.kind == Kind::kList    ? PyList_New(size)
                              : op.kind == Kind::kTuple ? PyTuple_New(size)
                              : op.kind == Kind::kSet   ? PySet_New(nullptr)
                                                        : PyDict_New());
  nb::object key;
  for (Py_ssize_t i = 0; made.is_valid() && i < size; ++i) {
    nb::object item = nb::steal(value(child(op, static_cast<std::uint32_t>(i)), operands));
    if (!item.is_valid()) return nullptr;
    if (op.kind == Kind::kList) {
      PyList_SET_ITEM(made.ptr(), i, item.release().ptr());
    } else if (op.kind == Kind::kTuple) {
      PyTuple_SET_ITEM(made.ptr(), i, item.release().ptr());
    } else if (op.kind == Kind::kSet) {
      if (!is_plain(item.ptr()) || PySet_Add(made.ptr(), item.ptr()) != 0) return nullptr;
    } else if (i % 2 == 0) {
      if (!is_plain(item.ptr())) return nullptr;
      key = std::move(item);
    } else if (PyDict_SetItem(made.ptr(), key.ptr(), item.ptr()) != 0) {
      return nullptr;
    }
  }
  return made.release().ptr();
}

PyObject* Expression::slice(const Operation& op, PyObject* const* operands) const {
  std::array<nb::object, 3> bounds;
  for (std::uint32_t i = 0; i < 3; ++i) {
    bounds[i] = nb::steal(value(child(op, i), operands));
    if (!bounds[i].is_valid()) return nullptr;
  }
  return PySlice_New(bounds[0].ptr(), bounds[1].ptr(), bounds[2].ptr());
}

PyObject* Expression::format(const Operation& op, PyObject* const* operands) const {
  nb::object of = nb::steal(value(child(op, 0), operands));
  if (!of.is_valid() || !is_plain(of.ptr())) return nullptr;
  if (op.choice == 's') of = nb::steal(PyObject_Str(of.ptr()));
  if (op.choice == 'r') of = nb::steal(PyObject_Repr(of.ptr()));
  if (op.choice == 'a') of = nb::steal(PyObject_ASCII(of.ptr()));
  if (!of.is_valid()) return nullptr;
  if (op.count == 1 && PyUnicode_CheckExact(of.ptr())) return of.release().ptr();
  if (op.count == 1) return PyObject_Format(of.ptr(), nullptr);
  const nb::object specification = nb::steal(value(child(op, 1), operands));
  return specification.is_valid() ? PyObject_Format(of.ptr(), specification.ptr()) : nullptr;
}

PyObject* Expression::text(const Operation& op, PyObject* const* operands) const {
  if (op.count == 1) return value(child(op, 0), operands);
  static PyObject* const nothing = PyUnicode_New(0, 0);
  const nb::object pieces = nb::steal(PyTuple_New(op.count));
  for (std::uint32_t i = 0; pieces.is_valid() && i < op.count; ++i) {
    PyObject* piece = value(child(op, i), operands);
    if (piece == nullptr) return nullptr;
    PyTuple_SET_ITEM(pieces.ptr(), static_cast<Py_ssize_t>(i), piece);
  }
  return pieces.is_valid() ? PyUnicode_Join(nothing, pieces.ptr()) : nullptr;
}

}  // namespace xcs::python
