// Attributes: loads, stores, properties, and the methods that `with` looks up on the type.
#include <Python.h>
#include <fmt/format.h>
#include <structmember.h>

#include <array>

#include "files.h"
#include "host.h"
#include "jitted.h"
#include "reach.h"
#include "tracing.h"

namespace xcs::python {
namespace {

// Whether it is the `name` or `value` of members of enumerations, which never change.
bool is_enum_property(PyObject* found) {
  static auto* base = reinterpret_cast<PyTypeObject*>(imported("enum", "Enum").release().ptr());
  return found == type_lookup(base, interned("value").ptr()) ||
         found == type_lookup(base, interned("name").ptr());
}

// The member `name` of the enumeration `type`, or null. Enumerations never change theirs.
PyObject* enum_member(PyTypeObject* type, PyObject* name) {
  static auto* metatype = reinterpret_cast<PyTypeObject*>(imported("enum", "EnumMeta").release().ptr());
  if (Py_TYPE(type) != metatype) return nullptr;
  PyObject* members = type_lookup(type, interned("_member_map_").ptr());
  return members != nullptr && PyDict_CheckExact(members) ? PyDict_GetItemWithError(members, name) : nullptr;
}

PyTypeObject* cached_property_type() {
  static auto* type =
      reinterpret_cast<PyTypeObject*>(imported("functools", "cached_property").release().ptr());
  return type;
}

}  // namespace

// What getting the attribute `name`, found in the class of `object`, calls of Python code; see Getter.
std::optional<PythonHost::Getter> PythonHost::getter_of(PyObject* object, PyObject* found, PyObject* name) {
  if (found == nullptr) return std::nullopt;
  Getter getter;
  if (Py_TYPE(found) == &PyProperty_Type) {
    getter.function = nb::handle(found).attr("fget");
    getter.given.push_back(borrow_value(object));
    getter.reaches = getter.function;
  } else if (Py_TYPE(found) == cached_property_type()) {
    static auto* cached = imported("xcs._prelude", "cached_attribute").release().ptr();
    const bool kept = _PyObject_GetDictPtr(object) != nullptr && has_plain_setattr(Py_TYPE(object));
    const nb::object kept_as = nb::handle(found).attr("attrname");
    if (!kept || !PyUnicode_Check(kept_as.ptr()) || PyUnicode_Compare(kept_as.ptr(), name) != 0)
      return std::nullopt;
    getter.function = nb::borrow(cached);
    getter.reaches = nb::handle(found).attr("func");
    getter.given = {borrow_value(getter.reaches.ptr()), borrow_value(object), borrow_value(name)};
  } else {
    PyObject* get = type_lookup(Py_TYPE(found), interned("__get__").ptr());
    if (get == nullptr) return std::nullopt;
    getter.function = getter.reaches = nb::borrow(get);
    getter.given = {borrow_value(found), borrow_value(object),
                    borrow_value(reinterpret_cast<PyObject*>(Py_TYPE(object)))};
  }
  if (!PyFunction_Check(getter.function.ptr())) return std::nullopt;
  return getter;
}

Action PythonHost::load_attribute(const Site& s) {
  return load_attribute(s, s[0], s.program.name_object(s.node.index));
}

Action PythonHost::load_attribute(const Site& s, const Value& of, PyObject* name) {
  if (of.is_pending()) return load_pending_attribute(s, of, name);
  PyObject* object = object_of(of);
  PyTypeObject* type = Py_TYPE(object);
  if (PyModule_CheckExact(object)) return load_module_attribute(s, object, name);
  if (PyType_Check(object)) return load_class_attribute(s, reinterpret_cast<PyTypeObject*>(object), name);
  const bool of_function = PyMethod_Check(object) && (type_lookup(type, name) == nullptr ||
                                                      PyUnicode_CompareWithASCIIString(name, "__doc__") == 0);
  if (of_function) return load_attribute(s, borrow_value(PyMethod_GET_FUNCTION(object)), name);
  if (s.view.quiet() && has_plain_getattr(type))  // without reading its dict, see call_method()
    if (PyObject* found = type_lookup(type, name); found == nullptr || binds_plainly(found))
      return outcome(PyObject_GetAttr(object, name));
  if (!has_plain_keys(object))
    return s.view.quiet() ? outcome(PyObject_GetAttr(object, name))
                          : ordered(Reason::kUserAttribute, Effect::kAnything);
  if (!has_plain_getattr(type)) {
    // A method of the class, or an attribute of the instance, which no __getattr__ is asked for.
    PyObject* found = finds_plainly(type) ? type_lookup(type, name) : nullptr;
    const bool of_class = found != nullptr && !is_data_descriptor(found) && binds_plainly(found);
    const bool of_instance =
        finds_plainly(type) && found == nullptr && attribute_in_dict(object, name) != nullptr;
    if (!of_class && !of_instance) return load_with_hook(s, object, name);
  }
  return load_instance_attribute(s, object, name);
}

// Of something that is not there yet.
Action PythonHost::load_pending_attribute(const Site& s, const Value& of, PyObject* name) {
  const bool data = (of.flags() & (kData | kAtom)) != 0;
  if (const window::Instance* instance = instance_of(of, s.view)) {
    Action a = load_instance_attribute(s, of, *instance, name);
    const bool unknown = a.verdict == Action::kOperand && a.flags == kUnknown && a.known == nullptr;
    if (!data || !unknown) return a;
  }
  if (Action a; !data && load_attribute_of_any(of, name, s.view, a)) return a;
  if (!data && !is_builtin(of, s.view)) return needs_operand(0, kUnknown, Effect::kAnything);
  const bool atom = (of.flags() & kAtom) != 0;
  const KnownRef what = atom ? window::known_atom() : data ? window::known_data() : nullptr;
  return with_known(needs_operand(0, kUnknown), window::known_attribute(of, what));
}

Action PythonHost::load_module_attribute(const Site& s, PyObject* module, PyObject* name) {
  if (s.view.quiet()) return outcome(PyObject_GetAttr(module, name));
  PyObject* space = PyModule_GetDict(module);
  switch (s.view.look(address_of(space), {Where::kItem, address_of(name)})) {
    case View::State::kBlocked:
      return blocked(kUnknown);
    case View::State::kClear:
      break;
    case View::State::kPending: {
      const PendingStore& last = s.view.stores().back();
      if (last.node->op != ir::Op::kStoreGlobal) return ordered(Reason::kPendingMemory, Effect::kNone);
      Value value = last.operands[0];
      value.settle();
      return done(std::move(value));
    }
  }
  // A name that is missing may be made by the module's __getattr__.
  if (PyDict_GetItemWithError(space, name) == nullptr)
    return ordered(Reason::kUserAttribute, Effect::kAnything);
  return outcome(PyObject_GetAttr(module, name));
}

Action PythonHost::load_class_attribute(const Site& s, PyTypeObject* type, PyObject* name) {
  auto* object = reinterpret_cast<PyObject*>(type);
  if (s.view.quiet()) return outcome(PyObject_GetAttr(object, name));
  if (PyObject* member = enum_member(type, name)) return done(borrow_value(member));
  // Stores to classes may touch anything, so that only those need to be looked for.
  if (s.view.look_anywhere() == View::State::kBlocked) return blocked(kUnknown);
  PyTypeObject* metatype = Py_TYPE(object);
  const bool plain =
      metatype->tp_getattro == PyType_Type.tp_getattro && !is_data_descriptor(type_lookup(metatype, name));
  PyObject* found = type_lookup(type, name);
  if ((plain && found != nullptr && (binds_plainly(found) || Py_TYPE(found) == &PyProperty_Type)) ||
      PyUnicode_CompareWithASCIIString(name, "__name__") == 0)
    return outcome(PyObject_GetAttr(object, name));
  return ordered(Reason::kUserAttribute, Effect::kAnything);
}

// A class with __getattr__ or __getattribute__, or a builtin one with attributes of its own kind.
Action PythonHost::load_with_hook(const Site& s, PyObject* object, PyObject* name) {
  if (s.view.quiet()) return outcome(PyObject_GetAttr(object, name));
  if (Py_TYPE(object) == &PySuper_Type && s.view.look_anywhere() == View::State::kClear)
    if (const nb::object found = found_through_super(object, name); found) {
      if (binds_plainly(found.ptr())) return outcome(PyObject_GetAttr(object, name));
      const nb::object self = nb::handle(object).attr("__self__");
      if (Py_TYPE(found.ptr()) == &PyProperty_Type) return load_by_getter(s, self.ptr(), found.ptr(), name);
    }
  if (is_atom(object) && (Py_TYPE(object)->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0)
    return outcome(PyObject_GetAttr(object, name));
  return ordered(Reason::kUserAttribute, Effect::kAnything);
}

Action PythonHost::load_instance_attribute(const Site& s, PyObject* object, PyObject* name) {
  PyTypeObject* type = Py_TYPE(object);
  PyObject* found = type_lookup(type, name);
  if (is_data_descriptor(found) && !is_slot(found)) return load_by_descriptor(s, object, found, name);
  const bool fixed = is_static(type) && type->tp_dictoffset == 0 && found != nullptr &&
                     (!is_data_descriptor(found) || shape_of(object) == Shape::kAtom);
  if (fixed) return outcome(PyObject_GetAttr(object, name));
  if (s.view.quiet()) {
    const bool plain = binds_plainly(found) || attribute_in_dict(object, name) != nullptr;
    return plain ? outcome(PyObject_GetAttr(object, name)) : load_by_getter(s, object, found, name);
  }
  if (const View::State state = look_in_dict(object, name, s.view); state != View::State::kClear)
    return state == View::State::kBlocked ? blocked(kUnknown)
                                          : ordered(Reason::kPendingMemory, Effect::kNone);
  switch (s.view.look(address_of(object), {Where::kAttr, address_of(name)})) {
    case View::State::kBlocked: {
      if (_PyObject_GetDictPtr(object) == nullptr) return blocked(kUnknown);
      PyObject* own = attribute_in_dict(object, name);
      return blocked_at(s.view, own != nullptr ? own : found);
    }
    case View::State::kClear:
      break;
    case View::State::kPending: {
      const Value* value = assigned_attribute(s.view.stores().back());
      if (value == nullptr) return ordered(Reason::kPendingMemory, Effect::kNone);
      return settled(*value);
    }
  }
  if (!binds_plainly(found) && attribute_in_dict(object, name) == nullptr) {
    if (!contracts_.is_pure_attribute(type, found)) return load_by_getter(s, object, found, name);
    if (s.view.look(address_of(object), kState) != View::State::kClear) return blocked(kUnknown);
  }
  return outcome(PyObject_GetAttr(object, name));
}

// An attribute that a data descriptor of the class gives, which nothing of the object hides.
Action PythonHost::load_by_descriptor(const Site& s, PyObject* object, PyObject* found, PyObject* name) {
  PyTypeObject* type = Py_TYPE(object);
  if (Py_TYPE(found) == &PyProperty_Type) return load_by_getter(s, object, found, name);
  const bool builtin = (type->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0 || Py_TYPE(found) == &PyGetSetDescr_Type ||
                       (Py_TYPE(found) == &PyMemberDescr_Type && contracts_.is_pure_attribute(type, found));
  const bool is_dict = PyUnicode_CompareWithASCIIString(name, "__dict__") == 0;
  const bool python = !builtin && getter_of(object, found, name);
  const bool whole = s.view.quiet() && !python;
  if (whole || (is_static(type) && shape_of(object) == Shape::kAtom) ||
      (is_enum_property(found) && shape_of(object) == Shape::kAtom))
    return outcome(PyObject_GetAttr(object, name));
  if (is_field(found) && PyTuple_Check(object)) {  // which may still be a placeholder
    const nb::object item = checked(PyObject_GetAttr(object, name));
    return done(to_value(item.ptr()));
  }
  if (builtin && !is_dict) {
    // What it gives may tell of what methods have done to the object.
    for (const Where& place : {Where{Where::kAttr, address_of(name)}, kState})
      if (s.view.look(address_of(object), place) != View::State::kClear) return blocked(kUnknown);
    if (shows_database(type) && s.view.look(address_of(database()), {Where::kAll}) != View::State::kClear)
      return blocked(kUnknown);
    return outcome(PyObject_GetAttr(object, name));
  }
  return load_by_getter(s, object, found, name);
}

// An attribute that its class gives by a descriptor, which no attribute of the object hides.
Action PythonHost::load_by_getter(const Site& s, PyObject* object, PyObject* found, PyObject* name) {
  if (std::optional<Getter> getter = getter_of(object, found, name)) {
    const bool whole = s.view.quiet() && !reaches_independent(getter->reaches.ptr());
    if (!whole) {
      Arguments arguments;
      arguments.positional = std::move(getter->given);
      return call_object(s, getter->function.ptr(), std::move(arguments));
    }
  }
  if (s.view.quiet()) return outcome(PyObject_GetAttr(object, name));
  return ordered(Reason::kUserAttribute, Effect::kAnything);
}

// What the attribute `name` of the object gives is called.
bool PythonHost::call_by_getter(PyObject* object, PyObject* name, const Arguments& arguments,
                                Action& answer) {
  static auto* function = imported("xcs._prelude", "got_and_called").release().ptr();
  std::optional<Getter> getter = getter_of(object, type_lookup(Py_TYPE(object), name), name);
  if (!getter || is_traced()) return false;
  Arguments all = arguments;
  const nb::object given = tuple_of(getter->given, placeholders_);
  const std::array<Value, 2> first = {borrow_value(getter->function.ptr()), borrow_value(given.ptr())};
  all.positional.insert(all.positional.begin(), first.begin(), first.end());
  return enter_function(function, std::move(all), answer);
}

Action PythonHost::store_attribute(const Site& s) {
  const bool removes = s.node.op == ir::Op::kDeleteAttr;
  return store_attribute(s, s[0], s.program.name_object(s.node.index), removes ? ir::kNone : 1, true);
}

Action PythonHost::store_attribute(const Site& s, const Value& target, PyObject* name, std::uint32_t value,
                                   bool by_class) {
  const bool removes = value == ir::kNone;
  if (target.is_pending()) {
    if (const window::Instance* instance = instance_of(target, s.view))
      return store_instance_attribute(target, *instance, name, value);
    // Of data, only an exception takes attributes.
    const bool data = (target.flags() & kData) != 0;
    Action a = needs_operand(0, kUnknown, data ? Effect::kOpaque : Effect::kAnything);
    if (data) a.effect.stores.push_back({target, {Where::kAttr, address_of(name)}});
    return a;
  }
  PyObject* object = object_of(target);
  note_assigned(object);
  PyObject* stored = removes || s[value].is_pending() ? nullptr : s.object(value);
  if (s.view.quiet()) {
    if (!removes && stored == nullptr) return needs_operand(value, kUnknown, Effect::kAnything);
    return PyObject_SetAttr(object, name, stored) == 0 ? none_done() : raised();
  }
  if (PyModule_CheckExact(object)) {
    PyObject* space = PyModule_GetDict(object);
    Action a = ordered_store(borrow_value(space), {Where::kItem, address_of(name)}, Effect::kOpaque);
    a.effect.stores.push_back({borrow_value(space), {Where::kKeys}});
    return a;
  }
  PyTypeObject* type = Py_TYPE(object);
  PyObject* found = type_lookup(type, name);
  const bool by_object = has_plain_setattr(type) || (!by_class && !is_static(type));
  const bool plain = by_object && (!is_data_descriptor(found) || is_slot(found)) && !PyType_Check(object);
  if (!plain) return ordered(Reason::kUserAttribute, Effect::kAnything);
  if (Action a;
      (removes || stored != nullptr) && store_attribute_privately(s, object, name, stored, by_class, a))
    return a;
  Action a = ordered_store(target, {Where::kAttr, address_of(name)});
  if (PyObject* dict = is_slot(found) ? nullptr : shared_dict(object); dict != nullptr) {
    a.effect.memory = Effect::kOpaque;
    a.effect.stores.push_back({borrow_value(dict), {Where::kItem, address_of(name)}});
    a.effect.stores.push_back({borrow_value(dict), {Where::kKeys}});
  }
  if (!removes) a = stores_operand(std::move(a), value);
  const bool kept = is_slot(found) || _PyObject_GetDictPtr(object) != nullptr;
  return kept && !removes ? sure(std::move(a)) : std::move(a);
}

// What __exit__ is given: class, exception and traceback, or three times None. Of an exception that is not
// there as little is known as of its class and its traceback.
void PythonHost::push_exception(const Site& s, Arguments& arguments) {
  const bool there = s.operands.size() > 1 && s[1].ready() && s.object(1) != Py_None;
  if (!there) {
    const bool unknown = s.operands.size() > 1 && s[1].is_pending();
    for (int i = 0; i < 3; ++i) arguments.positional.push_back(unknown ? s[1] : none());
    return;
  }
  PyObject* exception = s.object(1);
  arguments.positional.push_back(borrow_value(reinterpret_cast<PyObject*>(Py_TYPE(exception))));
  arguments.positional.push_back(s[1]);
  PyObject* traceback = PyException_GetTraceback(exception);
  arguments.positional.push_back(traceback == nullptr ? none() : steal_value(traceback));
}

namespace {

// What the interpreter says of a class without the special method.
Action special_missing(PyTypeObject* type, std::string_view name) {
  if (name == "__aiter__" || name == "__anext__") {
    PyErr_Format(PyExc_TypeError,
                 name == "__aiter__" ? "'async for' requires an object with __aiter__ method, got %.100s"
                                     : "'async for' requires an iterator with __anext__ method, got %.100s",
                 type->tp_name);
    return raised();
  }
  const bool awaits = name.starts_with("__a");
  const bool leaves = name.ends_with("exit__");
  const std::string message =
      PY_VERSION_HEX >= 0x030B0000
          ? fmt::format("'{}' object does not support the {}context manager protocol{}", type->tp_name,
                        awaits ? "asynchronous " : "", leaves ? fmt::format(" (missed {} method)", name) : "")
          : std::string(name);
  PyErr_SetString(PY_VERSION_HEX >= 0x030B0000 ? PyExc_TypeError : PyExc_AttributeError, message.c_str());
  return raised();
}

}  // namespace

Action PythonHost::special(const Site& s) {
  if (Action a; step_manager(s, a)) return a;
  if (s[0].is_pending()) {
    const window::Instance* instance = instance_of(s[0], s.view);
    PyObject* found = instance == nullptr
                          ? nullptr
                          : type_lookup(reinterpret_cast<PyTypeObject*>(object_of(instance->type)),
                                        s.program.name_object(s.node.index));
    if (found != nullptr && (PyFunction_Check(found) || Py_TYPE(found) == &PyMethodDescr_Type))
      return call_special(s, found);
    const bool data = all_data(s.operands, s.view);  // a file that is not open yet
    if (!data) return needs_operand(0, kUnknown, Effect::kAnything);
    return changes(needs_operand(0, kData), borrow_value(files()), {Where::kAll});
  }
  if (const std::size_t i = first_pending(s.operands); i < s.operands.size() && s.view.walks() == 0) {
    if (!is_data(s[1], s.view)) return needs_operand(i, kUnknown, Effect::kAnything);
    // What __exit__ may do is what it may do without an exception, as far as its contract tells.
    const Site left{s.program, s.node, s.operands.first(1), s.view};
    Action a = special(left);
    if (a.verdict != Action::kOrdered) a.effect = {.memory = Effect::kAnything};
    Action waits = needs_operand(i, a.flags);
    waits.effect = std::move(a.effect);
    return waits;
  }
  PyObject* object = s.object(0);
  PyObject* name = s.program.name_object(s.node.index);
  PyTypeObject* type = Py_TYPE(object);
  PyObject* method = type_lookup(type, name);
  if (method == nullptr) return special_missing(type, PyUnicode_AsUTF8(name));
  if (PyFunction_Check(method) || Py_TYPE(method) == &PyMethodDescr_Type) return call_special(s, method);
  if (!s.view.quiet()) return ordered(Reason::kUnknownCallee, Effect::kAnything);
  PyObject* bound = method;
  nb::object holder;
  if (Py_TYPE(method)->tp_descr_get != nullptr) {
    PyObject* made = Py_TYPE(method)->tp_descr_get(method, object, reinterpret_cast<PyObject*>(type));
    if (made == nullptr) return raised();
    holder = nb::steal(made);
    bound = holder.ptr();
  }
  Arguments arguments = arguments_of_special(s);
  arguments.positional.erase(arguments.positional.begin());
  arguments.has_self = false;
  return call_found(s, bound, std::move(arguments));
}

Arguments PythonHost::arguments_of_special(const Site& s) {
  Arguments arguments;
  arguments.positional.push_back(s[0]);
  arguments.has_self = true;
  PyObject* name = s.program.name_object(s.node.index);
  if (PyUnicode_CompareWithASCIIString(name, "__exit__") == 0 ||
      PyUnicode_CompareWithASCIIString(name, "__aexit__") == 0)
    push_exception(s, arguments);
  return arguments;
}

Action PythonHost::call_special(const Site& s, PyObject* method) {
  return call_found(s, method, arguments_of_special(s));
}

}  // namespace xcs::python
