// Awaiting: coroutine functions are entered like functions, calls with a contract are started on the event
// loop, and everything else is awaited when its turn has come.
#include "held.h"
#include "host.h"
#include "jitted.h"
#include "loop_executor.h"
#include "resumable_run.h"

namespace xcs::python {
namespace {

// What the event loop's own functions do depends on the task that they run in: they are not entered.
bool is_of_event_loop(PyObject* function) {
  PyObject* name = PyDict_GetItemString(PyFunction_GET_GLOBALS(function), "__name__");
  const char* text = name != nullptr && PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : nullptr;
  const std::string_view module(text == nullptr ? "" : text);
  return module == "asyncio" || module.starts_with("asyncio.");
}

PyObject* to_thread() {
  static PyObject* function = imported("asyncio", "to_thread").release().ptr();
  return function;
}

}  // namespace

bool Site::awaited() const {
  switch (node.op) {
    case ir::Op::kCall:
    case ir::Op::kCallMethod:
      return program.calls[node.index].awaited;
    case ir::Op::kSpecial: {
      const std::string& name = program.names[node.index];
      return name == "__aenter__" || name == "__aexit__" || name == "__anext__";
    }
    default:
      return false;
  }
}

// Whether the callee's calls are known to give an awaitable that does nothing before it is awaited.
bool PythonHost::makes_awaitable(PyObject* callee, const Contract& contract) {
  return contract.effect != Contract::kUnknown &&
         (contract.run == Contract::kAsync || is_coroutine_function(callee));
}

// Note [awaited calls]
// `await f(x)` is one node: with f's contract or source known, the call is made and awaited as one operation,
// before its arguments are there if need be. Any other callee is called first, as the two operations of
// xcs._prelude.awaited.
Action PythonHost::call_awaited(const Site& s, PyObject* callee, Arguments arguments) {
  PyObject* target = callee;
  while (PyMethod_Check(target) || Py_TYPE(target) == jitted_type())
    target = PyMethod_Check(target) ? PyMethod_GET_FUNCTION(target) : jitted_function(target);
  if (target == to_thread())
    if (Action a; call_on_thread(s, arguments, a)) return a;
  const Contract* contract = contracts_.find(target);
  const bool direct = contract != nullptr
                          ? contract->effect == Contract::kIndependent || makes_awaitable(target, *contract)
                          : is_coroutine_function(target);
  if (!direct) {
    static auto* awaited = imported("xcs._prelude", "awaited").release().ptr();
    arguments.positional.insert(arguments.positional.begin(), borrow_value(callee));
    arguments.has_self = false;
    return enter(s, awaited, std::move(arguments));
  }
  Action a = call_object(s, callee, std::move(arguments));
  return a.verdict == Action::kDone ? await_in_turn(std::move(a.value)) : std::move(a);
}

// asyncio.to_thread of an independent callable: that callable runs on the worker pool.
bool PythonHost::call_on_thread(const Site& s, const Arguments& arguments, Action& answer) {
  if (arguments.positional.empty() || !arguments.positional[0].ready()) return false;
  PyObject* callee = object_of(arguments.positional[0]);
  const Contract* contract = contracts_.find(callee);
  if (contract == nullptr || contract->effect != Contract::kIndependent || makes_awaitable(callee, *contract))
    return false;
  Arguments rest;
  rest.positional.assign(arguments.positional.begin() + 1, arguments.positional.end());
  rest.keywords = arguments.keywords;
  if (!guard_holds(*contract, rest)) return false;
  answer = issue(s, callee, *contract, std::move(rest), false);
  return true;
}

// The coroutine function entered where it is awaited.
Action PythonHost::enter_awaited(const Site& s, PyObject* function, const ProgramRef& program,
                                 Arguments arguments) {
  if (!program->refusal.empty()) {
    const auto reason = explain::reason_of(program->refusal).value_or(Reason::kUnknownCallee);
    return call_unknown(s, function, std::move(arguments), reason);
  }
  if (is_of_event_loop(function))
    return call_unknown(s, function, std::move(arguments), Reason::kUnknownAwaitable);
  Action a;
  a.verdict = Action::kEnter;
  Arguments rest = arguments;
  if (!bind(function, *program, rest, a.enter.slots)) return call_misfit(function, arguments);
  a.enter.program = program;
  return a;
}

// A coroutine that is made here and awaited somewhere else. What it was made of is kept, so that it can run
// early there.
Action PythonHost::make_awaitable(const Site& s, PyObject* callee, const Contract& contract,
                                  Arguments arguments) {
  if (const Value* pending = arguments.pending()) return needs_argument(s, *pending, kUnknown, Effect::kNone);
  Action a = call_native(callee, arguments);
  if (a.verdict != Action::kDone || contract.effect != Contract::kIndependent) return a;
  PyObject* made = object_of(a.value);
  if (is_unstarted_coroutine(made))
    coroutines_[made] = {checked(PyWeakref_NewRef(made, nullptr)), nb::borrow(callee), contract,
                         std::move(arguments)};
  return a;
}

Action PythonHost::await(const Site& s) {
  if (s[0].is_pending()) return needs_operand(0, kUnknown, Effect::kAnything);
  PyObject* awaitable = s.object(0);
  const auto found = coroutines_.find(awaitable);
  if (found != coroutines_.end() && referent(found->second.coroutine.ptr()).is(awaitable) &&
      is_unstarted_coroutine(awaitable) &&
      s.view.look(address_of(awaitable), {Where::kAll}) == View::State::kClear) {
    const MadeCoroutine& made = found->second;
    Action a = issue(s, made.callee.ptr(), made.contract, made.arguments, true);
    if (a.verdict == Action::kIssue) static_cast<AwaitedCall&>(*a.call).replace(nb::borrow(awaitable));
    return a;
  }
  if (!s.view.quiet()) return ordered(Reason::kUnknownAwaitable, Effect::kAnything);
  return await_in_turn(s[0]);
}

// REQUIRES: everything before is complete
Action PythonHost::await_in_turn(const Value& awaitable) {
  Action a;
  a.verdict = Action::kIssue;
  a.in_turn = true;
  a.effect.memory = Effect::kAnything;
  a.call = std::make_unique<AwaitedCall>(nb::borrow(object_of(awaitable)), handled_);
  return a;
}

}  // namespace xcs::python
