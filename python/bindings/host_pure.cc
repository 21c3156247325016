// Calls of pure callables: they see their arguments as they are at their place.
#include <algorithm>

#include "host.h"

namespace xcs::python {

namespace {

PyTypeObject* as_type(PyObject* object) { return reinterpret_cast<PyTypeObject*>(object); }

// Whether asking about instances and subclasses of the class runs no code of the user's.
bool answers_plainly(PyObject* classes) {
  if (PyTuple_Check(classes)) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(classes); ++i)
      if (!answers_plainly(PyTuple_GET_ITEM(classes, i))) return false;
    return true;
  }
  if (!PyType_Check(classes)) return true;  // a union, or an error
  PyTypeObject* metatype = Py_TYPE(classes);
  if (metatype == &PyType_Type) return true;
  for (const char* name : {"__instancecheck__", "__subclasscheck__"}) {
    PyObject* method = type_lookup(metatype, interned(name).ptr());
    if (method != type_lookup(&PyType_Type, interned(name).ptr()) && !comes_with_python(method)) return false;
  }
  PyObject* hook = type_lookup(reinterpret_cast<PyTypeObject*>(classes), interned("__subclasshook__").ptr());
  if (hook == nullptr || Py_TYPE(hook) == &PyClassMethodDescr_Type) return true;
  if (PyFunction_Check(hook)) return comes_with_python(hook);  // as protocols have it
  return Py_TYPE(hook) == &PyClassMethod_Type &&
         comes_with_python(nb::object(nb::handle(hook).attr("__func__")).ptr());
}

// Whether it is one of the builtins or a method of theirs, which see instances through their operators only.
bool is_of_builtins(PyObject* callee) {
  if (PyCFunction_Check(callee)) {
    PyObject* module = reinterpret_cast<PyCFunctionObject*>(callee)->m_module;
    PyObject* self = PyCFunction_GET_SELF(callee);
    if (module == nullptr)
      return self != nullptr && is_static(PyType_Check(self) ? as_type(self) : Py_TYPE(self));
    return PyUnicode_Check(module) && PyUnicode_CompareWithASCIIString(module, "builtins") == 0;
  }
  if (PyType_Check(callee)) return is_static(as_type(callee));
  return Py_TYPE(callee) == &PyMethodDescr_Type && is_static(PyDescr_TYPE(callee));
}

// Of a callable that looks at no argument's memory: whether it runs no code of the arguments' classes.
bool asks_plainly(PyObject* callee, const Arguments& arguments) {
  static auto* is_instance = imported("builtins", "isinstance").release().ptr();
  static auto* is_subclass = imported("builtins", "issubclass").release().ptr();
  const auto& given = arguments.positional;
  if (callee == reinterpret_cast<PyObject*>(&PyRange_Type))
    return std::ranges::all_of(given, [](const Value& v) { return is_atom(object_of(v)); });
  if ((callee != is_instance && callee != is_subclass) || given.size() != 2) return true;
  static PyObject* const own_class = type_lookup(&PyBaseObject_Type, interned("__class__").ptr());
  PyObject* asked = object_of(given[0]);
  return answers_plainly(object_of(given[1])) && (PyType_Check(asked) || has_plain_getattr(Py_TYPE(asked))) &&
         type_lookup(Py_TYPE(asked), interned("__class__").ptr()) == own_class;
}

// Of a callable that looks at no argument's memory: whether its answer depends on the arguments' classes.
bool asks_for_class(PyObject* callee, const Contract& contract) {
  static auto* identity = imported("builtins", "id").release().ptr();
  if (PyType_Check(callee)) return callee == reinterpret_cast<PyObject*>(&PyType_Type);
  return contract.returns == Contract::kAtom && callee != identity;
}

// Whether it makes atoms of atoms: arithmetic, or the choice of one of its arguments.
bool keeps_atoms(PyObject* callee) {
  static auto* add = imported("operator", "add").release().ptr();
  static auto* largest = imported("xcs._prelude", "largest").release().ptr();
  static auto* smallest = imported("xcs._prelude", "smallest").release().ptr();
  return callee == add || callee == largest || callee == smallest;
}

bool will_be_atom(const Value& v) {
  return v.is_pending() ? (v.flags() & kAtom) != 0 : is_atom(object_of(v));
}

Flags flags_of_pure(PyObject* callee, const Contract& contract) {
  const bool makes_exception =
      PyExceptionClass_Check(callee) && is_static(reinterpret_cast<PyTypeObject*>(callee));
  return makes_exception ? kFresh : contract.flags();
}

