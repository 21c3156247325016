// Calls: what the callee promises decides when it may run.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "cached.h"
#include "digest.h"
#include "files.h"
#include "host.h"
#include "jitted.h"
#include "loop_executor.h"
#include "recursion.h"
#include "resumable_run.h"
#include "witness.h"

namespace xcs::python {
namespace {

// Stands for the context variables among the places of memory.
PyObject* context_variables() {
  static PyObject* place = nb::dict().release().ptr();
  return place;
}

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

bool Arguments::ready() const { return pending() == nullptr; }

const Value* Arguments::pending() const {
  for (const Value& v : positional)
    if (v.is_pending()) return &v;
  for (const auto& [name, v] : keywords)
    if (v.is_pending()) return &v;
  return spread.bound() ? &spread : nullptr;
}

bool Arguments::data(View& view) const {
  for (const auto& [name, v] : keywords)
    if (!is_data(v, view)) return false;
  return all_data(positional, view);
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

namespace {

// It waits for the value, and may do anything then.
Action anything_of(const Value& value) {
  Action a = needs_element(value, kUnknown);
  a.effect.memory = Effect::kAnything;
  return a;
}

}  // namespace

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
  if (builtin && arguments.more.bound()) return anything_of(arguments.more);
  if (builtin && kind <= Shape::kView && s.awaited())
    return call_awaited(s, checked(PyObject_GetAttr(receiver, name)).ptr(), std::move(arguments));
  if (builtin && (kind <= Shape::kView)) return builtin_method(s, receiver, name, std::move(arguments));
  // A method that the class defines and the instance does not hide is called without binding it first.
  if (!PyModule_Check(receiver) && !PyType_Check(receiver) && finds_plainly(Py_TYPE(receiver)) &&
      has_plain_keys(receiver)) {
    PyObject* found = type_lookup(Py_TYPE(receiver), name);
    if (found != nullptr &&
        (PyFunction_Check(found) || Py_TYPE(found) == &PyMethodDescr_Type || is_lru_cache(found))) {
      Action hidden = hiding_attribute(s, receiver, name);
      if (hidden.verdict != Action::kDone) return hidden;
      if (!hidden.value.bound()) {
        arguments.positional.insert(arguments.positional.begin(), s[0]);
        arguments.has_self = true;
        return call_found(s, found, std::move(arguments));
      }
      if (hidden.value.is_pending()) return needs_element(std::move(hidden.value), kUnknown);
      return call_found(s, object_of(hidden.value), std::move(arguments));
    }
  }
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
  if (found.value.is_pending()) {
    Action a = needs_element(std::move(found.value), kUnknown);
    a.effect.memory = Effect::kAnything;
    return a;
  }
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
  if (dict == nullptr || *dict == nullptr) return Action();
  PyObject* found = PyDict_GetItemWithError(*dict, name);
  if (found == nullptr) return PyErr_Occurred() != nullptr ? raised() : Action();
  return done(borrow_value(found));
}

// Spreads * and ** arguments out.
Action PythonHost::gather_arguments(const Site& s, const ir::CallShape& shape, Arguments& arguments) {
  for (std::size_t i = 0; i < shape.args.size(); ++i) {
    const ir::Arg& arg = shape.args[i];
    const Value& value = s[i + 1];
    switch (arg.kind) {
      case ir::ArgKind::kPositional:
        arguments.positional.push_back(value);
        break;
      case ir::ArgKind::kKeyword:
        arguments.keywords.emplace_back(nb::borrow(s.program.name_object(arg.name)), value);
        break;
      case ir::ArgKind::kStar:
      case ir::ArgKind::kDoubleStar:
        if (Action a = spread_argument(s, i + 1, arg.kind == ir::ArgKind::kDoubleStar, arguments);
            a.verdict != Action::kDone)
          return a;
    }
  }
  return {};
}

// What is spread out is not there yet. A callee that touches nothing but its arguments touches nothing
// before.
Action PythonHost::needs_spread(const Site& s, std::size_t operand) {
  const bool called = s.node.op == ir::Op::kCall && s[0].ready();
  const Contract* contract = called ? contracts_.find(s.object(0)) : nullptr;
  const bool plain = contract != nullptr && !contract->guard && contract->mutates.empty() &&
                     contract->callbacks.empty() && contract->callback_names.empty() &&
                     (contract->effect == Contract::kPure || contract->effect == Contract::kIndependent) &&
                     all_data(s.operands.subspan(1), s.view);
  if (!plain) return needs_operand(operand, kUnknown, Effect::kAnything);
  static auto* dict = reinterpret_cast<PyObject*>(&PyDict_Type);
  return needs_operand(operand, s.object(0) == dict ? kData | kFresh : contract->flags());
}

Action PythonHost::spread_argument(const Site& s, std::size_t operand, bool mapping, Arguments& arguments) {
  // In a walk: any number of values of which this is known.
  const auto spreads = [&] {
    const bool any = !mapping && s.view.walks() != 0 && !s.awaited() && !arguments.more.bound();
    const KnownRef items = any ? items_of(s[operand], Part::kItems, s.view) : nullptr;
    if (items != nullptr) arguments.more = s.view.any_of(items);
    return items != nullptr;
  };
  if (s[operand].is_pending()) {
    if (spreads()) return {};
    if (!mapping || !s.view.walks() || arguments.spread.bound() || !is_pure_data(s[operand], s.view))
      return needs_spread(s, operand);
    arguments.spread = s[operand];
    arguments.spread_item = s.view.any_of(window::known_data());
    arguments.spread_or_default = s.view.any_of(nullptr);
    return {};
  }
  nb::object source = nb::borrow(s.object(operand));
  const Shape shape = shape_of(source.ptr());
  if (!s.view.quiet()) {
    const bool plain = mapping ? shape == Shape::kDict
                               : shape == Shape::kTuple || is_container(shape) || shape == Shape::kView ||
                                     shape == Shape::kAtom;
    if (!plain) return ordered(Reason::kIterator, Effect::kAnything);
    Snapshot now(s.view, placeholders_, Depth::kShallow);
    now.keep_placeholders();
    if (const Obstacle o = now.add(source.ptr()); o != Obstacle::kNothing) {
      if (spreads()) return {};
      Action a = held_up(o, now.element(), kUnknown);
      a.effect.memory = Effect::kAnything;
      return a;
    }
    source = now.get(source.ptr());
  }
  if (!mapping) {
    PyObject* items = PySequence_Tuple(source.ptr());
    if (items == nullptr) return star_error(s, operand, false);
    const nb::object held = nb::steal(items);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items); ++i)
      arguments.positional.push_back(to_value(PyTuple_GET_ITEM(items, i)));
    return {};
  }
  nb::dict items;
  if (PyDict_Update(items.ptr(), source.ptr()) != 0) return star_error(s, operand, true);
  for (auto [key, value] : items) {
    for (const auto& [name, other] : arguments.keywords)
      if (PyUnicode_Check(key.ptr()) && PyUnicode_Compare(name.ptr(), key.ptr()) == 0)
        return star_error(s, operand, true);
    if (!PyUnicode_Check(key.ptr())) return star_error(s, operand, true);
    arguments.keywords.emplace_back(nb::borrow(key), to_value(value.ptr()));
  }
  return {};
}

