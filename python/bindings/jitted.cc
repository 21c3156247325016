#include "jitted.h"

#include <structmember.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <new>

#include "base/error.h"
#include "executor.h"
#include "host.h"
#include "reach.h"
#include "recursion.h"
#include "resumable_run.h"
#include "run_report.h"
#include "seeded_executor.h"
#include "tracing.h"

namespace xcs::python {
namespace {

struct Jitted {
  PyObject_HEAD vectorcallfunc vectorcall;
  PyObject* function;
  PyObject* config;  // a Config, whose fields may be None
  PyObject* dict;
  PyObject* weak_references;
  PyObject* module_name;  // of the function, for the descriptor that finds it
  RunReport* last_run;
  bool has_run;
  bool was_traced;  // the last time it was called
};

Jitted* as_jitted(PyObject* o) { return reinterpret_cast<Jitted*>(o); }

// The Config of the innermost `with xcs.config(...)` block, or null.
PyObject* config_variable() {
  static PyObject* variable = PyContextVar_New("xcs.config", nullptr);
  return variable;
}

void apply_to_calls(nb::handle config, CallOptions& options) {
  const nb::object max_in_flight = config.attr("max_in_flight");
  const nb::object budget = config.attr("budget");
  const nb::object hedge = config.attr("hedge");
  if (!max_in_flight.is_none())
    options.in_flight =
        static_cast<int>(std::min<std::int64_t>(nb::cast<std::int64_t>(max_in_flight), 1 << 30));
  if (!budget.is_none()) options.budget = nb::cast<double>(budget);
  if (hedge.is_none()) return;
  options.hedge.reset();
  if (const double share = nb::cast<double>(hedge); share > 0) options.hedge = llm::Hedge{.share = share};
}

void apply(nb::handle config, RunOptions& run) {
  if (config.is_none()) return;
  window::Options& options = run.window;
  if (const nb::object journal = config.attr("journal"); !journal.is_none()) run.journal = journal;
  if (const nb::object cache = config.attr("cache"); !cache.is_none()) run.cache = cache;
  const nb::object max_in_flight = config.attr("max_in_flight");
  const nb::object window = config.attr("window");
  const nb::object forward = config.attr("forward");
  const nb::object speculate = config.attr("speculate");
  if (!max_in_flight.is_none()) options.max_in_flight = nb::cast<std::uint32_t>(max_in_flight);
  if (!window.is_none()) options.window = nb::cast<std::uint32_t>(window);
  if (!forward.is_none()) options.forward = nb::cast<bool>(forward);
  apply_to_calls(config, run.calls);
  if (!speculate.is_none()) options.speculate = nb::cast<std::uint32_t>(speculate);
}

// What the function was given comes before what a block around the call says.
RunOptions options_of(PyObject* config) {
  RunOptions options;
  PyObject* block = nullptr;
  if (PyContextVar_Get(config_variable(), nullptr, &block) != 0) nb::raise_python_error();
  if (block != nullptr) apply(nb::steal(block), options);
  apply(config, options);
  return options;
}

std::int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

PyObject* finish(window::Outcome outcome) {
  outcome.value.settle();
  if (!outcome.raised) return Py_NewRef(object_of(outcome.value));
  set_error(object_of(outcome.value));
  return nullptr;
}

// Drawn from a seed, no call goes to a model.
std::unique_ptr<window::Executor> executor_of_context(const RunOptions& options, Recorder* recorder,
                                                      Ledger*& ledger) {
  if (const auto seed = completion_seed()) return std::make_unique<SeededExecutor>(*seed);
  auto executor = std::make_unique<PythonExecutor>(recorder);
  ledger = &executor->ledger();
  ledger->set_options(options.calls);
  return executor;
}

PyObject* run(Jitted* self, PyObject* const* args, std::size_t count, PyObject* keyword_names) {
  const Level level;
  if (!level.entered) return nullptr;
  const std::int64_t start = now_ns();
  RunOptions options = options_of(self->config);
  PythonHost host;
  Action begun = host.begin(self->function, args, count, keyword_names);
  if (begun.verdict != Action::kEnter) return finish({begun.verdict == Action::kRaised, begun.value});
  std::unique_ptr<Recorder> recorder;
  if (options.records()) {
    recorder = Recorder::make(options, self->function, call_arguments(args, count, keyword_names));
    host.identify_calls();
  }
  Ledger* ledger = nullptr;  // null: there is none
  const std::unique_ptr<window::Executor> executor = executor_of_context(options, recorder.get(), ledger);
  if (ledger != nullptr) host.charge(*ledger);
  window::Run run(host, *executor, options.window);
  window::Outcome outcome;
  try {
    outcome = run.call(std::move(begun.enter));
  } catch (nb::python_error& error) {
    if (recorder != nullptr) recorder->finish(true, error.value());
    throw;
  }
  host.finish();
  outcome.value.settle();
  if (recorder != nullptr) recorder->finish(outcome.raised, object_of(outcome.value));
  auto report = std::make_unique<RunReport>(
      run.counters(), run.sites(), ledger == nullptr ? std::vector<Ledger::Entry>() : ledger->entries(),
      now_ns() - start, recorder != nullptr ? recorder->to_python() : nb::dict());
  delete std::exchange(self->last_run, report.release());
  return finish(std::move(outcome));
}

// Calls that cannot reach an independent one, and functions that are not lowered, run as they are.
bool runs_as_it_is(PyObject* function) {
  if (!reaches_independent(function)) return true;
  const ProgramRef program = lowered(function);
  return !program->refusal.empty() || program->delegates;  // the caller of a generator may send what it likes
}

// Such calls have to cost little, so that no other option is looked at.
bool has_budget(PyObject* config) {
  const auto names_one = [](nb::handle options) {
    return !options.is_none() && !nb::object(options.attr("budget")).is_none();
  };
  PyObject* block = nullptr;
  if (PyContextVar_Get(config_variable(), nullptr, &block) != 0) nb::raise_python_error();
  return (block != nullptr && names_one(nb::steal(block))) || names_one(config);
}

// Its budget holds all the same, also for a coroutine or a generator that runs when it is asked to.
PyObject* run_as_it_is(Jitted* self, PyObject* const* args, std::size_t nargsf, PyObject* keyword_names) {
  if (!has_budget(self->config)) return PyObject_Vectorcall(self->function, args, nargsf, keyword_names);
  const auto ledger = std::make_shared<Ledger>();
  ledger->set_options(options_of(self->config).calls);
  const Spender spender(ledger.get(), {});
  const SpendsOnThread here(spender);
  PyObject* made = PyObject_Vectorcall(self->function, args, nargsf, keyword_names);
  const bool later = is_coroutine_function(self->function) || is_generator_function(self->function);
  if (made == nullptr || !later) return made;
  return imported("xcs._as_it_is", "held")(nb::cast(spender), nb::steal(made)).release().ptr();
}

PyObject* call(PyObject* callable, PyObject* const* args, std::size_t nargsf,
               PyObject* keyword_names) noexcept {
  auto* self = as_jitted(callable);
  self->has_run = true;
  self->was_traced = is_traced();
  try {
    if (self->was_traced || runs_as_it_is(self->function)) {
      delete std::exchange(self->last_run, nullptr);
      return run_as_it_is(self, args, nargsf, keyword_names);
    }
    const nb::object alive = nb::borrow(callable);
    if (is_coroutine_function(self->function) || is_generator_function(self->function))
      return make_resumable(alive, self->function, options_of(self->config), args,
                            static_cast<std::size_t>(PyVectorcall_NARGS(nargsf)), keyword_names)
          .release()
          .ptr();
    return run(self, args, static_cast<std::size_t>(PyVectorcall_NARGS(nargsf)), keyword_names);
  } catch (nb::python_error& error) {
    error.restore();
  } catch (const store::StoreError& error) {
    set_store_error(error.error());
  } catch (const std::exception& error) {
    PyErr_Format(PyExc_SystemError, "xcs: %s", error.what());
  }
  return nullptr;
}

PyObject* make(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  PyObject *function = nullptr, *config = nullptr;
  const char* names[] = {"function", "config", nullptr};
  if (PyArg_ParseTupleAndKeywords(args, keywords, "O!O", const_cast<char**>(names), &PyFunction_Type,
                                  &function, &config) == 0)
    return nullptr;
  PyObject* self = type->tp_alloc(type, 0);
  if (self == nullptr) return nullptr;
  as_jitted(self)->vectorcall = call;
  as_jitted(self)->function = Py_NewRef(function);
  as_jitted(self)->config = Py_NewRef(config);
  return self;
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(as_jitted(self)->function);
  Py_VISIT(as_jitted(self)->config);
  Py_VISIT(as_jitted(self)->dict);
  return 0;
}

int clear(PyObject* self) {
  Py_CLEAR(as_jitted(self)->function);
  Py_CLEAR(as_jitted(self)->config);
  Py_CLEAR(as_jitted(self)->dict);
  return 0;
}

void destroy(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  if (as_jitted(self)->weak_references != nullptr) PyObject_ClearWeakRefs(self);
  clear(self);
  delete as_jitted(self)->last_run;
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* bind(PyObject* self, PyObject* instance, PyObject*) {
  if (instance == nullptr || instance == Py_None) return Py_NewRef(self);
  return PyMethod_New(self, instance);
}

PyObject* represent(PyObject* self) {
  return PyUnicode_FromFormat("<xcs.jit of %R>", as_jitted(self)->function);
}

// Pickled by name, as functions are.
PyObject* reduce(PyObject* self, PyObject*) { return PyObject_GetAttrString(self, "__qualname__"); }

// Of what a class statement defines with these names, only functions are made class methods or static ones.
PyObject* set_name(PyObject* self, PyObject* args) {
  PyObject *owner = nullptr, *name = nullptr;
  if (PyArg_ParseTuple(args, "OU", &owner, &name) == 0) return nullptr;
  const bool of_class = PyUnicode_CompareWithASCIIString(name, "__init_subclass__") == 0 ||
                        PyUnicode_CompareWithASCIIString(name, "__class_getitem__") == 0;
  const bool plain = PyUnicode_CompareWithASCIIString(name, "__new__") == 0;
  if (!of_class && !plain) Py_RETURN_NONE;
  PyObject* made = of_class ? PyClassMethod_New(self) : PyStaticMethod_New(self);
  const int status = made == nullptr ? -1 : PyObject_SetAttr(owner, name, made);
  Py_XDECREF(made);
  if (status != 0) return nullptr;
  Py_RETURN_NONE;
}

PyObject* with_config(PyObject* self, PyObject* args, PyObject* keywords) {
  try {
    if (PyTuple_GET_SIZE(args) != 0) {
      PyErr_SetString(PyExc_TypeError, "with_config() takes keyword arguments only");
      return nullptr;
    }
    nb::dict options;
    if (keywords != nullptr) options.update(nb::borrow<nb::dict>(keywords));
    return imported("xcs._jit", "with_config")(nb::handle(self), options).release().ptr();
  } catch (nb::python_error& error) {
    error.restore();
    return nullptr;
  }
}

PyObject* last_run(PyObject* self, void*) {
  const RunReport* report = as_jitted(self)->last_run;
  try {
    return report == nullptr ? Py_NewRef(Py_None) : report->to_python().release().ptr();
  } catch (nb::python_error& error) {
    error.restore();
    return nullptr;
  }
}

PyObject* refusal(PyObject* self, void*) {
  try {
    const ProgramRef program = lowered(as_jitted(self)->function);
    return nb::cast(program->delegates ? "yield-from" : program->refusal.c_str()).release().ptr();
  } catch (nb::python_error& error) {
    error.restore();
    return nullptr;
  }
}

// What belongs to the function itself is read and written there, so that a change holds for its next call.
PyObject* get_own(PyObject* self, void* name) {
  return PyObject_GetAttrString(as_jitted(self)->function, static_cast<const char*>(name));
}

int set_own(PyObject* self, PyObject* value, void* name) {
  return PyObject_SetAttrString(as_jitted(self)->function, static_cast<const char*>(name), value);
}

PyObject* runs_whole(PyObject* self, void*) {
  try {
    nb::list found;
    for (const RunsWhole& met : what_runs_whole(as_jitted(self)->function)) {
      nb::dict d;
      d["reason"] = met.reason;
      d["file"] = met.program->file;
      d["line"] = met.position.line;
      d["function"] = met.program->qualname;
      found.append(d);
    }
    return found.release().ptr();
  } catch (nb::python_error& error) {
    error.restore();
    return nullptr;
  }
}

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Jitted, vectorcall), READONLY, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(Jitted, dict), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Jitted, weak_references), READONLY, nullptr},
    {"function", T_OBJECT, offsetof(Jitted, function), READONLY, "the function as it was written"},
    {"config", T_OBJECT, offsetof(Jitted, config), READONLY, "the options it was given"},
    {"has_run", T_BOOL, offsetof(Jitted, has_run), READONLY, "whether it has been called"},
    {"was_traced", T_BOOL, offsetof(Jitted, was_traced), READONLY,
     "whether it last ran as it is because a tracer, profiler or debugger was at work"},
    {nullptr, 0, 0, 0, nullptr}};

