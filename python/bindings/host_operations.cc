// Operators on objects whose classes have code of their own for them: entered as functions of xcs._prelude.
#include <algorithm>

#include "host.h"
#include "operations.h"
#include "reach.h"
#include "tracing.h"

namespace xcs::python {
namespace {

// Whether all that the class inherits from, besides object, was made by class statements: then what its
// operators do is in its methods.
bool is_of_python(PyTypeObject* type) {
  PyObject* mro = type->tp_mro;
  for (Py_ssize_t i = 0; mro != nullptr && i < PyTuple_GET_SIZE(mro); ++i) {
    auto* base = reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(mro, i));
    if (base != &PyBaseObject_Type && (base->tp_flags & Py_TPFLAGS_IMMUTABLETYPE) != 0) return false;
  }
  return mro != nullptr;
}

// Whether operators of builtins leave it to the other operand when that is of a class of the program's.
bool defers(const Value& v, const std::string& symbol, View& view) {
  const bool looks_at_all = symbol == "%" || symbol == "*" || symbol == "%=" || symbol == "*=";
  if (!v.ready()) return !looks_at_all && is_pure_data(v, view);
  PyObject* object = object_of(v);
  if (looks_at_all) return PyLong_CheckExact(object) || PyFloat_CheckExact(object) || PyBool_Check(object);
  const Shape shape = shape_of(object);
  return shape <= Shape::kBuffer || shape == Shape::kPlain;
}

// A method to ask, as xcs._prelude.operated takes it.
struct Try {
  PyObject* method;
  bool swapped;  // with the right operand before the left one
  bool negated;
};

using Tries = std::vector<Try>;

// A method of the class written in Python. `only`: becomes false where the class has another kind of one.
PyObject* method_in(PyTypeObject* type, PyObject* name, bool& only) {
  PyObject* found = type == nullptr ? nullptr : type_lookup(type, name);
  if (found == nullptr || PyFunction_Check(found)) return found;
  if (found != type_lookup(&PyBaseObject_Type, name)) only = false;
  return nullptr;
}

class Protocol {
 public:
  Protocol(const Operation& operation, PyTypeObject* left, PyTypeObject* right)
      : operation_(operation), left_(left), right_(right) {}

  // The methods in the order in which Python asks them; nothing when that cannot be told.
  std::optional<Tries> all() {
    if (operation_.kind == Operation::kCompare) {
      compare();
    } else {
      const std::size_t first = operation_.kind == Operation::kInplace ? 1 : 0;
      if (first == 1) add(left_, operation_.methods[0].ptr(), false);
      binary(operation_.methods[first].ptr(), operation_.methods[first + 1].ptr());
    }
    return only_ ? std::optional(tries_) : std::nullopt;
  }

 private:
  bool add(PyTypeObject* type, PyObject* name, bool swapped, bool negated = false) {
    PyObject* method = method_in(type, name, only_);
    if (method == nullptr) return false;
    const Try next{method, swapped, negated};
    tries_.push_back(next);
    return true;
  }

  bool right_derives() const {
    return left_ != nullptr && right_ != nullptr && left_ != right_ && PyType_IsSubtype(right_, left_) != 0;
  }

  void binary(PyObject* name, PyObject* reflected) {
    bool asked = false;
    // A method of the right operand's class that the left one's does not have is asked first.
    if (right_derives() &&
        (method_in(left_, name, only_) != nullptr || method_in(left_, reflected, only_) != nullptr)) {
      asked = type_lookup(right_, reflected) != type_lookup(left_, reflected);
      if (asked) add(right_, reflected, true);
    }
    add(left_, name, false);
    if (!asked && left_ != right_) add(right_, reflected, true);
  }

  void compare() {
    PyObject* name = operation_.methods[0].ptr();
    PyObject* reflected = operation_.methods[1].ptr();
    const bool first = right_derives();
    if (first) add_comparison(right_, reflected, true);
    add_comparison(left_, name, false);
    if (!first) add_comparison(right_, reflected, true);
  }

  // What object itself does about != is to ask for == .
  void add_comparison(PyTypeObject* type, PyObject* name, bool swapped) {
    if (add(type, name, swapped) || type == nullptr || operation_.symbol != "!=") return;
    if (type_lookup(type, name) != type_lookup(&PyBaseObject_Type, name)) return;
    static PyObject* const equals = interned("__eq__").release().ptr();
    add(type, equals, swapped, true);
  }

  const Operation& operation_;
  PyTypeObject *left_, *right_;
  bool only_ = true;
  Tries tries_;
};

Value tuple_of(const Tries& tries) {
  nb::list all;
  for (const Try& t : tries) all.append(nb::make_tuple(nb::handle(t.method), t.swapped, t.negated));
  return steal_value(nb::object(nb::tuple(all)));
}

}  // namespace