// Whether entering the callee is all that calling it comes to.
bool PythonHost::takes_spread(PyObject* callee) const {
  if (PyMethod_Check(callee)) callee = PyMethod_GET_FUNCTION(callee);
  if (contracts_.find(callee) != nullptr) return false;
  if (PyFunction_Check(callee)) {
    constexpr int kMakes = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR;
    return (reinterpret_cast<PyCodeObject*>(PyFunction_GET_CODE(callee))->co_flags & kMakes) == 0;
  }
  if (!PyType_Check(callee)) return false;
  auto* type = reinterpret_cast<PyTypeObject*>(callee);
  PyObject* init = type_lookup(type, interned("__init__").ptr());
  return Py_TYPE(callee) == &PyType_Type && init != nullptr && PyFunction_Check(init) &&
         type->tp_new == PyBaseObject_Type.tp_new && lowered(init)->refusal.empty();
}

// The error that the interpreter raises for this * or ** argument: it is asked to make the call's arguments
// itself.
Action PythonHost::star_error(const Site& s, std::size_t operand, bool mapping) {
  PyErr_Clear();
  const char* source =
      mapping ? "lambda f, given, more: f(**given, **more)" : "lambda f, given, more: f(*more)";
  const nb::object call = imported("builtins", "eval")(source);
  nb::dict given;
  const ir::CallShape& shape = s.program.calls[s.node.index];
  for (std::size_t i = 0; i + 1 < operand; ++i)
    if (shape.args[i].kind == ir::ArgKind::kKeyword)
      given[nb::handle(s.program.name_object(shape.args[i].name))] = nb::none();
  const nb::object callee = shape.method == ir::kNone
                                ? nb::borrow(s.object(0))
                                : checked(PyObject_GetAttr(s.object(0), s.program.name_object(shape.method)));
  PyObject* args[] = {callee.ptr(), given.ptr(), s.object(operand)};
  return outcome(PyObject_Vectorcall(call.ptr(), args, 3, nullptr));
}

Action PythonHost::call_object(const Site& s, PyObject* callee, Arguments arguments) {
  while (true) {
    if (PyMethod_Check(callee)) {
      arguments.positional.insert(arguments.positional.begin(), borrow_value(PyMethod_GET_SELF(callee)));
      arguments.has_self = true;
      callee = PyMethod_GET_FUNCTION(callee);
    } else if (Py_TYPE(callee) == jitted_type()) {
      if (!s.awaited() &&
          is_coroutine_function(jitted_function(callee))) {  // a run of its own where it is awaited
        if (const Value* pending = arguments.pending())
          return needs_argument(s, *pending, kUnknown, Effect::kNone);
        return call_native(callee, arguments);
      }
      callee = jitted_function(callee);
    } else if (Py_TYPE(callee) == partial_type()) {
      bind_partial(callee, arguments);
      callee = nb::object(nb::handle(callee).attr("func")).ptr();  // the partial object keeps it alive
    } else {
      break;
    }
  }
  if (arguments.more.bound() && (is_bound_builtin(callee) || is_lru_cache(callee)))
    return anything_of(arguments.more);
  if (Action a; is_bound_builtin(callee) &&
                enter_mutator(s, PyCFunction_GET_SELF(callee), method_name(callee), arguments, a))
    return a;
  if (!s.view.quiet() && is_bound_builtin(callee)) {
    PyObject* self = PyCFunction_GET_SELF(callee);
    const nb::object held = interned(method_name(callee));
    PyObject* name = held.ptr();
    if (shape_of(self) <= Shape::kView && (Py_TYPE(self)->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0) {
      Action a = builtin_method(s, self, name, std::move(arguments));
      // A replay takes the method from the node's callee.
      if (a.effect.memory == Effect::kStores &&
          !(s.node.op == ir::Op::kCall && s[0].ready() && s.object(0) == callee))
        a.effect.memory = Effect::kOpaque;
      return a;
    }
    // Its contract speaks of the receiver as the first argument.
    if (PyObject* method = type_lookup(Py_TYPE(self), name);
        method != nullptr && contracts_.find(method) != nullptr) {
      arguments.positional.insert(arguments.positional.begin(), borrow_value(self));
      arguments.has_self = true;
      callee = method;
    }
  }
  if (PyObject* slot = s.view.quiet() ? nullptr : unbound_slot(callee, arguments)) callee = slot;
  if (Action a; enter_cached(s, callee, arguments, a)) return a;
  if (const Contract* contract = contracts_.find(callee)) {
    const bool holds = contract->effect != Contract::kUnknown && guard_holds(*contract, arguments);
    if (arguments.more.bound()) {
      const bool plain = holds && contract->mutates.empty() && contract->callbacks.empty();
      if (!plain) return anything_of(arguments.more);
      arguments.positional.push_back(std::exchange(arguments.more, {}));
    }
    if (holds) return call_contract(s, callee, *contract, std::move(arguments));
    return call_unknown(
        s, callee, std::move(arguments),
        contract->effect == Contract::kUnknown ? Reason::kUnknownCallee : Reason::kGuardFailed);
  }
  if (arguments.more.bound()) return anything_of(arguments.more);
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
      answer.known = join(answer.known, known_of(given[2], s.view));
      answer = with_known(std::move(answer), answer.known);
    }
  }
  return true;
}

