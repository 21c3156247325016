// Callables that are given a callback or an iterator of the user's: entered as the functions of xcs._prelude.
#include <algorithm>
#include <array>

#include "gathering.h"
#include "host.h"
#include "jitted.h"
#include "reach.h"
#include "tracing.h"
#include "witness.h"

namespace xcs::python {
namespace {

// Kept for ever, like the module they come from.
PyObject* prelude(const char* name) { return imported("xcs._prelude", name).release().ptr(); }

struct Prelude {
  PyObject *gather = prelude("gather"), *gather_one_by_one = prelude("gather_one_by_one"),
           *gather_set = prelude("gather_set"), *fold = prelude("fold"), *collected = prelude("collected"),
           *joined = prelude("joined"), *comprehended = prelude("comprehended"),
           *list_extended = prelude("list_extended"), *set_extended = prelude("set_extended"),
           *dict_extended = prelude("dict_extended"), *deque_extended = prelude("deque_extended"),
           *sort_in_place = prelude("sort_in_place");
  // What applies one operator to the items after the other.
  std::array<PyObject*, 5> applying = {prelude("max_of"), prelude("min_of"), prelude("summed"),
                                       prelude("any_of"), prelude("all_of")};
};

const Prelude& names() {
  static const auto* all = new Prelude;
  return *all;
}

bool is_generator_function(PyObject* function) {
  return (reinterpret_cast<PyCodeObject*>(PyFunction_GET_CODE(function))->co_flags & CO_GENERATOR) != 0;
}

}  // namespace

// Whether making its iterator and asking for its length runs no code of the user's.
bool PythonHost::iterates_plainly(const Value& iterable) const {
  if (begun(iterable) != nullptr) return true;
  PyObject* object = object_of(iterable);
  const Shape shape = shape_of(object);
  const bool sequence = PyUnicode_CheckExact(object) || PyBytes_CheckExact(object) || PyRange_Check(object);
  return sequence || shape == Shape::kTuple || is_container(shape) || shape == Shape::kView ||
         shape == Shape::kIterator || is_progress(object) ||
         (PyIter_Check(object) != 0 && is_static(Py_TYPE(object)));
}

// Whether going into it instead of calling it natively gains something, or is the only way not to wait.
bool PythonHost::gains(const Site& s, const Value& function) {
  if (!function.ready() || is_traced()) return false;
  PyObject* f = object_of(function);
  const Contract* contract = contracts_.find(f);
  const bool runs_code =
      contract == nullptr ? is_python_callable(f) : contract->effect == Contract::kIndependent;
  return (runs_code || is_bound_builtin(f)) && (!s.view.quiet() || reaches_independent(f));
}

bool PythonHost::gains_generator(const Site& s, const Value& iterable) {
  if (is_traced()) return false;
  if (const KnownRef known = iterable.known(); known != nullptr && known->begins != nullptr) return true;
  const Begun* found = begun(iterable);
  return found != nullptr && (!s.view.quiet() || found->reaches);
}

// Whether what an iterator is made of may reach an independent call when it is stepped.
bool PythonHost::may_reach(const Value& given) {
  if (!given.ready()) return false;
  if (const Begun* found = begun(given)) return found->reaches;
  PyObject* object = object_of(given);
  const Contract* contract = contracts_.find(object);
  const bool runs_code =
      contract == nullptr ? is_python_callable(object) : contract->effect == Contract::kIndependent;
  return runs_code && reaches_independent(object);
}

// Returns whether the arguments fit the function, which is entered then.
bool PythonHost::enter_function(PyObject* function, Arguments arguments, Action& answer) {
  const ProgramRef program = lowered(function);
  Enter enter;
  if (!program->refusal.empty() || !bind(function, *program, arguments, enter.slots)) return false;
  enter.program = program;
  answer = Action();
  answer.verdict = Action::kEnter;
  answer.enter = std::move(enter);
  return true;
}

// A callable that takes every item of the generator it is given before it does anything else.
bool PythonHost::enter_collected(const Site& s, PyObject* callee, const Arguments& arguments,
                                 Action& answer) {
  if (arguments.positional.size() != 1 || !arguments.keywords.empty()) return false;
  if (!gains_generator(s, arguments.positional[0])) return false;
  Arguments all;
  all.positional = {borrow_value(callee), arguments.positional[0]};
  return enter_function(names().collected, std::move(all), answer);
}

bool PythonHost::enter_prelude(const Site& s, PyObject* callee, const Contract& contract,
                               const Arguments& arguments, Action& answer) {
  if (!contract.enter) return false;
  PyObject* function = contract.enter.ptr();
  if (is_generator_function(function)) return make_iterator(s, callee, function, arguments, answer);
  bool gained = false;
  const bool applies = !s.view.quiet() && !is_traced() &&
                       std::ranges::find(names().applying, function) != names().applying.end();
  for (const Value& v : arguments.positional)
    gained = gained || gains_generator(s, v) || (applies && holds_operators(v, s.view));
  for (const std::uint32_t i : contract.callbacks)
    gained = gained || (i < arguments.positional.size() && gains(s, arguments.positional[i]));
  for (const auto& [name, v] : arguments.keywords)
    for (const std::string& callback : contract.callback_names)
      gained = gained || (PyUnicode_CompareWithASCIIString(name.ptr(), callback.c_str()) == 0 && gains(s, v));
  if (!gained) return false;
  for (const Value& v : arguments.positional)
    if (v.ready() && PyCallable_Check(object_of(v)) == 0 && Py_TYPE(object_of(v))->tp_iter != nullptr &&
        !iterates_plainly(v))
      return false;
  Arguments all = arguments;
  if (is_bound_builtin(callee))
    all.positional.insert(all.positional.begin(), borrow_value(PyCFunction_GET_SELF(callee)));
  if (function == names().joined && all.positional.size() == 2 && all.positional[0].ready() &&
      all.positional[1].is_pending()) {
    const nb::object join = nb::handle(object_of(all.positional[0])).attr("join");
    all.positional[0] = borrow_value(join.ptr());
    return enter_function(names().comprehended, std::move(all), answer);
  }
  return enter_function(function, std::move(all), answer);
}

namespace {

// Whether a callback may raise StopIteration, which for the real iterator means that there are no more items:
// it steps an iterator, or names the exception, itself or in a function that it calls.
bool may_stop(PyObject* callback, int depth);

bool code_may_stop(PyCodeObject* code, PyObject* globals, int depth) {
  constexpr int kDeepest = 3;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_names); ++i) {
    PyObject* name = PyTuple_GET_ITEM(code->co_names, i);
    for (const char* stopping : {"next", "__next__", "StopIteration", "send", "throw"})
      if (PyUnicode_CompareWithASCIIString(name, stopping) == 0) return true;
    PyObject* named = depth == kDeepest ? nullptr : PyDict_GetItemWithError(globals, name);
    if (named != nullptr && may_stop(named, depth + 1)) return true;
  }
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_consts); ++i)
    if (PyObject* inner = PyTuple_GET_ITEM(code->co_consts, i); PyCode_Check(inner))
      if (code_may_stop(reinterpret_cast<PyCodeObject*>(inner), globals, depth)) return true;
  return false;
}