// What is known of the result of a pure callable: data, when it is made of data alone.
KnownResult result_of_pure(const Site& s, PyObject* callee, const Contract& contract,
                           const Arguments& arguments) {
  KnownResult result = result_of(callee, arguments.positional, s.view);
  if (result.known != nullptr || contract.returns != Contract::kElement) return result;
  if (keeps_atoms(callee) && std::ranges::all_of(arguments.positional, will_be_atom))
    return {window::known_atom(), true};
  const bool data =
      all_pure_data(arguments.positional, s.view) &&
      std::ranges::all_of(arguments.keywords, [&](const auto& k) { return is_pure_data(k.second, s.view); });
  if (data) result.known = window::known_data();
  return result;
}

}  // namespace

// `a` waits; what runs then changes some of its arguments, and nothing else. REQUIRES: all of them are data
Action PythonHost::changes_arguments(const Site& s, const Contract& contract, const Arguments& arguments,
                                     Action a) {
  bool data = true;
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) {
    const Value& v = arguments.positional[i];
    const bool changed = std::ranges::find(contract.mutates, i) != contract.mutates.end();
    // What an object of a builtin type has besides its state are methods.
    const bool state = v.ready() && shape_of(object_of(v)) == Shape::kPlain &&
                       _PyObject_GetDictPtr(object_of(v)) == nullptr &&
                       PyType_HasFeature(Py_TYPE(object_of(v)), Py_TPFLAGS_IMMUTABLETYPE) != 0;
    if (changed) a.effect.stores.push_back({.target = v, .where = {state ? Where::kKeys : Where::kAll}});
    data = data && (changed || is_pure_data(v, s.view));
  }
  for (const auto& [name, v] : arguments.keywords) data = data && is_pure_data(v, s.view);
  if (data)
    for (Effect::Store& store : a.effect.stores) store.known = window::known_data();
  a.effect.memory = changes_named(contract, arguments) ? Effect::kAnything : Effect::kOpaque;
  a.reason = static_cast<window::ReasonCode>(Reason::kChangesArguments);
  return a;
}

// The one argument that it changes may be an object that only the code being fetched can reach.
bool PythonHost::change_privately(const Site& s, PyObject* callee, const Contract& contract,
                                  const Arguments& arguments, Action& answer) {
  if (contract.mutates.size() != 1 || !PyCFunction_Check(callee)) return false;
  if (contract.mutates[0] >= arguments.positional.size()) return false;
  PyObject* changed = object_of(arguments.positional[contract.mutates[0]]);
  std::uint32_t copies = 0;
  for (const Value& v : arguments.positional) copies += v.object() == address_of(changed) ? 1 : 0;
  if (!PyList_CheckExact(changed) || placeholders_.holds(changed) || !is_private(s, changed, copies))
    return false;
  if (!reads_plainly(s, arguments, Depth::kDeep)) return false;
  answer = call_native(callee, arguments);
  answer.changed = borrow_value(changed);
  return true;
}

namespace {

// Whether what it reads of its arguments runs no code of the program's.
bool runs_no_code(const Contract& contract, const Arguments& arguments, View& view) {
  return contract.reads == Contract::kNothing || arguments.data(view) ||
         (contract.reads == Contract::kShallow && arguments.builtin(view));
}

}  // namespace

Action PythonHost::call_pure(const Site& s, PyObject* callee, const Contract& contract, Arguments arguments) {
  const Flags flags = flags_of_pure(callee, contract);
  const bool back = calls_back(contract, arguments);
  const bool plain = runs_no_code(contract, arguments, s.view);
  if (const Value* pending = arguments.pending()) {
    const bool may_do_more = back || !plain;
    Action a = needs_argument(s, *pending, flags, may_do_more ? Effect::kAnything : Effect::kNone);
    if (back) a.reason = static_cast<window::ReasonCode>(Reason::kCallback);
    if (!may_do_more && changes_any(contract, arguments))
      return changes_arguments(s, contract, arguments, std::move(a));
    return may_do_more ? std::move(a)
                       : with_result(std::move(a), result_of_pure(s, callee, contract, arguments));
  }
  if (s.view.quiet() && PyFunction_Check(callee)) return call_framed(s, callee, std::move(arguments));
  if (s.view.quiet()) return call_composing(s, callee, arguments, nullptr);
  if (Action a = captures(s, callee, flags); a.verdict != Action::kDone) return a;
  if (back) return ordered(Reason::kCallback, Effect::kAnything, flags);
  if (changes_any(contract, arguments)) {
    if (!plain) return ordered(Reason::kChangesArguments, Effect::kAnything, flags);
    if (Action a; change_privately(s, callee, contract, arguments, a)) return a;
    return changes_arguments(s, contract, arguments,
                             ordered(Reason::kChangesArguments, Effect::kNone, flags));
  }
  if (!asks_plainly(callee, arguments)) return ordered(Reason::kUserOperator, Effect::kAnything, flags);
  if (contract.reads == Contract::kNothing) return call_blind(s, callee, contract, arguments);
  if (Action a; reads_container(s, callee, arguments, a)) return a;
  return call_over(s, callee, contract, arguments);
}