// Whether the result of the call is of the class that the contract says.
bool PythonHost::gives_type(PyObject* callee, const Contract& contract, const Arguments& arguments,
                            View& view) {
  if (!contract.type) return false;
  const auto is_callable = [](const Value& v) { return v.ready() && PyCallable_Check(object_of(v)) != 0; };
  const bool is_method = Py_TYPE(callee) == &PyMethodDescr_Type;
  const auto given = std::span(arguments.positional);
  if (is_method && given.empty()) return false;
  if (std::ranges::any_of(given.subspan(is_method ? 1 : 0), is_callable) ||
      std::ranges::any_of(arguments.keywords, [&](const auto& k) { return is_callable(k.second); }))
    return false;
  if (!is_method) return true;
  const Value& receiver = given[0];
  const window::Instance* instance = instance_of(receiver, view);
  const PyObject* type = receiver.ready()      ? reinterpret_cast<PyObject*>(Py_TYPE(object_of(receiver)))
                         : instance != nullptr ? object_of(instance->type)
                                               : nullptr;
  return type == reinterpret_cast<PyObject*>(PyDescr_TYPE(callee));
}

Action PythonHost::call_contract(const Site& s, PyObject* callee, const Contract& contract,
                                 Arguments arguments) {
  if (!s.awaited() && makes_awaitable(callee, contract))
    return make_awaitable(s, callee, contract, std::move(arguments));
  if (Action a; !s.awaited() &&
                (enter_builtin(s, callee, arguments, a) || enter_operator_function(s, callee, arguments, a)))
    return a;
  if (Action a; enter_prelude(s, callee, contract, arguments, a) || makes_dict(s, callee, arguments, a))
    return a;
  KnownRef known = known_of_opened(callee, arguments);
  if (gives_type(callee, contract, arguments, s.view)) known = contract.known();
  Flags flags = kUnknown;
  if (contract.returns == Contract::kArgument && contract.effect != Contract::kIndependent &&
      !arguments.positional.empty()) {
    const Value& itself = arguments.positional[0];
    known = known_of(itself, s.view);
    if (itself.is_pending()) flags = itself.flags() & (kData | kAtom);
  }
  Action a;
  if (contract.effect == Contract::kIndependent || (contract.effect == Contract::kPure && s.awaited())) {
    a = issue(s, callee, contract, std::move(arguments), s.awaited());
  } else if (contract.effect == Contract::kPure) {
    a = call_pure(s, callee, contract, std::move(arguments));
    a.shallow = contract.reads != Contract::kDeep;
  } else {
    a = call_in_order(s, callee, contract, std::move(arguments));
  }
  a.flags |= flags;
  if (contract.resource == "exception" && a.verdict == Action::kOrdered && !contract.declared) {
    a.raised = true;
    a.flags |= kData;
  }
  return a.known == nullptr && known != nullptr ? with_known(std::move(a), std::move(known)) : std::move(a);
}

// The operand that holds the pending argument, or the argument itself, is waited for.
Action PythonHost::needs_argument(const Site& s, const Value& argument, Flags flags, Effect::Memory memory) {
  for (std::size_t i = 0; i < s.operands.size(); ++i)
    if (s[i].is_pending() && s[i].cell() == argument.cell()) return needs_operand(i, flags, memory);
  Action a = needs_element(argument, flags);
  a.effect.memory = memory;
  return a;
}

// Whether the callee may call functions of the user's that it is given.
bool PythonHost::calls_back(const Contract& contract, const Arguments& arguments) const {
  auto may_run_code = [&](const Value& v) {
    if (!v.ready()) return (v.flags() & (kData | kAtom)) == 0;
    if (PyCallable_Check(object_of(v)) == 0) return false;
    if (is_python_callable(object_of(v)) || is_bound_builtin(object_of(v)))
      return true;  // it reads its receiver
    const Contract* c = contracts_.find(object_of(v));
    return c == nullptr || c->effect != Contract::kPure;
  };
  for (const std::uint32_t i : contract.callbacks)
    if (i < arguments.positional.size() && may_run_code(arguments.positional[i])) return true;
  for (const auto& [name, value] : arguments.keywords)
    for (const std::string& callback : contract.callback_names)
      if (PyUnicode_CompareWithASCIIString(name.ptr(), callback.c_str()) == 0 && may_run_code(value))
        return true;
  return false;
}

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