bool may_stop(PyObject* callback, int depth) {
  if (PyMethod_Check(callback)) callback = PyMethod_GET_FUNCTION(callback);
  if (Py_TYPE(callback) == jitted_type()) callback = jitted_function(callback);
  if (is_bound_builtin(callback)) {
    return PyIter_Check(PyCFunction_GET_SELF(callback)) != 0;
  }
  if (!PyFunction_Check(callback)) return false;
  PyObject* closure = PyFunction_GET_CLOSURE(callback);
  for (Py_ssize_t i = 0; closure != nullptr && depth == 0 && i < PyTuple_GET_SIZE(closure); ++i) {
    PyObject* held = PyCell_GET(PyTuple_GET_ITEM(closure, i));
    if (held == nullptr) continue;
    if (const Value v = to_value(held); v.is_pending() && (v.flags() & (kData | kAtom)) == 0) return true;
    if (PyFunction_Check(held) && held != callback && may_stop(held, depth + 1)) return true;
  }
  return code_may_stop(reinterpret_cast<PyCodeObject*>(PyFunction_GET_CODE(callback)),
                       PyFunction_GET_GLOBALS(callback), depth);
}

}  // namespace

// Note [iterators that are taken over]
// map(f, xs) and its like make the real iterator, which any code may use. What it is made over is given to it
// through a witness, which tells whether anybody has asked it for an item. As long as nobody has, a loop that
// is its only user runs `function` instead, a generator of the prelude that yields the same items.
bool PythonHost::make_iterator(const Site& s, PyObject* callee, PyObject* function,
                               const Arguments& arguments, Action& answer) {
  const auto& given = arguments.positional;
  if (!arguments.ready() || given.empty() || is_traced()) return false;
  if (contracts_.find(object_of(given[0])) == nullptr && may_stop(object_of(given[0]), 0)) return false;
  bool steps = false;
  for (const Value& v : given) steps = steps || begun(v) != nullptr || is_progress(object_of(v));
  if (Iterators::composes(callee) && !steps) return false;  // Note [composed iterators]
  Arguments real = arguments;
  nb::object witness;
  for (Value& v : real.positional) {
    PyObject* object = object_of(v);
    const bool iterable = Py_TYPE(object)->tp_iter != nullptr && PyUnicode_Check(object) == 0;
    if (!iterable || (PyCallable_Check(object) != 0 && PyIter_Check(object) == 0)) continue;
    if (!iterates_plainly(v)) return false;
    // How large a dict or a set is counts from here on.
    PyObject* container = shape_of(object) == Shape::kView ? dict_of_view(object) : object;
    const bool counts =
        PyDict_Check(container) || PyAnySet_Check(container) || shape_of(object) == Shape::kDeque;
    if (counts && !s.view.quiet() &&
        s.view.look(address_of(container), {Where::kKeys}) != View::State::kClear) {
      answer = ordered(Reason::kPendingMemory, Effect::kNone);
      return true;
    }
    if (witness) continue;
    if (is_progress(object)) return false;
    witness = make_witness(object);
    v = borrow_value(witness.ptr());
  }
  if (!witness) return false;
  Begun begun;
  const ProgramRef program = lowered(function);
  if (!program->refusal.empty()) return false;
  Arguments rest = arguments;
  if (!bind(function, *program, rest, begun.enter.slots)) return false;
  begun.enter.program = program;
  for (const Value& v : given) begun.reaches = begun.reaches || may_reach(v);
  for (const auto& [name, v] : arguments.keywords) begun.reaches = begun.reaches || may_reach(v);
  answer = call_native(callee, real);
  real = {};
  if (answer.verdict != Action::kDone) return true;
  PyObject* iterator = object_of(answer.value);
  // What it began with goes with it, or when it is asked for an item, and is not the last to go.
  begun.watch = Watch(witness.ptr(), [this, iterator] { const auto gone = generators_.extract(iterator); });
  generators_[iterator] = std::move(begun);
  return true;
}