// The class of the program's, with operators of its own, that the value is of; null when it is of none, or
// that is not known.
PyTypeObject* PythonHost::class_with_operators(const Value& value, View& view) {
  PyTypeObject* type = nullptr;
  if (value.ready()) {
    if (shape_of(object_of(value)) == Shape::kOther) type = Py_TYPE(object_of(value));
  } else if (const window::Instance* instance = instance_of(value, view)) {
    type = reinterpret_cast<PyTypeObject*>(object_of(instance->type));
    if (shape_of_instances(type) != Shape::kOther) type = nullptr;
  }
  return type != nullptr && !is_static(type) && is_of_python(type) ? type : nullptr;
}

// The operators of the node's fragment.
bool PythonHost::enter_operators(const Site& s, Action& answer) {
  const auto own = [&](const Value& v) { return class_with_operators(v, s.view) != nullptr; };
  if (std::ranges::none_of(s.operands, own) || is_traced()) return false;
  const Operation& op = operation(s.program, s.node.index);
  if (op.kind == Operation::kNone) return false;
  if (op.kind != Operation::kSeveral) {
    std::vector<Value> sides;
    sides.reserve(op.sides.size());
    for (const Operation::Side& side : op.sides)
      sides.push_back(side.operand ? s[*side.operand] : borrow_value(side.constant.ptr()));
    return enter_operator(s, op, std::move(sides), answer);
  }
  const auto reaches = [&](const Value& v) {
    PyTypeObject* type = class_with_operators(v, s.view);
    return std::ranges::any_of(op.methods, [&](const nb::object& name) {
      PyObject* method = type == nullptr ? nullptr : type_lookup(type, name.ptr());
      return method != nullptr && PyFunction_Check(method) && reaches_independent(method);
    });
  };
  if (s.view.quiet() && all_ready(s.operands) && std::ranges::none_of(s.operands, reaches)) return false;
  answer = Action();
  answer.verdict = Action::kEnter;
  answer.enter.program = op.steps;
  answer.enter.slots.assign(s.operands.begin(), s.operands.end());
  return true;
}

// One operator. Returns whether it is known what Python asks for it, and may be gained from.
bool PythonHost::enter_operator(const Site& s, const Operation& op, std::vector<Value> sides,
                                Action& answer) {
  const bool settled = s.view.quiet() && all_ready(sides);
  const auto gains = [&](PyObject* method) { return !settled || reaches_independent(method); };
  PyTypeObject* left = class_with_operators(sides[0], s.view);
  if (op.kind == Operation::kUnary) {
    PyObject* method = left == nullptr ? nullptr : type_lookup(left, op.methods[0].ptr());
    if (method == nullptr || !PyFunction_Check(method) || !gains(method)) return false;
    Arguments arguments;
    arguments.positional = std::move(sides);
    arguments.has_self = true;
    answer = call_object(s, method, std::move(arguments));
    return true;
  }
  PyTypeObject* right = class_with_operators(sides[1], s.view);
  if (left == nullptr && (right == nullptr || !defers(sides[0], op.symbol, s.view))) return false;
  if (right == nullptr && !defers(sides[1], op.symbol, s.view)) return false;
  const std::optional<Tries> tries = Protocol(op, left, right).all();
  if (!tries) return false;
  if (settled && std::ranges::none_of(*tries, [&](const Try& t) { return gains(t.method); })) return false;
  static auto* operated = imported("xcs._prelude", "operated").release().ptr();
  Arguments all;
  all.positional = {tuple_of(*tries), steal_value(nb::object(nb::str(op.symbol.c_str()))), sides[0],
                    sides[1]};
  return enter_function(operated, std::move(all), answer);
}

// Whether it is a list or tuple that holds objects with operators of their own.
bool PythonHost::holds_operators(const Value& v, View& view) {
  if (!v.ready() || !(PyList_CheckExact(object_of(v)) || PyTuple_CheckExact(object_of(v)))) return false;
  PyObject** items = PySequence_Fast_ITEMS(object_of(v));
  return std::any_of(items, items + PySequence_Fast_GET_SIZE(object_of(v)),
                     [&](PyObject* item) { return class_with_operators(to_value(item), view) != nullptr; });
}

// A function that stands for an operator: of the module `operator`, and what max and min are made of.
bool PythonHost::enter_operator_function(const Site& s, PyObject* callee, const Arguments& arguments,
                                         Action& answer) {
  static auto* largest = imported("xcs._prelude", "largest").release().ptr();
  static auto* smallest = imported("xcs._prelude", "smallest").release().ptr();
  static auto* by_greater = imported("xcs._prelude", "largest_by_operator").release().ptr();
  static auto* by_less = imported("xcs._prelude", "smallest_by_operator").release().ptr();
  const auto own = [&](const Value& v) { return class_with_operators(v, s.view) != nullptr; };
  if (arguments.positional.size() != 2 || !arguments.keywords.empty() || is_traced() ||
      std::ranges::none_of(arguments.positional, own))
    return false;
  if (callee == largest || callee == smallest)
    return enter_function(callee == largest ? by_greater : by_less, arguments, answer);
  const Operation* op = operation_of_function(callee);
  return op != nullptr && enter_operator(s, *op, arguments.positional, answer);
}

}  // namespace xcs::python