// Whether a keyword is given that the callee changes.
bool changes_named(const Contract& contract, const Arguments& arguments) {
  return std::ranges::any_of(arguments.keywords, [&](const auto& k) {
    return std::ranges::any_of(contract.mutated_names, [&](const std::string& name) {
      return PyUnicode_CompareWithASCIIString(k.first.ptr(), name.c_str()) == 0;
    });
  });
}

// Whether an argument is given that the callee changes.
bool changes_any(const Contract& contract, const Arguments& arguments) {
  const auto is_given = [&](std::uint32_t position) { return position < arguments.positional.size(); };
  return std::ranges::any_of(contract.mutates, is_given) || changes_named(contract, arguments);
}

bool will_be_atom(const Value& v) {
  return v.is_pending() ? (v.flags() & kAtom) != 0 : is_atom(object_of(v));
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

Action PythonHost::call_pure(const Site& s, PyObject* callee, const Contract& contract, Arguments arguments) {
  const bool makes_exception =
      PyExceptionClass_Check(callee) && is_static(reinterpret_cast<PyTypeObject*>(callee));
  const Flags flags = makes_exception ? kFresh : contract.flags();
  const bool back = calls_back(contract, arguments);
  const bool plain = contract.reads == Contract::kNothing || arguments.data(s.view);
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
  if (back) return ordered(Reason::kCallback, Effect::kAnything, flags);
  if (changes_any(contract, arguments)) {
    if (!plain) return ordered(Reason::kChangesArguments, Effect::kAnything, flags);
    if (Action a; change_privately(s, callee, contract, arguments, a)) return a;
    return changes_arguments(s, contract, arguments,
                             ordered(Reason::kChangesArguments, Effect::kNone, flags));
  }
  if (!asks_plainly(callee, arguments)) return ordered(Reason::kUserOperator, Effect::kAnything, flags);
  if (contract.reads == Contract::kNothing) {
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
  if (Action a; reads_container(s, callee, arguments, a)) return a;
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
    const bool data = arguments.data(s.view);
    Action a = held_up_inside(o, now.element(), flags, data);
    return data ? with_result(std::move(a), result_of_pure(s, callee, contract, arguments)) : std::move(a);
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

// len, bool, and plain copies: they do not look at what the container holds, so that it may still be pending.
bool PythonHost::reads_container(const Site& s, PyObject* callee, const Arguments& arguments,
                                 Action& answer) {
  static auto* len = imported("builtins", "len").release().ptr();
  if (arguments.positional.size() != 1 || !arguments.keywords.empty()) return false;
  PyObject* container = object_of(arguments.positional[0]);
  const Shape shape = shape_of(container);
  const bool counts = callee == len || callee == reinterpret_cast<PyObject*>(&PyBool_Type);
  const bool copies = (callee == reinterpret_cast<PyObject*>(&PyList_Type) && shape == Shape::kList) ||
                      (callee == reinterpret_cast<PyObject*>(&PyTuple_Type) && shape == Shape::kList) ||
                      (callee == reinterpret_cast<PyObject*>(&PyDict_Type) && PyDict_CheckExact(container));
  if (!is_container(shape) || !(counts || copies)) return false;
  if (counts && s.view.look(address_of(container), {Where::kKeys}) == View::State::kClear) {
    answer = call_native(callee, arguments);
    return true;
  }
  Replayed now = read_container(container, s.view);
  if (now.obstacle != Obstacle::kNothing) {
    answer = held_up(now.obstacle, std::move(now.element), counts ? kData | kAtom : kFresh);
    if (copies) answer = with_result(std::move(answer), result_of(callee, arguments.positional, s.view));
    return true;
  }
  answer = outcome(PyObject_CallOneArg(callee, now.copy.ptr()));
  if (copies && answer.verdict == Action::kDone) placeholders_.watch(nb::borrow(object_of(answer.value)));
  return true;
}

// dict, of a dict or of pairs: it does not look at the values, which may still be pending.
bool PythonHost::makes_dict(const Site& s, PyObject* callee, const Arguments& arguments, Action& answer) {
  if (callee != reinterpret_cast<PyObject*>(&PyDict_Type) || arguments.positional.size() > 1) return false;
  if (s.view.quiet() && arguments.ready()) return false;
  nb::object made = nb::dict();
  auto held = [&](Obstacle obstacle, Value element) {
    answer = held_up(obstacle, std::move(element), kFresh);
    return true;
  };
  if (!arguments.positional.empty()) {
    if (!arguments.positional[0].ready()) return false;
    PyObject* source = object_of(arguments.positional[0]);
    if (!PyDict_CheckExact(source) && !PyList_CheckExact(source) && !PyTuple_CheckExact(source)) return false;
    Replayed now = PyTuple_CheckExact(source) ? Replayed{Obstacle::kNothing, nb::borrow(source), {}}
                                              : read_container(source, s.view);
    if (now.obstacle != Obstacle::kNothing) return held(now.obstacle, std::move(now.element));
    if (PyDict_CheckExact(source)) {
      made = checked(PyDict_Copy(now.copy.ptr()));
    } else {
      for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(now.copy.ptr()); ++i) {
        const Value item = to_value(PySequence_Fast_GET_ITEM(now.copy.ptr(), i));
        if (item.is_pending()) return held(Obstacle::kElement, item);
        PyObject* pair = object_of(item);
        if (!PyTuple_CheckExact(pair) && !PyList_CheckExact(pair)) return false;
        Replayed both = PyTuple_CheckExact(pair) ? Replayed{Obstacle::kNothing, nb::borrow(pair), {}}
                                                 : read_container(pair, s.view);
        if (both.obstacle != Obstacle::kNothing) return held(both.obstacle, std::move(both.element));
        if (PySequence_Fast_GET_SIZE(both.copy.ptr()) != 2) return false;
        const Value key = to_value(PySequence_Fast_GET_ITEM(both.copy.ptr(), 0));
        if (key.is_pending()) return held(Obstacle::kElement, key);
        if (const Value inside = pending_inside(object_of(key)); inside.bound())
          return held(Obstacle::kElement, inside);
        if (!is_atom(object_of(key))) return false;
        PyObject* value = PySequence_Fast_GET_ITEM(both.copy.ptr(), 1);
        if (PyDict_SetItem(made.ptr(), object_of(key), value) != 0) {
          PyErr_Clear();
          return false;
        }
      }
    }
  }
  for (const auto& [name, value] : arguments.keywords)
    if (PyDict_SetItem(made.ptr(), name.ptr(), to_object(value).ptr()) != 0) nb::raise_python_error();
  placeholders_.watch(made);
  answer = done(std::move(made));
  answer.shallow = true;
  return true;
}

namespace {

// Whether the very next thing that happens to the node's result is that a loop iterates over it.
bool is_looped_over(const Site& s) {
  const ir::Node* next = s.program.next(s.node);
  return next != nullptr && next->op == ir::Op::kIter && next->args[0] == s.node.dest;
}

// The nodes that gave the arguments of a call, where nothing else can hold what they gave.
std::vector<const ir::Node*> givers(const Site& s, std::size_t arguments) {
  std::vector<const ir::Node*> nodes(arguments);
  for (std::size_t i = 0; i < arguments && s.node.args.size() == arguments + 1; ++i)
    if (s.program.is_temporary(s.node.args[i + 1])) nodes[i] = s.program.giver(s.node, s.node.args[i + 1]);
  return nodes;
}

}  // namespace

// An iterator that it makes is remembered, so that it can be stepped item by item. With `now`, something that
// it is given has pending stores, and what CPython's own iterator notes of it when it is made, such as its
// length, is wrong.
Action PythonHost::call_composing(const Site& s, PyObject* callee, const Arguments& arguments,
                                  Snapshot* now) {
  if (!Iterators::composes(callee)) return call_native(callee, arguments);
  const bool reverses = callee == reinterpret_cast<PyObject*>(&PyReversed_Type);
  std::vector<std::pair<std::size_t, Value>> read;
  for (std::size_t i = 0; i < arguments.positional.size() && !reverses; ++i)
    if (Action lines; iterate_lines(s.view, arguments.positional[i], 1, lines)) {
      if (lines.verdict != Action::kDone) return lines;
      read.emplace_back(i, std::move(lines.value));
    }
  if (!read.empty()) {
    Arguments over = arguments;
    for (auto& [i, lines] : read) over.positional[i] = std::move(lines);
    return call_composing(s, callee, over, now);
  }
  std::vector<nb::object> given;
  for (const Value& v : arguments.positional) given.push_back(nb::borrow(object_of(v)));
  const bool counts_from = callee == reinterpret_cast<PyObject*>(&PyEnum_Type) && given.size() == 1 &&
                           arguments.keywords.size() == 1;
  if (counts_from) given.push_back(nb::borrow(object_of(arguments.keywords[0].second)));
  const bool known = arguments.keywords.empty() || counts_from;
  const bool loop = known && s.program.is_temporary(s.node.dest) && s.node.op == ir::Op::kCall;
  Iterators::Origin origin{loop ? &s.node : nullptr, callee,
                           loop ? givers(s, given.size()) : std::vector<const ir::Node*>(given.size())};
  if (now != nullptr && !(loop && is_looped_over(s) && iterators_.known(origin, given, s.view)))
    return ordered(Reason::kPendingMemory, Effect::kNone);
  Arguments real = arguments;
  nb::object witness;
  if (known && !reverses && !given.empty() &&
      (PyList_CheckExact(given[0].ptr()) || PyTuple_CheckExact(given[0].ptr()) ||
       PyRange_Check(given[0].ptr()))) {
    witness = make_witness(given[0].ptr());
    real.positional[0] = borrow_value(witness.ptr());
  }
  Action a = call_native(callee, real);
  real = {};
  if (a.verdict != Action::kDone || !(loop || witness)) return a;
  Py_ssize_t length = 0;
  if (given.size() == 1 && PyList_CheckExact(given[0].ptr()))
    length = PyList_GET_SIZE((now == nullptr ? given[0] : now->get(given[0].ptr())).ptr());
  iterators_.remember(nb::borrow(object_of(a.value)), std::move(witness), std::move(origin), std::move(given),
                      length);
  return a;
}

namespace {

// REQUIRES: the arguments are ready
CallArguments arguments_of(const Arguments& arguments) {
  CallArguments all{checked(PyTuple_New(static_cast<Py_ssize_t>(arguments.positional.size()))), nb::dict()};
  for (std::size_t i = 0; i < arguments.positional.size(); ++i)
    PyTuple_SET_ITEM(all.positional.ptr(), static_cast<Py_ssize_t>(i),
                     Py_NewRef(object_of(arguments.positional[i])));
  for (const auto& [name, value] : arguments.keywords) all.keywords[name] = nb::borrow(object_of(value));
  return all;
}

}  // namespace

Action PythonHost::issue(const Site& s, PyObject* callee, const Contract& contract, Arguments arguments,
                         bool awaits) {
  const bool model = contract.run == Contract::kNative || contract.run == Contract::kEmbed;
  const bool native = !awaits && model && ModelCall::fits(arguments.positional, arguments.keywords);
  const Flags flags = native ? ModelCall::flags(contract.run, arguments.keywords) : contract.flags();
  if (const Value* pending = arguments.pending()) return needs_argument(s, *pending, flags, Effect::kNone);
  // It runs in a copy of the context as it is at its place.
  if (!s.view.quiet() && s.view.look_listed(address_of(context_variables())) != View::State::kClear)
    return ordered(Reason::kOrderedResource, Effect::kNone, flags);
  if (!s.view.quiet()) {
    // What a declared method does with `self` is part of its promise.
    Snapshot now(s.view, placeholders_, Depth::kArguments);
    std::vector<Value*> values;
    for (Value& v : arguments.positional) values.push_back(&v);
    for (auto& [name, v] : arguments.keywords) values.push_back(&v);
    for (Value* v : values) {
      const Obstacle o = now.add(object_of(*v));
      if (o == Obstacle::kNothing) continue;
      Action a = held_up(o, now.element(), flags);
      if (o == Obstacle::kHeld || o == Obstacle::kUnknown)
        a = ordered(Reason::kArgumentObject, Effect::kNone, flags);
      return a;
    }
    // What it answers may be something that its arguments hold, which has to be the very object.
    const bool hands_out = contract.returns != Contract::kData && contract.returns != Contract::kAtom;
    if (now.copied() && hands_out) return ordered(Reason::kArgumentObject, Effect::kNone, flags);
    if (now.copied())
      for (Value* v : values) *v = steal_value(now.get(object_of(*v)));
  }
  Action a;
  a.verdict = Action::kIssue;
  a.flags = flags;
  std::unique_ptr<HostCall> call;
  const Place place{&s.program, s.node.position};
  if (native) {
    call = ModelCall::make(contract.run, arguments.positional, arguments.keywords, handled_, place);
    if (call == nullptr) return raised();
  } else if (arguments.has_self && !awaits && is_adopted(object_of(arguments.positional[0]))) {
    call = std::make_unique<AdoptedCall>(nb::borrow(callee), arguments_of(arguments),
                                         handled_.ready() ? nb::borrow(object_of(handled_)) : nb::object(),
                                         place);
  } else if (awaits) {
    call =
        std::make_unique<AwaitedCall>(nb::borrow(callee), arguments.positional, arguments.keywords, handled_);
  } else {
    call =
        std::make_unique<PythonCall>(nb::borrow(callee), arguments.positional, arguments.keywords, handled_);
  }
  if (identifies_) identify(s, callee, native, arguments, *call);
  a.call = std::move(call);
  return a;
}

// How a request is sent does not count, nor does the key.
void PythonHost::identify(const Site& s, PyObject* callee, bool native, const Arguments& arguments,
                          HostCall& call) {
  constexpr std::array<const char*, 3> kUncounted = {"api_key", "timeout", "max_retries"};
  const std::string& file = s.program.file;
  call.site =
      fmt::format("{}:{} {}", file.substr(file.rfind('/') + 1), s.node.position.line, s.program.qualname);
  static auto* callee_of = imported("xcs._identity", "callee_of").release().ptr();
  static auto* context_of = imported("xcs._identity", "context_of").release().ptr();
  const std::size_t first = arguments.has_self && !native ? 1 : 0;
  Digest digest;
  bool known = digest.add(nb::handle(callee_of)(nb::handle(callee)));
  if (first == 1) known = known && digest.add(nb::handle(object_of(arguments.positional[0])).type());
  for (const Value& v : std::span(arguments.positional).subspan(first))
    known = known && digest.add(object_of(v));
  for (const auto& [name, v] : arguments.keywords) {
    const auto is_name = [&](const char* other) {
      return PyUnicode_CompareWithASCIIString(name.ptr(), other) == 0;
    };
    if (native && std::ranges::any_of(kUncounted, is_name)) continue;
    known = known && digest.add(name) && digest.add(object_of(v));
  }
  for (const char* variable : {"OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"})
    if (const char* url = native ? std::getenv(variable) : nullptr) digest.add_text(url);
  if (known) call.request = digest.finish();
  Digest context;
  const nb::object around =
      native ? nb::object(nb::none())
      : first == 1
          ? nb::handle(context_of)(nb::handle(callee), nb::handle(object_of(arguments.positional[0])))
          : nb::handle(context_of)(nb::handle(callee));
  if (known && context.add(around)) call.context = context.finish();
}

// The user says that it touches nothing but its resource. Where that resource is an object of the program (a
// list that stands for a log), loads of it come after: the objects that a Python function names are taken to
// be touched.
void PythonHost::add_named_objects(PyObject* callee, int depth, Effect& effect) {
  constexpr int kDeepest = 3;  // functions that it names, and those that these name
  if (!PyFunction_Check(callee) || depth > kDeepest) return;
  auto touch = [&](PyObject* object) {
    if (PyFunction_Check(object)) return add_named_objects(object, depth + 1, effect);
    if (is_atom(object) || PyModule_Check(object) || PyType_Check(object) || PyCallable_Check(object) != 0)
      return;
    effect.memory = Effect::kOpaque;
    effect.stores.push_back({borrow_value(object), {Where::kAll}});
  };
  auto* function = reinterpret_cast<PyFunctionObject*>(callee);
  auto* code = reinterpret_cast<PyCodeObject*>(function->func_code);
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_names); ++i)
    if (PyObject* object =
            PyDict_GetItemWithError(function->func_globals, PyTuple_GET_ITEM(code->co_names, i)))
      touch(object);
  const Py_ssize_t cells = function->func_closure == nullptr ? 0 : PyTuple_GET_SIZE(function->func_closure);
  for (Py_ssize_t i = 0; i < cells; ++i)
    if (PyObject* object = PyCell_GET(PyTuple_GET_ITEM(function->func_closure, i))) touch(object);
}