PyGetSetDef properties[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {"last_run", last_run, nullptr, "what happened in the last run, or None", nullptr},
    {"runs_whole", runs_whole, nullptr,
     "of a function that cannot reach an independent call: what in it was not looked into, as dicts with "
     "reason, file, "
     "line and function",
     nullptr},
    {"refusal", refusal, nullptr, "the reason code why the function runs whole, in order, or ''", nullptr},
#define XCS_OWN(name) {name, get_own, set_own, nullptr, const_cast<char*>(name)}
    XCS_OWN("__annotations__"),
    XCS_OWN("__builtins__"),
    XCS_OWN("__closure__"),
    XCS_OWN("__code__"),
    XCS_OWN("__defaults__"),
    XCS_OWN("__doc__"),
    XCS_OWN("__globals__"),
    XCS_OWN("__kwdefaults__"),
    XCS_OWN("__name__"),
    XCS_OWN("__qualname__"),
#undef XCS_OWN
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyMethodDef methods[] = {
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {"__set_name__", set_name, METH_VARARGS, nullptr},
    {"with_config", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(with_config)),
     METH_VARARGS | METH_KEYWORDS,
     "with_config(*, max_in_flight=None, window=None, ...)\n--\n\nThe same function with other options."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

PyTypeObject* jitted_type() {
  static PyTypeObject* type = [] {
    PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(make)},
                           {Py_tp_dealloc, reinterpret_cast<void*>(destroy)},
                           {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                           {Py_tp_clear, reinterpret_cast<void*>(clear)},
                           {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                           {Py_tp_descr_get, reinterpret_cast<void*>(bind)},
                           {Py_tp_repr, reinterpret_cast<void*>(represent)},
                           {Py_tp_members, members},
                           {Py_tp_getset, properties},
                           {Py_tp_methods, methods},
                           {0, nullptr}};
    PyType_Spec spec = {
        "xcs._core.Jitted", sizeof(Jitted), 0,
        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
        slots};
    return reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)).release().ptr());
  }();
  return type;
}

void set_last_run(PyObject* jitted, std::unique_ptr<RunReport> report) {
  delete std::exchange(as_jitted(jitted)->last_run, report.release());
}

PyObject* jitted_function(PyObject* jitted) { return as_jitted(jitted)->function; }

void bind_jitted(nb::module_& m) {
  m.attr("Jitted") = nb::handle(reinterpret_cast<PyObject*>(jitted_type()));
  m.attr("config_variable") = nb::handle(config_variable());
}

}  // namespace xcs::python
