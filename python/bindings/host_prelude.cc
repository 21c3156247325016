// Builtins that are given a callback or a generator of the user's: entered as the functions of xcs._prelude.
#include "host.h"
#include "reach.h"

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

const Value* keyword(const Arguments& arguments, const char* name) {
  for (const auto& [key, value] : arguments.keywords)
    if (PyUnicode_CompareWithASCIIString(key.ptr(), name) == 0) return &value;
  return nullptr;
}

}  // namespace

// A generator made in this run that has not been asked for anything.
const Enter* PythonHost::begun(const Value& value) const {
  if (!value.ready() || !PyGen_CheckExact(object_of(value))) return nullptr;
  const auto found = generators_.find(object_of(value));
  if (found == generators_.end() || PyWeakref_GetObject(found->second.generator.ptr()) != object_of(value))
    return nullptr;
  return &found->second.enter;
}

// Whether going into it instead of calling it natively gains something, or is the only way not to wait.
bool PythonHost::gains(const Site& s, const Value& function) {
  if (!function.ready()) return false;
  PyObject* f = object_of(function);
  const Contract* contract = contracts_.find(f);
  const bool runs_code =
      contract == nullptr ? is_python_callable(f) : contract->effect == Contract::kIndependent;
  return (runs_code || is_bound_builtin(f)) && (!s.view.quiet() || reaches_independent(f));
}

bool PythonHost::gains_generator(const Site& s, const Value& iterable) {
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
  if (callee == n.map && plain && given.size() == 2 && gains(s, given[0])) return go(n.mapped, given);
  if (callee == n.filter && plain && given.size() == 2) {
    if (gains(s, given[0])) return go(n.filtered, given);
    if (given[0].ready() && object_of(given[0]) == Py_None && gains_generator(s, given[1]))
      return go(n.filtered_true, {given[1]});
    return false;
  }
  if (callee == n.reduce && plain &&
      (gains(s, given[0]) || (given.size() > 1 && gains_generator(s, given[1])))) {
    if (given.size() == 2) return go(n.reduced_from_first, given);
    return given.size() == 3 && go(n.reduced, given);
  }
  if (key != nullptr && given.size() == 1 && gains(s, *key)) {
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
      (begun(given[0]) != nullptr || is_progress(object_of(given[0]))))
    return go(n.enumerated, {given[0], given.size() == 2 ? given[1] : steal_value(nb::int_(0))});
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