namespace {

// What functools.lru_cache makes; see Note [caches].
constexpr std::string_view kCacheResource = "memo";

// Whether using the resource is writing what no code before reads back; see Note [safe items].
bool only_writes(const std::string& resource) {
  return resource == "stdout" || resource == "stderr" || resource == "logging" || resource == kCacheResource;
}

// The object that holds all of a resource that is memory of this process and nothing more, or null.
PyObject* memory_of(const Contract& contract) {
  static auto* environment = imported("os", "environ").release().ptr();
  if (contract.declared) return nullptr;
  return contract.resource == "context"       ? context_variables()
         : contract.resource == "environment" ? environment
                                              : nullptr;
}

// The object whose state the call changes in order: its class is not one of Python's.
const Value* state_used(const Contract& contract, const Arguments& arguments) {
  if (contract.declared || contract.effect != Contract::kOrdered) return nullptr;
  const std::size_t used = contract.resource == "object:{1}" ? 1 : 0;
  if (!contract.resource.starts_with("object:")) return nullptr;
  if (used >= arguments.positional.size()) return nullptr;
  const Value& object = arguments.positional[used];
  if (!object.ready()) return nullptr;  // it is asked again once it is
  return _PyObject_GetDictPtr(object_of(object)) == nullptr || is_static(Py_TYPE(object_of(object)))
             ? &object
             : nullptr;
}

}  // namespace

