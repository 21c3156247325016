// Calls: what is called, and what that comes to. What a contract promises decides when it may run; see
// host_contracts.cc.
#include "cached.h"
#include "host.h"
#include "jitted.h"
#include "resumable_run.h"

namespace xcs::python {

namespace {

// functools.partial, found once.
PyTypeObject* partial_type() {
  static auto* type = reinterpret_cast<PyTypeObject*>(imported("functools", "partial").release().ptr());
  return type;
}

}  // namespace

// The value that the store leaves in the attribute, or null when it is not one of its operands.
const Value* assigned_attribute(const PendingStore& store) {
  switch (store.node->op) {
    case ir::Op::kStoreAttr:
      return &store.operands[1];
    case ir::Op::kCall:  // setattr(object, name, value), or object.__setattr__(object, name, value)
    case ir::Op::kCallMethod:
      return store.where.kind == Where::kAttr ? &store.operands.back() : nullptr;
    default:
      return nullptr;
  }
}

namespace {

// The operand that is this pending value. REQUIRES: there is one
std::size_t operand_of(const Site& s, const Value& pending) {
  std::size_t i = 0;
  while (!s[i].is_pending() || s[i].cell() != pending.cell()) ++i;
  return i;
}

}  // namespace

bool is_python_callable(PyObject* object) {
  if (PyMethod_Check(object)) return is_python_callable(PyMethod_GET_FUNCTION(object));
  if (is_lru_cache(object)) return true;
  return PyFunction_Check(object) || Py_TYPE(object) == partial_type() || Py_TYPE(object) == jitted_type() ||
         (PyType_Check(object) &&
          (reinterpret_cast<PyTypeObject*>(object)->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0);
}

Action PythonHost::call(const Site& s) {
  if (s[0].is_pending()) return pending_callee(s);
  PyObject* callee = s.object(0);
  Arguments arguments;
  if (Action a = gather_arguments(s, s.program.calls[s.node.index], arguments); a.verdict != Action::kDone)
    return a;
  return call_found(s, callee, std::move(arguments));
}

// What the node calls has been found.
Action PythonHost::call_found(const Site& s, PyObject* callee, Arguments arguments) {
  const bool on_object = arguments.has_self && arguments.positional[0].ready();
  observed_.called(s.node, callee, on_object ? object_of(arguments.positional[0]) : nullptr);
  if (arguments.spread.bound() && (s.awaited() || !takes_spread(callee)))
    return needs_operand(operand_of(s, arguments.spread), kUnknown, Effect::kAnything);
  return s.awaited() ? call_awaited(s, callee, std::move(arguments))
                     : call_object(s, callee, std::move(arguments));
}

// A method of something builtin that is not there yet, bound before its arguments were evaluated, is known by
// its name.
Action PythonHost::pending_callee(const Site& s) {
  const ir::Node* made = s.program.giver(s.node, s.node.args[0]);
  const KnownRef known = s[0].known();
  if (instance_of(s[0], s.view) != nullptr) {
    Arguments arguments;
    if (Action a = gather_arguments(s, s.program.calls[s.node.index], arguments); a.verdict != Action::kDone)
      return a;
    if (Action a; call_instance_method(s, s[0], interned("__call__").ptr(), std::move(arguments), a))
      return a;
    return needs_operand(0, kUnknown, Effect::kAnything);
  }
  if (known == nullptr || !known->receiver.bound() || made == nullptr || made->op != ir::Op::kLoadAttr)
    return needs_operand(0, kUnknown, Effect::kAnything);
  std::vector<Value> operands(s.operands.begin(), s.operands.end());
  operands[0] = known->receiver;
  operands[0].settle();
  if (operands[0].ready()) return needs_operand(0, kUnknown, Effect::kAnything);
  return pending_method({s.program, s.node, operands, s.view}, s.program.names[made->index]);
}

// A method that the class defines, and the instance does not hide, is called without binding it first.
bool PythonHost::call_unbound(const Site& s, PyObject* name, Arguments& arguments, Action& answer) {
  PyObject* receiver = s.object(0);
  PyTypeObject* type = Py_TYPE(receiver);
  if (PyModule_Check(receiver) || PyType_Check(receiver) || !finds_plainly(type) || !has_plain_keys(receiver))
    return false;
  PyObject* found = type_lookup(type, name);
  const bool is_method = found != nullptr && (PyFunction_Check(found) ||
                                              Py_TYPE(found) == &PyMethodDescr_Type || is_lru_cache(found));
  if (!is_method) return false;
  answer = hiding_attribute(s, receiver, name);
  if (answer.verdict != Action::kDone) return true;
  const Value hidden = std::move(answer.value);
  if (!hidden.bound()) {
    arguments.positional.insert(arguments.positional.begin(), s[0]);
    arguments.has_self = true;
    answer = call_found(s, found, std::move(arguments));
  } else if (hidden.is_pending()) {
    answer = needs_anything(hidden);
  } else {
    answer = call_found(s, object_of(hidden), std::move(arguments));
  }
  return true;
}

Action PythonHost::call_method(const Site& s) {
  const ir::CallShape& shape = s.program.calls[s.node.index];
  PyObject* name = s.program.name_object(shape.method);
  if (s[0].is_pending()) return pending_method(s, s.program.names[shape.method]);
  PyObject* receiver = s.object(0);
  Arguments arguments;
  if (Action a = gather_arguments(s, shape, arguments); a.verdict != Action::kDone) return a;
  const Shape kind = shape_of(receiver);
  const bool builtin = (Py_TYPE(receiver)->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0 &&
                       !PyModule_Check(receiver) && !PyType_Check(receiver);
  if (builtin && arguments.spread.bound())
    return needs_operand(operand_of(s, arguments.spread), kUnknown, Effect::kAnything);
  if (builtin && arguments.more.bound()) return needs_anything(arguments.more);
  if (builtin && kind <= Shape::kView && s.awaited())
    return call_awaited(s, checked(PyObject_GetAttr(receiver, name)).ptr(), std::move(arguments));
  if (builtin && (kind <= Shape::kView)) return builtin_method(s, receiver, name, std::move(arguments));
  // Reading the dict of an instance makes CPython's own code slower on it from then on.
  if (s.view.quiet() && finds_plainly(Py_TYPE(receiver)) && !PyModule_Check(receiver) &&
      !PyType_Check(receiver)) {
    PyObject* found = type_lookup(Py_TYPE(receiver), name);
    if (found != nullptr && PyFunction_Check(found)) {
      Action bound = outcome(PyObject_GetAttr(receiver, name));
      if (bound.verdict != Action::kDone) return bound;
      return call_found(s, object_of(bound.value), std::move(arguments));
    }
  }
  if (Action a; call_unbound(s, name, arguments, a)) return a;
  Action found = load_attribute(s, s[0], name);
  if (found.verdict == Action::kEnter) {
    if (Action a; call_by_getter(receiver, name, arguments, a)) return a;
    if (!s.view.quiet()) return ordered(Reason::kUserAttribute, Effect::kAnything);
    found = outcome(PyObject_GetAttr(receiver, name));
  }
  if (found.verdict != Action::kDone) {
    if (found.verdict != Action::kRaised) found.effect.memory = Effect::kAnything;
    return found;
  }
  if (found.value.is_pending()) return needs_anything(found.value);
  return call_found(s, object_of(found.value), std::move(arguments));
}

// The instance attribute that hides a method of the class: unbound when there is none.
Action PythonHost::hiding_attribute(const Site& s, PyObject* object, PyObject* name) {
  PyObject** dict = _PyObject_GetDictPtr(object);
  if (!s.view.quiet()) {
    if (look_in_dict(object, name, s.view) != View::State::kClear)
      return ordered(Reason::kPendingMemory, Effect::kAnything);
    switch (s.view.look(address_of(object), {Where::kAttr, address_of(name)})) {
      case View::State::kBlocked: {
        Action a = blocked(kUnknown);
        a.effect.memory = Effect::kAnything;
        return a;
      }
      case View::State::kPending: {
        const Value* value = assigned_attribute(s.view.stores().back());
        if (value == nullptr) return ordered(Reason::kPendingMemory, Effect::kAnything);
        return settled(*value);
      }
      case View::State::kClear:
        break;
    }
  }
  if (dict == nullptr || *dict == nullptr) return {};
  PyObject* found = PyDict_GetItemWithError(*dict, name);
  if (found == nullptr) return PyErr_Occurred() != nullptr ? raised() : Action();
  return done(borrow_value(found));
}

// What is called through bound methods, jitted functions and partials, with what these add to the arguments.
// A jitted coroutine function is a run of its own where it is awaited, and stays.
PyObject* PythonHost::unwrapped(const Site& s, PyObject* callee, Arguments& arguments) {
  while (true) {
    if (PyMethod_Check(callee)) {
      arguments.positional.insert(arguments.positional.begin(), borrow_value(PyMethod_GET_SELF(callee)));
      arguments.has_self = true;
      callee = PyMethod_GET_FUNCTION(callee);
    } else if (Py_TYPE(callee) == jitted_type()) {
      if (!s.awaited() && is_coroutine_function(jitted_function(callee))) return callee;
      callee = jitted_function(callee);
    } else if (Py_TYPE(callee) == partial_type()) {
      bind_partial(callee, arguments);
      callee = nb::object(nb::handle(callee).attr("func")).ptr();  // the partial object keeps it alive
    } else {
      return callee;
    }
  }
}

// Whether it is done with by what is known of builtin containers; otherwise `callee` may be a method that has
// a contract, which speaks of the receiver as the first argument.
bool PythonHost::call_bound_builtin(const Site& s, PyObject*& callee, Arguments& arguments, Action& answer) {
  PyObject* self = PyCFunction_GET_SELF(callee);
  const nb::object name = interned(method_name(callee));
  if (shape_of(self) <= Shape::kView && is_static(Py_TYPE(self))) {
    answer = builtin_method(s, self, name.ptr(), std::move(arguments));
    // A replay takes the method from the node's callee.
    const bool of_node = s.node.op == ir::Op::kCall && s[0].ready() && s.object(0) == callee;
    if (answer.effect.memory == Effect::kStores && !of_node) answer.effect.memory = Effect::kOpaque;
    return true;
  }
  PyObject* method = type_lookup(Py_TYPE(self), name.ptr());
  if (method == nullptr || contracts_.find(method) == nullptr) return false;
  arguments.positional.insert(arguments.positional.begin(), borrow_value(self));
  arguments.has_self = true;
  callee = method;
  return false;
}

Action PythonHost::call_object(const Site& s, PyObject* callee, Arguments arguments) {
  callee = unwrapped(s, callee, arguments);
  if (Py_TYPE(callee) == jitted_type()) {
    if (const Value* pending = arguments.pending())
      return needs_argument(s, *pending, kUnknown, Effect::kNone);
    return call_native(callee, arguments);
  }
  if (arguments.more.bound() && (is_bound_builtin(callee) || is_lru_cache(callee)))
    return needs_anything(arguments.more);
  if (Action a; is_bound_builtin(callee) &&
                enter_mutator(s, PyCFunction_GET_SELF(callee), method_name(callee), arguments, a))
    return a;
  if (Action a; !s.view.quiet() && is_bound_builtin(callee) && call_bound_builtin(s, callee, arguments, a))
    return a;
  if (PyObject* slot = s.view.quiet() ? nullptr : unbound_slot(callee, arguments)) callee = slot;
  if (Action a; enter_cached(s, callee, arguments, a)) return a;
  if (const Contract* contract = contracts_.find(callee))
    return call_guarded(s, callee, *contract, std::move(arguments));
  if (arguments.more.bound()) return needs_anything(arguments.more);
  if (PyFunction_Check(callee)) return enter(s, callee, std::move(arguments));
  if (Action a; make_super(s, callee, arguments, a)) return a;
  if (PyType_Check(callee))
    return construct(s, reinterpret_cast<PyTypeObject*>(callee), std::move(arguments));
  if (Action a; call_attribute_function(s, callee, arguments, a) || call_base_slot(s, callee, arguments, a))
    return a;
  if (PyObject* method = type_lookup(Py_TYPE(callee), interned("__call__").ptr());
      method != nullptr && PyFunction_Check(method)) {
    arguments.positional.insert(arguments.positional.begin(), borrow_value(callee));
    return call_object(s, method, std::move(arguments));
  }
  if (s.view.quiet() && arguments.ready() && is_known_method(callee)) return call_native(callee, arguments);
  if (Action a; step_generator(s, callee, arguments, a)) return a;
  if (PyCallable_Check(callee) == 0) return call_native(callee, {});  // raises, whatever it is given
  return call_unknown(s, callee, std::move(arguments), Reason::kUndeclaredCCallable);
}

// Whether it is a bound method of a builtin object, or one whose class has a contract for it.
bool PythonHost::is_known_method(PyObject* callee) const {
  if (!is_bound_builtin(callee)) return false;
  PyObject* self = PyCFunction_GET_SELF(callee);
  if (shape_of(self) <= Shape::kView && (Py_TYPE(self)->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0) return true;
  PyObject* method = type_lookup(Py_TYPE(self), interned(method_name(callee)).ptr());
  return method != nullptr && contracts_.find(method) != nullptr;
}

// getattr, setattr and hasattr are the host's own.
bool PythonHost::call_attribute_function(const Site& s, PyObject* callee, const Arguments& arguments,
                                         Action& answer) {
  static auto* get = imported("builtins", "getattr").release().ptr();
  static auto* has = imported("builtins", "hasattr").release().ptr();
  static auto* set = imported("builtins", "setattr").release().ptr();
  static auto* next = imported("builtins", "next").release().ptr();
  if (callee == next) return take_next(s, arguments, answer);
  const auto& given = arguments.positional;
  if (s.view.quiet() || !arguments.keywords.empty() || given.size() < 2 || given.size() > 3) return false;
  if (!given[0].ready() || !given[1].ready() || !PyUnicode_CheckExact(object_of(given[1]))) return false;
  PyObject* name = Py_NewRef(object_of(given[1]));
  PyUnicode_InternInPlace(&name);
  const nb::object held = nb::steal(name);
  if (callee == set) return set_attribute(s, arguments, true, answer);
  if (callee != get && (callee != has || given.size() != 2)) return false;
  answer = load_attribute(s, given[0], name);
  if (answer.verdict == Action::kOperand) return false;
  const bool missing = answer.verdict == Action::kRaised &&
                       reinterpret_cast<PyObject*>(Py_TYPE(object_of(answer.value))) == PyExc_AttributeError;
  if (callee == has) {
    if (answer.verdict == Action::kDone || missing) answer = done(borrow_value(missing ? Py_False : Py_True));
    answer.flags = kData | kAtom;
    answer.known = nullptr;
    return answer.verdict != Action::kEnter;
  }
  if (given.size() == 3) {
    if (missing) answer = done(given[2]);
    if (answer.verdict == Action::kEnter) return false;  // a property, which may raise AttributeError
    if (answer.verdict != Action::kDone && answer.verdict != Action::kRaised) {
      answer.flags = kUnknown;
      KnownRef known = join(answer.known, known_of(given[2], s.view));
      answer = with_known(std::move(answer), std::move(known));
    }
  }
  return true;
}

}  // namespace xcs::python