// What looks at no argument's memory.
Action PythonHost::call_blind(const Site& s, PyObject* callee, const Contract& contract,
                              const Arguments& arguments) {
  const Flags flags = flags_of_pure(callee, contract);
  if (asks_for_class(callee, contract) && may_change_class(arguments.positional, s.view)) {
    Action a = blocked(flags);
    a.effect.memory = Effect::kAnything;
    return a;
  }
  // A tuple of classes is no memory, but one of them may still be a placeholder.
  Snapshot tuples(s.view, placeholders_, Depth::kShallow);
  for (const Value& v :
       std::span(arguments.positional).subspan(std::min<std::size_t>(1, arguments.positional.size())))
    if (contract.returns == Contract::kAtom && PyTuple_CheckExact(object_of(v)))
      if (const Obstacle o = tuples.add(object_of(v)); o != Obstacle::kNothing)
        return held_up(o, tuples.element(), flags);
  return call_native(callee, arguments);
}

// On its arguments as they are at this place.
Action PythonHost::call_over(const Site& s, PyObject* callee, const Contract& contract,
                             const Arguments& arguments) {
  const Flags flags = flags_of_pure(callee, contract);
  const Depth depth = contract.reads == Contract::kShallow ? Depth::kShallow
                      : is_of_builtins(callee)             ? Depth::kDeep
                                                           : Depth::kReached;
  Snapshot now(s.view, placeholders_, depth);
  auto add = [&](const Value& v) {
    if (depth == Depth::kShallow && !is_of_builtins(callee))
      if (const Obstacle o = now.add_attributes(object_of(v)); o != Obstacle::kNothing) return o;
    // An iterator or generator among the arguments would be stepped.
    const Shape shape = shape_of(object_of(v));
    const bool steps = shape == Shape::kIterator || (shape == Shape::kCallable && PyIter_Check(object_of(v)));
    if (steps) return Iterators::composes(callee) ? Obstacle::kNothing : Obstacle::kUnknown;
    return now.add(object_of(v));
  };
  auto held = [&](Obstacle o) {
    const bool plain = runs_no_code(contract, arguments, s.view);
    Action a = held_up_inside(o, now.element(), flags, plain);
    return plain ? with_result(std::move(a), result_of_pure(s, callee, contract, arguments)) : std::move(a);
  };
  for (const Value& v : arguments.positional)
    if (const Obstacle o = add(v); o != Obstacle::kNothing) return held(o);
  for (const auto& [name, v] : arguments.keywords)
    if (const Obstacle o = add(v); o != Obstacle::kNothing) return held(o);
  if (!now.copied()) return call_composing(s, callee, arguments, nullptr);
  // Something that keeps its arguments, such as an iterator, must get the objects themselves.
  if (contract.returns == Contract::kObject || contract.returns == Contract::kArgument)
    return Iterators::composes(callee) ? call_composing(s, callee, arguments, &now)
                                       : ordered(Reason::kPendingMemory, Effect::kNone, flags);
  Arguments copies;
  for (const Value& v : arguments.positional) copies.positional.push_back(steal_value(now.get(object_of(v))));
  for (const auto& [name, v] : arguments.keywords)
    copies.keywords.emplace_back(name, steal_value(now.get(object_of(v))));
  Action a = call_native(callee, copies);
  if (contract.returns == Contract::kData && a.verdict == Action::kDone) return a;
  copies = {};
  return may_show_copies(a, now) ? ordered(Reason::kPendingMemory, Effect::kNone, flags) : std::move(a);
}

}  // namespace xcs::python
