// Instances that are not there yet: their class is known, and what their attributes may be. See Note [known
// values].
#include "host.h"
#include "jitted.h"

namespace xcs::python {
namespace {

PyTypeObject* class_of(const window::Instance& instance) {
  return reinterpret_cast<PyTypeObject*>(object_of(instance.type));
}

// What an attribute found in the class gives for any instance that has none of its own by that name: a new
// reference, or null when that depends on the instance.
PyObject* given_by_class(const window::Instance& instance, PyObject* found, PyObject* name) {
  if (Py_TYPE(found)->tp_descr_get == nullptr) return Py_NewRef(found);
  if (Py_TYPE(found) != &PyStaticMethod_Type && Py_TYPE(found) != &PyClassMethod_Type) return nullptr;
  return PyObject_GetAttr(object_of(instance.type), name);
}

// Whether the attribute, found so in the class, is the instance's own.
bool is_of_instance(PyObject* found) { return found == nullptr || is_slot(found) || is_field(found); }

bool set_by_class(PyObject* found) { return is_data_descriptor(found) && !is_of_instance(found); }

// What the attribute of an object that exists may be at the view's place: null when that is not known.
KnownRef describe_attribute(PyObject* object, PyObject* name, PyObject* found, View& view) {
  if (is_field(found)) return describe_object(checked(PyObject_GetAttr(object, name)).ptr(), false, view);
  if (look_in_dict(object, name, view) != View::State::kClear) return nullptr;
  const View::State state = view.look(address_of(object), {Where::kAttr, address_of(name)});
  if (state == View::State::kPending) {
    const Value* assigned = assigned_attribute(view.stores().back());
    if (assigned == nullptr) return nullptr;
    Value v = *assigned;
    v.settle();
    return v.bound() ? known_of(v, view) : nullptr;
  }
  KnownRef stored = state == View::State::kBlocked ? view.blocked_known() : window::known_nothing();
  if (stored == nullptr) return nullptr;
  if (PyObject* own = attribute_in_dict(object, name)) return join(stored, describe_object(own, false, view));
  if (is_slot(found))
    for (const auto& [slot, value] : own_attributes_of(object))
      if (slot.ptr() == name) return join(stored, describe_object(value, false, view));
  if (found == nullptr || is_slot(found)) return stored;
  return Py_TYPE(found)->tp_descr_get == nullptr ? join(stored, describe_object(found, false, view))
                                                 : nullptr;
}

// Whether builtin data has an attribute by this name.
bool names_builtin_attribute(PyObject* name) {
  for (PyTypeObject* type : {&PyList_Type, &PyDict_Type, &PyTuple_Type, &PySet_Type, &PyFrozenSet_Type,
                             &PyUnicode_Type, &PyLong_Type, &PyFloat_Type, &PyBytes_Type, Py_TYPE(Py_None)})
    if (type_lookup(type, name) != nullptr) return true;
  return false;
}

bool is_nothing(const KnownRef& known) { return window::same(known, window::known_nothing()); }

}  // namespace

// The instance that a pending value is going to be, when its class is certain, stays as it is, and finds
// attributes as object does; null otherwise.
const window::Instance* PythonHost::instance_of(const Value& value, View& view) {
  if (!value.is_pending()) return nullptr;
  const window::Instance* instance = window::certain_instance(value.known());
  if (instance == nullptr || !has_plain_getattr(class_of(*instance))) return nullptr;
  return view.look_anywhere() == View::State::kClear ? instance : nullptr;
}

PyTypeObject* PythonHost::known_class(const Value& value, View& view) {
  if (value.ready()) return Py_TYPE(object_of(value));
  const window::Instance* instance = instance_of(value, view);
  return instance == nullptr ? nullptr : class_of(*instance);
}

// What the instance's own attribute may be: known_nothing() when it has none, null when that is not known.
KnownRef PythonHost::own_attribute(const window::Instance& instance, PyObject* name, View& view) {
  const KnownRef own = window::attribute_of(instance, address_of(name));
  const KnownRef unnamed = view.stored_unnamed(address_of(name));
  return own == nullptr || unnamed == nullptr ? nullptr : join(own, unnamed);
}

// Of a value that is one of several objects, or instances, whose attributes are found without running code,
// or else something builtin that has none by this name. Returns whether it is.
bool PythonHost::load_attribute_of_any(const Value& of, PyObject* name, View& view, Action& answer) {
  const KnownRef known = of.known();
  if (known == nullptr || known->any || (known->objects.empty() && known->instances.empty())) return false;
  if (view.look_anywhere() != View::State::kClear) return false;
  const bool builtin = known->data || known->constant.bound() || may_be_container(*known);
  if (builtin && names_builtin_attribute(name)) return false;
  KnownRef all = known->data ? window::known_data() : window::known_nothing();  // of exceptions
  auto add = [&](PyTypeObject* type, auto describe) {
    if (!has_plain_getattr(type)) return false;
    PyObject* found = type_lookup(type, name);
    if (set_by_class(found) || (!is_of_instance(found) && !binds_plainly(found))) return false;
    if (all != nullptr) all = join(all, describe(found));
    return true;
  };
  for (const Value& object : known->objects) {
    PyObject* o = object_of(object);
    if (PyModule_Check(o) || PyType_Check(o) || is_static(Py_TYPE(o))) return false;
    if (!add(Py_TYPE(o), [&](PyObject* found) { return describe_attribute(o, name, found, view); }))
      return false;
  }
  for (const window::Instance& instance : known->instances)
    if (!add(class_of(instance), [&](PyObject* found) {
          return is_of_instance(found) ? own_attribute(instance, name, view) : nullptr;
        }))
      return false;
  answer = with_known(needs_operand(0, kUnknown), all);
  return true;
}

Action PythonHost::load_instance_attribute(const Site& s, const Value& of, const window::Instance& instance,
                                           PyObject* name) {
  PyObject* found = type_lookup(class_of(instance), name);
  if (set_by_class(found)) {
    if (contracts_.is_pure_attribute(class_of(instance), found))
      return needs_operand(0, contracts_.gives_atom(found) ? kData | kAtom : kUnknown);
    const nb::object getter =
        Py_TYPE(found) == &PyProperty_Type ? nb::object(nb::handle(found).attr("fget")) : nb::object();
    if (!getter || !PyFunction_Check(getter.ptr())) return needs_operand(0, kUnknown, Effect::kAnything);
    Arguments arguments;
    arguments.positional.push_back(of);
    return call_object(s, getter.ptr(), std::move(arguments));
  }
  const bool in_class = !is_of_instance(found);
  const KnownRef own = own_attribute(instance, name, s.view);
  if (!in_class) return with_known(needs_operand(0, kUnknown), own);
  if (is_nothing(own)) {
    if (PyObject* given = given_by_class(instance, found, name)) return outcome(given);
    if (PyFunction_Check(found) || Py_TYPE(found) == &PyMethodDescr_Type)
      return with_known(needs_operand(0, kUnknown), window::known_attribute(of, nullptr));
  }
  if (!binds_plainly(found)) return needs_operand(0, kUnknown, Effect::kAnything);
  const bool as_it_is = Py_TYPE(found)->tp_descr_get == nullptr;
  return with_known(needs_operand(0, kUnknown),
                    as_it_is && own != nullptr ? join(own, describe_object(found, false, s.view)) : nullptr);
}

Action PythonHost::store_instance_attribute(const Value& target, const window::Instance& instance,
                                            PyObject* name, std::uint32_t value) {
  PyTypeObject* type = class_of(instance);
  PyObject* found = type_lookup(type, name);
  if (!has_plain_setattr(type) || set_by_class(found)) return needs_operand(0, kUnknown, Effect::kAnything);
  Action a = needs_operand(0, kUnknown, Effect::kOpaque);
  a.effect.stores.push_back({target, {Where::kAttr, address_of(name)}});
  if (value != ir::kNone) return stores_operand(std::move(a), value);
  a.effect.stores.back().known = window::known_nothing();
  return a;
}

// Returns whether what the call does is known.
bool PythonHost::call_instance_method(const Site& s, const Value& receiver, PyObject* name,
                                      Arguments arguments, Action& answer) {
  const window::Instance* instance = instance_of(receiver, s.view);
  if (instance == nullptr) return false;
  PyObject* found = type_lookup(class_of(*instance), name);
  if (set_by_class(found)) return false;
  const KnownRef own = own_attribute(*instance, name, s.view);
  if (own == nullptr) return false;
  if (!is_nothing(own) || is_of_instance(found)) {
    const Value callee = is_of_instance(found) ? window::certain(own) : Value();
    if (!callee.ready()) return false;
    answer = call_found(s, object_of(callee), std::move(arguments));
    return true;
  }
  if (PyFunction_Check(found) || Py_TYPE(found) == jitted_type() || Py_TYPE(found) == &PyMethodDescr_Type) {
    arguments.positional.insert(arguments.positional.begin(), receiver);
    arguments.has_self = true;
    answer = call_found(s, found, std::move(arguments));
    return true;
  }
  PyObject* given = given_by_class(*instance, found, name);
  if (given == nullptr) return PyErr_Clear(), false;
  const nb::object callee = nb::steal(given);
  answer = call_found(s, callee.ptr(), std::move(arguments));
  return true;
}

}  // namespace xcs::python
