// Builtins that are given a callback or a generator of the user's: entered as the functions of xcs._prelude.
#include "host.h"
#include "reach.h"
#include "tracing.h"

namespace xcs::python {
namespace {

// Kept for ever, like the modules they come from.
PyObject* builtin(const char* name) { return imported("builtins", name).release().ptr(); }
PyObject* prelude(const char* name) { return imported("xcs._prelude", name).release().ptr(); }

struct Prelude {
  PyObject *any = builtin("any"), *all = builtin("all"), *enumerate = builtin("enumerate"),
           *map = builtin("map"), *filter = builtin("filter"), *sorted = builtin("sorted"),
           *min = builtin("min"), *max = builtin("max"), *sum = builtin("sum"),
           *reduce = imported("functools", "reduce").release().ptr();
  PyObject* join = PyObject_GetAttrString(builtin("str"), "join");
  PyObject *any_of = prelude("any_of"), *all_of = prelude("all_of"), *enumerated = prelude("enumerated"),
           *mapped = prelude("mapped"), *filtered = prelude("filtered"),
           *filtered_true = prelude("filtered_true"), *sorted_by_key = prelude("sorted_by_key"),
           *extreme_by_key = prelude("extreme_by_key"), *collected = prelude("collected"),
           *reduced = prelude("reduced"), *reduced_from_first = prelude("reduced_from_first");
};

const Prelude& names() {
  static const auto* all = new Prelude;
  return *all;
}

// Whether `callee` takes every item of its first argument before it does anything else.
bool takes_all_first(PyObject* callee) {
  return callee == reinterpret_cast<PyObject*>(&PyList_Type) ||
         callee == reinterpret_cast<PyObject*>(&PyTuple_Type) ||
         callee == reinterpret_cast<PyObject*>(&PySet_Type) ||
         callee == reinterpret_cast<PyObject*>(&PyDict_Type) ||
         callee == reinterpret_cast<PyObject*>(&PyFrozenSet_Type) || callee == names().sorted ||
         callee == names().sum || callee == names().min || callee == names().max;
}

// "separator".join, taken before its argument is evaluated.
bool is_bound_join(PyObject* callee) {
  if (!PyCFunction_Check(callee)) return false;
  PyObject* self = PyCFunction_GET_SELF(callee);
  const auto* method = reinterpret_cast<PyCFunctionObject*>(callee)->m_ml;
  return self != nullptr && PyUnicode_CheckExact(self) && std::string_view(method->ml_name) == "join";
}

bool is_prelude_function(PyObject* callee) {
  static auto* globals = imported("xcs._prelude", "__dict__").release().ptr();
  return PyFunction_Check(callee) && PyFunction_GET_GLOBALS(callee) == globals;
}

const Value* keyword(const Arguments& arguments, const char* name) {
  for (const auto& [key, value] : arguments.keywords)
    if (PyUnicode_CompareWithASCIIString(key.ptr(), name) == 0) return &value;
  return nullptr;
}

}  // namespace

// A generator made in this run that has not been asked for anything.
const PythonHost::Begun* PythonHost::find_begun(const Value& value) const {
  if (!value.ready() || !PyGen_CheckExact(object_of(value))) return nullptr;
  const auto found = generators_.find(object_of(value));
  if (found == generators_.end() || PyWeakref_GetObject(found->second.generator.ptr()) != object_of(value))
    return nullptr;
  return &found->second;
}

const Enter* PythonHost::begun(const Value& value) const {
  const Begun* found = find_begun(value);
  return found == nullptr ? nullptr : &found->enter;
}

// Note [stand-ins]
// map, filter and enumerate make an object of their own kind, which any code may look at. Where the first
// thing that happens to it is that a loop, an unpacking or a call takes it, a generator of xcs._prelude
// stands in for it. A callee that does not just take all the items is given the real object. Whether making
// its iterator and asking for its length runs no code of the user's.
bool PythonHost::iterates_plainly(const Site& s, const Value& iterable) const {
  if (begun(iterable) != nullptr) return true;
  if (!iterable.ready()) return is_data(iterable, s.view);
  PyObject* object = object_of(iterable);
  const Shape shape = shape_of(object);
  const bool sequence = PyUnicode_CheckExact(object) || PyBytes_CheckExact(object) || PyRange_Check(object);
  return sequence || shape == Shape::kTuple || is_container(shape) || shape == Shape::kView ||
         is_progress(object);
}

bool PythonHost::may_stand_in(const Site& s, const Value& iterable) const {
  if (s.node.op != ir::Op::kCall || !s.program.is_temporary(s.node.dest)) return false;
  const ir::Node* reader = s.program.reader(s.node);
  if (reader == nullptr) return false;
  const bool steps = reader->op == ir::Op::kIter || reader->op == ir::Op::kUnpack;
  const bool calls = reader->op == ir::Op::kCall || reader->op == ir::Op::kCallMethod;
  // Its iterator is made later than the program says.
  return (steps || (calls && reader->args[0] != s.node.dest)) && iterates_plainly(s, iterable);
}

Action PythonHost::stand_in(const Site& s, PyObject* builtin, PyObject* function,
                            std::vector<Value> arguments) {
  Arguments all;
  all.positional = std::move(arguments);
  Action a = enter(s, function, std::move(all));
  if (a.verdict == Action::kDone)
    if (const auto found = generators_.find(object_of(a.value)); found != generators_.end())
      found->second.stands_for = builtin;
  return a;
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
  const Enter* enter = begun(iterable);
  return enter != nullptr && (!s.view.quiet() || reaches_independent(program_of(*enter->program)));
}

// A callable that takes every item of the generator it is given before it does anything else.
bool PythonHost::enter_collected(const Site& s, PyObject* callee, const Arguments& arguments,
                                 Action& answer) {
  if (arguments.positional.size() != 1 || !arguments.keywords.empty()) return false;
  if (!gains_generator(s, arguments.positional[0])) return false;
  Arguments all;
  all.positional = {borrow_value(callee), arguments.positional[0]};
  answer = enter(s, names().collected, std::move(all));
  return true;
}

// Puts the real objects in place of stand-ins, unless the callee takes all their items; a method of a builtin
// object has none. Returns whether that raised.
bool PythonHost::make_real(PyObject* callee, Arguments& arguments, Action& failure) {
  const Prelude& n = names();
  const bool takes = callee != nullptr &&
                     (takes_all_first(callee) || is_bound_join(callee) || callee == n.any ||
                      callee == n.all || callee == n.map || callee == n.filter || callee == n.enumerate ||
                      callee == n.join || callee == n.reduce || is_prelude_function(callee));
  auto fails = [&](Value& argument) {
    const Begun* found = find_begun(argument);
    if (found == nullptr || found->stands_for == nullptr) return false;
    Action made = real(argument);
    argument = made.value;
    if (made.verdict == Action::kRaised) failure = std::move(made);
    return failure.verdict == Action::kRaised;
  };
  if (takes) return false;
  for (Value& argument : arguments.positional)
    if (fails(argument)) return true;
  for (auto& [name, argument] : arguments.keywords)
    if (fails(argument)) return true;
  return false;
}

// What `argument`, a stand-in, stands for.
Action PythonHost::real(const Value& argument) {
  const Begun* found = find_begun(argument);
  if (found == nullptr || found->stands_for == nullptr) return done(argument);
  Arguments arguments;
  PyObject* builtin = found->stands_for;
  arguments.positional.assign(found->enter.slots.begin(), found->enter.slots.end());
  for (Value& inner : arguments.positional) {
    inner.settle();
    Action made = real(inner);
    if (made.verdict == Action::kRaised) return made;
    inner = made.value;
  }
  if (builtin == names().filter && arguments.positional.size() == 1)
    arguments.positional.insert(arguments.positional.begin(), none());
  return call_native(builtin, arguments);
}

bool PythonHost::enter_prelude(const Site& s, PyObject* callee, const Arguments& arguments, Action& answer) {
  const Prelude& n = names();
  const auto& given = arguments.positional;
  if (given.empty()) return false;
  auto go = [&](PyObject* function, std::vector<Value> positional, Arguments rest = {}) {
    rest.positional = std::move(positional);
    answer = enter(s, function, std::move(rest));
    return true;
  };
  const Value callee_value = borrow_value(callee);
  const bool plain = arguments.keywords.empty();
  const Value* key = keyword(arguments, "key");
  auto stands_in = [&](PyObject* function, std::vector<Value> positional) {
    answer = stand_in(s, callee, function, std::move(positional));
    return true;
  };
  if ((callee == n.map || callee == n.filter) && plain && given.size() == 2) {
    if (!may_stand_in(s, given[1])) return false;
    if (gains(s, given[0])) return stands_in(callee == n.map ? n.mapped : n.filtered, given);
    if (callee == n.filter && given[0].ready() && object_of(given[0]) == Py_None &&
        gains_generator(s, given[1]))
      return stands_in(n.filtered_true, {given[1]});
    return false;
  }
  if (callee == n.reduce && plain &&
      (gains(s, given[0]) || (given.size() > 1 && gains_generator(s, given[1])))) {
    if (given.size() == 2) return go(n.reduced_from_first, given);
    return given.size() == 3 && go(n.reduced, given);
  }
  if (key != nullptr && given.size() == 1 && gains(s, *key) && iterates_plainly(s, given[0])) {
    const Value* reverse = keyword(arguments, "reverse");
    if (callee == n.sorted && arguments.keywords.size() == (reverse == nullptr ? 1U : 2U)) {
      if (reverse == nullptr) return go(n.sorted_by_key, {given[0], *key});
      return go(n.sorted_by_key, {given[0], *key, *reverse});
    }
    if ((callee == n.min || callee == n.max) && arguments.keywords.size() == 1)
      return go(n.extreme_by_key, {callee_value, given[0], *key});
    return false;
  }
  if (callee == n.join && plain && given.size() == 2 && given[0].ready() && gains_generator(s, given[1])) {
    const nb::object bound = nb::handle(object_of(given[0])).attr("join");
    return go(n.collected, {borrow_value(bound.ptr()), given[1]});
  }
  // Its items are taken one by one, as the loop around it goes on.
  if (callee == n.enumerate && plain && given.size() <= 2 && given[0].ready() &&
      (begun(given[0]) != nullptr || is_progress(object_of(given[0]))) && may_stand_in(s, given[0]))
    return stands_in(n.enumerated, {given[0], given.size() == 2 ? given[1] : steal_value(nb::int_(0))});
  if (!gains_generator(s, given[0])) return false;
  if (is_bound_join(callee) && plain && given.size() == 1) return go(n.collected, {callee_value, given[0]});
  if (callee == n.any && plain && given.size() == 1) return go(n.any_of, given);
  if (callee == n.all && plain && given.size() == 1) return go(n.all_of, given);
  if (!takes_all_first(callee)) return false;
  std::vector<Value> all{callee_value};
  all.insert(all.end(), given.begin(), given.end());
  Arguments rest;
  rest.keywords = arguments.keywords;
  return go(n.collected, std::move(all), std::move(rest));
}

}  // namespace xcs::python