// list.sort with a key of the user's.
bool PythonHost::enter_sort(const Site& s, PyObject* list, const Arguments& arguments, Action& answer) {
  const Value* key = nullptr;
  const Value* reverse = nullptr;
  for (const auto& [name, value] : arguments.keywords) {
    if (PyUnicode_CompareWithASCIIString(name.ptr(), "key") == 0) key = &value;
    if (PyUnicode_CompareWithASCIIString(name.ptr(), "reverse") == 0) reverse = &value;
  }
  const std::size_t known = (key == nullptr ? 0 : 1) + (reverse == nullptr ? 0 : 1);
  if (!arguments.positional.empty() || arguments.keywords.size() != known) return false;
  if (key == nullptr || !PyList_CheckExact(list) || !gains(s, *key)) return false;
  Arguments all;
  all.positional = {borrow_value(list), *key};
  if (reverse != nullptr) all.positional.push_back(*reverse);
  return enter_function(names().sort_in_place, std::move(all), answer);
}

// Methods of builtin containers that take the items of what they are given one by one, or call it.
bool PythonHost::enter_mutator(const Site& s, PyObject* container, std::string_view method,
                               const Arguments& arguments, Action& answer) {
  if (method == "sort") return enter_sort(s, container, arguments, answer);
  const auto& given = arguments.positional;
  if (given.size() != 1 || !arguments.keywords.empty() || !gains_generator(s, given[0])) return false;
  PyObject* function = nullptr;
  if (PyList_Check(container)) {
    function = method == "extend" ? names().list_extended : nullptr;
  } else if (PySet_Check(container)) {
    function = method == "update" ? names().set_extended : nullptr;
  } else if (shape_of(container) == Shape::kDeque) {
    function = method == "extend" ? names().deque_extended : nullptr;
  } else if (PyDict_CheckExact(container)) {
    function = method == "update" ? names().dict_extended : nullptr;
  }
  Arguments all;
  all.positional = {borrow_value(container), given[0]};
  return function != nullptr && enter_function(function, std::move(all), answer);
}