// Uses a resource: in order with everything, but memory is not touched.
Action PythonHost::call_in_order(const Site& s, PyObject* callee, const Contract& contract,
                                 Arguments arguments) {
  if (Action a; draw_early(s, callee, contract, arguments, a)) return a;
  if (s.view.quiet()) {
    if (const Value* pending = arguments.pending())
      return needs_argument(s, *pending, kUnknown, Effect::kAnything);
    if (!s.awaited()) return call_framed(s, callee, std::move(arguments));
  }
  // What a method does with the object it is called on, or whose state it uses, is part of its contract.
  const std::size_t used = contract.resource == "object:{1}" ? 1 : arguments.has_self ? 0 : SIZE_MAX;
  bool data = true;
  for (std::size_t i = 0; i < arguments.positional.size(); ++i)
    data = data && (i == used || is_data(arguments.positional[i], s.view));
  // A context variable and a cache keep what they are given, and look at nothing of it.
  const bool plain =
      memory_of(contract) == context_variables() || contract.resource == kCacheResource ||
      (std::ranges::all_of(arguments.keywords, [&](const auto& k) { return is_data(k.second, s.view); }) &&
       data && !calls_back(contract, arguments) && !changes_any(contract, arguments));
  if (plain) {
    const Value* pending = arguments.pending();
    PyObject* memory = memory_of(contract);
    const Touched touched = touched_files(contract, arguments);
    const auto is_unchanged = [&](const Where& place) {
      return s.view.look(address_of(files()), place) == View::State::kClear;
    };
    const auto names_file = [](const Value& v) { return v.ready() && is_atom(object_of(v)); };
    if (contract.effect == Contract::kReads && contract.resource == "files" && !touched.places.empty() &&
        arguments.keywords.empty() && std::ranges::all_of(arguments.positional, names_file) && !s.awaited() &&
        !s.view.walks() && std::ranges::all_of(touched.places, is_unchanged))
      return call_native(callee, arguments);
    // A reader need not wait for its turn when no earlier code may still change what it reads.
    if (memory != nullptr && contract.effect == Contract::kReads && pending == nullptr && !s.awaited() &&
        s.view.look(address_of(memory), {Where::kAll}) == View::State::kClear)
      return s.view.walks() ? make_for_walk(s, callee, arguments) : call_native(callee, arguments);
    // Nobody can tell in what order the system was asked for random numbers.
    const bool unordered = contract.effect == Contract::kReads && contract.resource == "entropy";
    if (unordered && pending == nullptr && !s.awaited() && !s.view.walks())
      return call_native(callee, arguments);
    Action a = pending != nullptr ? needs_argument(s, *pending, contract.flags(), Effect::kNone)
                                  : ordered(Reason::kOrderedResource, Effect::kNone, contract.flags());
    if (contract.declared) add_named_objects(callee, 0, a.effect);
    if (memory != nullptr && contract.effect == Contract::kOrdered) {
      a.effect.memory = Effect::kOpaque;
      a.effect.stores.push_back({borrow_value(memory), {Where::kAll}});
    }
    if (const Value* object = state_used(contract, arguments)) a = changes(std::move(a), *object, kState);
    if (!contract.declared && contract.effect == Contract::kOrdered && contract.resource == "database")
      a = changes(std::move(a), borrow_value(database()), {Where::kAll});
    if (contract.effect == Contract::kOrdered) {
      for (const Where& place : touched.places) a = changes(std::move(a), borrow_value(files()), place);
      for (const nb::object& key : touched.keys) a.effect.held.push_back(borrow_value(key.ptr()));
    }
    a.sure = pending == nullptr && !contract.declared && only_writes(contract.resource);
    return started_in_turn(s, callee, arguments, std::move(a));
  }
  return started_in_turn(
      s, callee, arguments,
      ordered(changes_any(contract, arguments) ? Reason::kChangesArguments : Reason::kOrderedResource,
              Effect::kAnything, contract.flags()));
}

