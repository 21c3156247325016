// Calls of callables with a contract: what each kind of contract comes to, and what it says of the result.
#include <algorithm>

#include "files.h"
#include "host.h"
#include "llm.h"
#include "recursion.h"

namespace xcs::python {

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

// The contract decides, if it holds for these arguments.
Action PythonHost::call_guarded(const Site& s, PyObject* callee, const Contract& contract,
                                Arguments arguments) {
  const bool holds = contract.effect != Contract::kUnknown && guard_holds(contract, arguments);
  if (arguments.more.bound()) {
    const bool plain = holds && contract.mutates.empty() && contract.callbacks.empty();
    if (!plain) return needs_anything(arguments.more);
    arguments.positional.push_back(std::exchange(arguments.more, {}));
  }
  if (holds) return call_contract(s, callee, contract, std::move(arguments));
  return call_unknown(s, callee, std::move(arguments),
                      contract.effect == Contract::kUnknown ? Reason::kUnknownCallee : Reason::kGuardFailed);
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

bool changes_named(const Contract& contract, const Arguments& arguments) {
  return std::ranges::any_of(arguments.keywords, [&](const auto& k) {
    return std::ranges::any_of(contract.mutated_names, [&](const std::string& name) {
      return PyUnicode_CompareWithASCIIString(k.first.ptr(), name.c_str()) == 0;
    });
  });
}

bool changes_any(const Contract& contract, const Arguments& arguments) {
  const auto is_given = [&](std::uint32_t position) { return position < arguments.positional.size(); };
  return std::ranges::any_of(contract.mutates, is_given) || changes_named(contract, arguments);
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

}  // namespace xcs::python