// The items of a list that has uncommitted changes are put into another one by one, each a store that can be
// replayed.
bool PythonHost::append_each(const Site& s, PyObject* container, std::string_view method,
                             const Arguments& arguments, Action& answer) {
  if (method != "extend" || !PyList_CheckExact(container) || s.view.walks() != 0) return false;
  PyObject* items = object_of(arguments.positional[0]);
  if (!PyList_CheckExact(items) || items == container) return false;
  Arguments all;
  all.positional = {borrow_value(container), arguments.positional[0]};
  return enter_function(names().gather_one_by_one, std::move(all), answer);
}

// next, of a generator that has not started. One that is exhausted raises what it returned, unless there is a
// fallback: only generator expressions and iterators of the library are known to return nothing.
bool PythonHost::enter_next(const Site& s, const Arguments& arguments, Action& answer) {
  static PyObject* const first = prelude("first_of");
  const auto& given = arguments.positional;
  if (!arguments.keywords.empty() || given.size() > 2 || !gains_generator(s, given[0])) return false;
  const Begun* found = begun(given[0]);
  if (found == nullptr) return false;
  const HostProgram& program = program_of(*found->enter.program);
  const bool returns_nothing = program.qualname.ends_with("<genexpr>") || !program.is_users();
  return (given.size() == 2 || returns_nothing) && enter_function(first, arguments, answer);
}

// See Note [gathered generators].
bool PythonHost::enter_gathering(const Site& s, PyObject* function, const Arguments& arguments,
                                 Action& answer) {
  const bool folds = function == names().fold;
  const bool sets = function == names().gather_set;
  const bool lists = function == names().gather || function == names().gather_one_by_one;
  if (!folds && !sets && !lists) return false;
  const Into into = folds ? Into::kFold : lists ? Into::kList : Into::kSet;
  const Value& items = arguments.positional.back();
  const Begun* found = begun(items);
  if (found == nullptr) return false;
  const ProgramRef program = gathering(program_of(*found->enter.program), into);
  if (program == nullptr) return false;
  std::optional<Enter> taken = take(s, items, arguments);
  if (!taken) return false;
  answer = Action();
  answer.verdict = Action::kEnter;
  answer.enter.program = program;
  answer.enter.slots = std::move(taken->slots);
  answer.enter.slots.resize(program->slots.size());
  Value* last = answer.enter.slots.data() + answer.enter.slots.size() - 1;
  if (folds) {
    *last = none();
    *(last - 1) = arguments.positional[0];
    *(last - 2) = arguments.positional[1];
  } else {
    *last = arguments.positional[0];
  }
  return true;
}

}  // namespace xcs::python
