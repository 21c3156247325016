// Calls that use a resource: in order with everything, but memory is touched only as the contract says.
#include <algorithm>

#include "files.h"
#include "host.h"
#include "loop_executor.h"

namespace xcs::python {

PyObject* context_variables() {
  static PyObject* place = nb::dict().release().ptr();
  return place;
}

// The user says that it touches nothing but its resource. Where that resource is an object of the program (a
// list that stands for a log), loads of it come after: the objects that a Python function names are taken to
// be touched.
void PythonHost::add_named_objects(PyObject* callee, int depth, Effect& effect) {
  constexpr int kDeepest = 3;  // functions that it names, and those that these name
  if (!PyFunction_Check(callee) || depth > kDeepest) return;
  auto touch = [&](PyObject* object) {
    if (const Value v = to_value(object); v.is_pending()) {
      if ((v.flags() & kAtom) == 0) effect.memory = Effect::kAnything;
      return;
    }
    if (PyFunction_Check(object)) return add_named_objects(object, depth + 1, effect);
    if (is_atom(object) || PyModule_Check(object) || PyType_Check(object) || PyCallable_Check(object) != 0)
      return;
    if (effect.memory != Effect::kAnything) effect.memory = Effect::kOpaque;
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

// What keeps a callee that is run ahead from finding the variables that it captures as they are at its place:
// kDone when nothing does.
Action PythonHost::captures(const Site& s, PyObject* callee, Flags flags) {
  PyObject* closure = PyFunction_Check(callee) ? PyFunction_GET_CLOSURE(callee) : nullptr;
  for (Py_ssize_t i = 0; closure != nullptr && i < PyTuple_GET_SIZE(closure); ++i) {
    PyObject* cell = PyTuple_GET_ITEM(closure, i);
    if (s.view.look_listed(address_of(cell)) != View::State::kClear)
      return ordered(Reason::kPendingMemory, Effect::kNone, flags);
    PyObject* content = PyCell_GET(cell);
    if (content == nullptr) continue;
    if (Value v = to_value(content); v.is_pending()) return needs_element(std::move(v), flags);
    placeholders_.settle();
  }
  return {};
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

bool is_lock(PyObject* object) {
  static const nb::object* lock = new nb::object(imported("_thread", "LockType"));
  static const nb::object* reentrant = new nb::object(imported("_thread", "RLock"));
  return lock->is(nb::handle(reinterpret_cast<PyObject*>(Py_TYPE(object)))) ||
         reentrant->is(nb::handle(reinterpret_cast<PyObject*>(Py_TYPE(object))));
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
    const Touched touched = touched_files(contract, arguments);
    if (Action a; read_early(s, callee, contract, arguments, touched.places, a)) return a;
    return started_in_turn(s, callee, arguments, use_resource(s, callee, contract, arguments, touched));
  }
  return started_in_turn(
      s, callee, arguments,
      ordered(changes_any(contract, arguments) ? Reason::kChangesArguments : Reason::kOrderedResource,
              Effect::kAnything, contract.flags()));
}

// A reader need not wait for its turn when no earlier code may still change what it reads, at `places` for
// files.
bool PythonHost::read_early(const Site& s, PyObject* callee, const Contract& contract,
                            const Arguments& arguments, std::span<const Where> places, Action& answer) {
  if (contract.effect != Contract::kReads || arguments.pending() != nullptr || s.awaited()) return false;
  const bool walks = s.view.walks() != 0;
  if (PyObject* memory = memory_of(contract); memory != nullptr) {
    if (s.view.look(address_of(memory), {Where::kAll}) != View::State::kClear) return false;
    answer = walks ? make_for_walk(s, callee, arguments) : call_native(callee, arguments);
    return true;
  }
  const auto names_file = [](const Value& v) { return is_atom(object_of(v)); };
  const auto is_unchanged = [&](const Where& place) {
    return s.view.look(address_of(files()), place) == View::State::kClear;
  };
  const bool of_files = contract.resource == "files" && !places.empty() && arguments.keywords.empty() &&
                        std::ranges::all_of(arguments.positional, names_file);
  // Nobody can tell in what order the system was asked for random numbers.
  const bool unordered = contract.resource == "entropy";
  if (walks || !(unordered || (of_files && std::ranges::all_of(places, is_unchanged)))) return false;
  answer = call_native(callee, arguments);
  return true;
}

// Waits for its turn to use the resource, and touches no more memory than the contract says.
Action PythonHost::use_resource(const Site& s, PyObject* callee, const Contract& contract,
                                const Arguments& arguments, const Touched& touched) {
  const Value* pending = arguments.pending();
  PyObject* memory = memory_of(contract);
  Action a = pending != nullptr ? needs_argument(s, *pending, contract.flags(), Effect::kNone)
                                : ordered(Reason::kOrderedResource, Effect::kNone, contract.flags());
  if (contract.declared) add_named_objects(callee, 0, a.effect);
  if (memory != nullptr && contract.effect == Contract::kOrdered) {
    a.effect.memory = Effect::kOpaque;
    a.effect.stores.push_back({borrow_value(memory), {Where::kAll}});
  }
  const Value* object = state_used(contract, arguments);
  if (object != nullptr) a = changes(std::move(a), *object, kState);
  if (!contract.declared && contract.effect == Contract::kOrdered && contract.resource == "database")
    a = changes(std::move(a), borrow_value(database()), {Where::kAll});
  if (contract.effect == Contract::kOrdered) {
    for (const Where& place : touched.places) a = changes(std::move(a), borrow_value(files()), place);
    for (const nb::object& key : touched.keys) a.effect.held.push_back(borrow_value(key.ptr()));
  }
  // By the time it has the lock, a thread that the function started may have done what it was to do.
  const auto may_have_started_threads = [&] {
    return threads_of_program() > threads_ || s.view.look_anywhere() != View::State::kClear;
  };
  if (object != nullptr && is_lock(object_of(*object)) && may_have_started_threads())
    a.effect.memory = Effect::kAnything;
  a.sure = pending == nullptr && !contract.declared && only_writes(contract.resource);
  return a;
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

}  // namespace xcs::python