// Clients take long to make: a walk, which throws them away, gets the one that an earlier walk had.
Action PythonHost::make_for_walk(const Site& s, PyObject* callee, const Arguments& arguments) {
  if (!PyType_Check(callee)) return call_native(callee, arguments);
  Walked& walked = walked_[callee];
  if (walked.object && walked.walk != s.view.walks()) {
    walked.walk = s.view.walks();
    return done(walked.object);
  }
  Action a = call_native(callee, arguments);
  if (a.verdict == Action::kDone && !walked.object) walked = {nb::borrow(object_of(a.value)), s.view.walks()};
  return a;
}

// `a` waits for its turn, unless that has come: then the call is started, and its result awaited.
Action PythonHost::started_in_turn(const Site& s, PyObject* callee, const Arguments& arguments, Action a) {
  if (!s.view.quiet()) return a;
  a.verdict = Action::kIssue;
  a.in_turn = true;
  a.call =
      std::make_unique<AwaitedCall>(nb::borrow(callee), arguments.positional, arguments.keywords, handled_);
  return a;
}

Action PythonHost::call_unknown(const Site& s, PyObject* callee, Arguments arguments, Reason reason) {
  if (!s.view.quiet()) return ordered(reason, Effect::kAnything);
  if (const Value* pending = arguments.pending()) {
    Action a = needs_argument(s, *pending, kUnknown, Effect::kAnything);
    a.reason = static_cast<window::ReasonCode>(reason);
    return a;
  }
  return s.in_order(reason, [&] { return call_framed(s, callee, arguments); });
}

