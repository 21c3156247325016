// Texts, lengths, members and truth of objects whose classes have code of their own for them: entered as
// functions of xcs._prelude.
#include <algorithm>
#include <string>
#include <unordered_map>

#include "host.h"
#include "reach.h"
#include "tracing.h"

namespace xcs::python {
namespace {

// The method of a class of the program's, written in Python, by this name; borrowed, or null. `type` may be
// null.
PyObject* own_method(PyTypeObject* type, const char* name) {
  if (type == nullptr || is_static(type) || shape_of_instances(type) != Shape::kOther) return nullptr;
  PyObject* method = type_lookup(type, interned(name).ptr());
  return method != nullptr && PyFunction_Check(method) ? method : nullptr;
}

// Whether the class leaves the method to object.
bool is_inherited(PyTypeObject* type, const char* name) {
  const nb::object held = interned(name);
  return type == nullptr || type_lookup(type, held.ptr()) == type_lookup(&PyBaseObject_Type, held.ptr());
}

struct Method {
  PyObject* function = nullptr;  // null: the class has none of its own
  const char* name = nullptr;
  explicit operator bool() const { return function != nullptr; }
};

Method method_of(PyTypeObject* type, const char* name) { return {own_method(type, name), name}; }

// What str() calls.
Method text_method(PyTypeObject* type) {
  return is_inherited(type, "__str__") ? method_of(type, "__repr__") : method_of(type, "__str__");
}

// What format() calls.
Method format_method(PyTypeObject* type, bool plain) {
  if (!is_inherited(type, "__format__")) return method_of(type, "__format__");
  return plain ? text_method(type) : Method();
}

bool has_own_text(PyTypeObject* type) { return format_method(type, true) || method_of(type, "__repr__"); }

// The builtins that are looked into, found once.
struct Builtins {
  PyObject* str = reinterpret_cast<PyObject*>(&PyUnicode_Type);
  PyObject* repr = imported("builtins", "repr").release().ptr();
  PyObject* format = imported("builtins", "format").release().ptr();
  PyObject* len = imported("builtins", "len").release().ptr();
  PyObject* print = imported("builtins", "print").release().ptr();
  static const Builtins& found() {
    static const auto* builtins = new Builtins;
    return *builtins;
  }
};

}  // namespace

bool PythonHost::enter_method(const Site& s, PyObject* method, const char* prelude,
                              std::vector<Value> arguments, Action& answer) {
  if (is_traced() || (s.view.quiet() && !reaches_independent(method))) return false;
  static std::unordered_map<std::string, nb::object>& functions =
      *new std::unordered_map<std::string, nb::object>;
  nb::object& function = functions[prelude];
  if (!function) function = imported("xcs._prelude", prelude);
  Arguments all;
  all.positional = std::move(arguments);
  return enter_function(function.ptr(), std::move(all), answer);
}

// str, repr, format, len and print of an object with code of its own.
bool PythonHost::enter_builtin(const Site& s, PyObject* callee, const Arguments& arguments, Action& answer) {
  const Builtins& builtins = Builtins::found();
  const auto& given = arguments.positional;
  if (given.empty()) return false;
  if (callee == builtins.print) return enter_print(s, arguments, answer);
  if (callee == reinterpret_cast<PyObject*>(&PyBool_Type) && given.size() == 1 && arguments.keywords.empty())
    return enter_truth(s, given[0], false, answer);
  const bool shows = callee == builtins.str || callee == builtins.repr || callee == builtins.format;
  if (!arguments.keywords.empty() || !(shows || callee == builtins.len)) return false;
  PyTypeObject* type = known_class(given[0], s.view);
  if (callee == builtins.len && given.size() == 1) {
    PyObject* method = own_method(type, "__len__");
    return method != nullptr &&
           enter_method(s, method, "length_by", {borrow_value(method), given[0]}, answer);
  }
  Method method;
  const bool specified = given.size() == 2 && given[1].ready() && PyUnicode_CheckExact(object_of(given[1]));
  if (callee == builtins.str && given.size() == 1) method = text_method(type);
  if (callee == builtins.repr && given.size() == 1) method = method_of(type, "__repr__");
  if (callee == builtins.format && (given.size() == 1 || specified))
    method = format_method(type, !specified || PyUnicode_GET_LENGTH(object_of(given[1])) == 0);
  if (!method) return false;
  std::vector<Value> all = {borrow_value(method.function), steal_value(nb::object(nb::str(method.name))),
                            given[0]};
  if (std::string_view(method.name) == "__format__")
    all.push_back(specified ? given[1] : steal_value(nb::object(nb::str(""))));
  return enter_method(s, method.function, "text_by", std::move(all), answer);
}

// print() of one object, or of several that are written one after the other.
bool PythonHost::enter_print(const Site& s, const Arguments& arguments, Action& answer) {
  const auto& given = arguments.positional;
  PyObject* method = nullptr;
  for (const Value& v : given)
    if (const Method found = text_method(known_class(v, s.view)); found && method == nullptr)
      method = found.function;
  for (const auto& [name, v] : arguments.keywords) {
    const bool text = v.ready() && PyUnicode_CheckExact(object_of(v));
    if (PyUnicode_CompareWithASCIIString(name.ptr(), "file") == 0 || !text) return false;
  }
  const auto known = [&](const Value& v) {
    return is_data(v, s.view) || has_own_text(known_class(v, s.view));
  };
  if (method == nullptr || is_traced() || !std::ranges::all_of(given, known)) return false;
  if (s.view.quiet() && arguments.ready() && !reaches_independent(method)) return false;
  static auto* printed = imported("xcs._prelude", "printed").release().ptr();
  Arguments all = arguments;
  all.positional.insert(all.positional.begin(), borrow_value(Builtins::found().str));
  return enter_function(printed, std::move(all), answer);
}

// An f-string over objects with texts of their own. These are made first, and the f-string gets them.
bool PythonHost::enter_format(const Site& s, Action& answer) {
  if (s.program.fragments[s.node.index].kind != ir::FragmentKind::kFormat || is_traced()) return false;
  bool gains = !s.view.quiet() || first_pending(s.operands) < s.operands.size();
  bool own = false;
  nb::list kept;
  std::vector<Value> rest;
  for (const Value& v : s.operands) {
    PyTypeObject* type = known_class(v, s.view);
    const bool shown = has_own_text(type);
    if (!shown && !is_data(v, s.view)) return false;
    own = own || shown;
    kept.append(shown);
    rest.push_back(shown ? none() : v);
    for (const char* name : {"__format__", "__str__", "__repr__"})
      if (const Method method = method_of(type, name)) gains = gains || reaches_independent(method.function);
  }
  if (!own || !gains) return false;
  static auto* uses_of = nb::object(imported("xcs._fragments", "Fragments").attr("uses")).release().ptr();
  const nb::object uses = nb::handle(uses_of)(nb::handle(s.program.source()), s.node.index, kept);
  if (uses.is_none()) return false;
  static auto* formatted = imported("xcs._prelude", "formatted").release().ptr();
  Arguments all;
  all.positional = {borrow_value(s.program.fragment(s.node.index)), borrow_value(uses.ptr()),
                    steal_value(tuple_of(rest, placeholders_))};
  all.positional.insert(all.positional.end(), s.operands.begin(), s.operands.end());
  return enter_function(formatted, std::move(all), answer);
}

// Whether an object is true, or false with `negated`.
bool PythonHost::enter_truth(const Site& s, const Value& object, bool negated, Action& answer) {
  PyTypeObject* type = known_class(object, s.view);
  if (type == nullptr) return false;
  const bool has_bool = type_lookup(type, interned("__bool__").ptr()) != nullptr;
  PyObject* method = own_method(type, has_bool ? "__bool__" : "__len__");
  if (method == nullptr) return false;
  return enter_method(s, method, has_bool ? "truth_by" : "sized_truth_by",
                      {borrow_value(method), object, borrow_value(negated ? Py_True : Py_False)}, answer);
}

// Whether the node's first operand is in the container, or is not with `negated`.
bool PythonHost::enter_contains(const Site& s, bool negated, Action& answer) {
  PyObject* method = own_method(known_class(s[1], s.view), "__contains__");
  if (method == nullptr) return false;
  return enter_method(s, method, "contains_by",
                      {borrow_value(method), s[1], s[0], borrow_value(negated ? Py_True : Py_False)}, answer);
}

}  // namespace xcs::python