// REQUIRES: the arguments are ready
Action PythonHost::call_native(PyObject* callee, const Arguments& arguments) {
  ObjectArray values(arguments.positional);
  if (arguments.keywords.empty())
    return outcome(
        PyObject_Vectorcall(callee, values.data(), values.size() | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr));
  std::vector<PyObject*> all(values.data(), values.data() + values.size());
  nb::object names = checked(PyTuple_New(static_cast<Py_ssize_t>(arguments.keywords.size())));
  for (std::size_t i = 0; i < arguments.keywords.size(); ++i) {
    PyTuple_SET_ITEM(names.ptr(), i, Py_NewRef(arguments.keywords[i].first.ptr()));
    all.push_back(object_of(arguments.keywords[i].second));
  }
  return outcome(PyObject_Vectorcall(callee, all.data(), arguments.positional.size(), names.ptr()));
}

// Note [frames of entered functions]
// What has been entered has no frame of CPython's. A callee may look for its callers all the same: warnings
// and logging name the caller's line, namedtuple and enum its module. So it is called through one function
// for each caller, which has the caller's name, file, line and globals. They leave no trace in tracebacks,
// where the window puts the callers.
std::vector<Value> PythonHost::frames_of(const Site& s, bool own) {
  std::vector<Value> frames;
  if (own && s.program.is_users()) frames.push_back(borrow_value(s.program.frame_at(s.node.position)));
  for (const window::Caller& caller : s.view.callers())
    if (const HostProgram& p = program_of(*caller.program); p.is_users())
      frames.push_back(borrow_value(p.frame_at(caller.node->position)));
  std::ranges::reverse(frames);
  return frames;
}

// The exception without the entries of frames_of(). An exception that is made late has none of them.
Action PythonHost::without_frames(Action a, std::span<const Value> frames) {
  if (a.verdict != Action::kRaised) return a;
  const nb::handle exception(object_of(a.value));
  nb::object traceback = exception.attr("__traceback__");
  for (const Value& frame : frames) {
    if (traceback.is_none()) break;
    if (!traceback.attr("tb_frame").attr("f_code").is(nb::handle(PyFunction_GET_CODE(object_of(frame)))))
      break;
    traceback = traceback.attr("tb_next");
  }
  PyException_SetTraceback(exception.ptr(), traceback.ptr());
  return a;
}

// REQUIRES: the arguments are ready
Action PythonHost::call_framed(const Site& s, PyObject* callee, Arguments arguments) {
  const std::vector<Value> frames = frames_of(s, true);
  if (frames.empty()) return call_native(callee, arguments);
  std::vector<Value> given(frames.begin() + 1, frames.end());
  given.push_back(borrow_value(callee));
  arguments.positional.insert(arguments.positional.begin(), given.begin(), given.end());
  return without_frames(call_native(object_of(frames.front()), arguments), frames);
}

bool PythonHost::guard_holds(const Contract& contract, const Arguments& arguments) {
  if (contract.run == Contract::kNative) return !ModelCall::streams(arguments.keywords);
  if (!contract.guard) return true;
  const RoomForOwnCode room;
  nb::list positional;
  nb::dict keywords;
  for (const Value& v : arguments.positional)
    positional.append(v.ready() ? nb::borrow(object_of(v)) : nb::none());
  for (const auto& [name, v] : arguments.keywords)
    keywords[name] = v.ready() ? nb::borrow(object_of(v)) : nb::none();
  return nb::cast<bool>(contract.guard(nb::tuple(positional), keywords));
}

void PythonHost::bind_partial(PyObject* partial, Arguments& arguments) {
  const nb::handle p(partial);
  std::vector<Value> positional;
  for (nb::handle v : p.attr("args")) positional.push_back(borrow_value(v.ptr()));
  arguments.positional.insert(arguments.positional.begin(), positional.begin(), positional.end());
  std::vector<std::pair<nb::object, Value>> keywords;
  for (auto [key, value] : nb::cast<nb::dict>(p.attr("keywords"))) {
    bool replaced = false;
    for (const auto& [name, v] : arguments.keywords)
      replaced = replaced || PyUnicode_Compare(name.ptr(), key.ptr()) == 0;
    if (!replaced) keywords.emplace_back(nb::borrow(key), borrow_value(value.ptr()));
  }
  arguments.keywords.insert(arguments.keywords.begin(), keywords.begin(), keywords.end());
}

}  // namespace xcs::python
