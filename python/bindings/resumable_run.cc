#include "resumable_run.h"

#include <chrono>
#include <optional>

#include "host.h"
#include "jitted.h"
#include "loop_executor.h"
#include "run_report.h"

namespace xcs::python {
namespace {

std::int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

// What Jitted was called with, and the run once it has begun. All of a run happens inside the coroutine or
// generator that drives it: there the effects happen, and there the exception being handled is kept while the
// run waits.
struct Call {
  nb::object jitted, function;
  CallArguments arguments;
  Enter enter;
  RunOptions options;
};

template <class Executor>
class ResumableRun {
 public:
  explicit ResumableRun(Call call) : call_(std::move(call)) {}

  nb::object take() {
    window::Outcome outcome = run_->take();
    host_->finish();
    outcome.value.settle();
    if (recorder_ != nullptr) recorder_->finish(outcome.raised, object_of(outcome.value));
    set_last_run(call_.jitted.ptr(),
                 std::make_unique<RunReport>(run_->counters(), run_->sites(), executor_->ledger().entries(),
                                             now_ns() - start_,
                                             recorder_ != nullptr ? recorder_->to_python() : nb::dict()));
    nb::object value = nb::borrow(object_of(outcome.value));
    outcome.value = Value();
    end();
    if (!outcome.raised) return value;
    set_error(value.ptr());
    nb::raise_python_error();
  }

  // Ends the run where it is; nothing of it happens any more. Waits for threads.
  void end() {
    run_.reset();
    executor_.reset();
    recorder_.reset();
    host_.reset();
  }

  // What the function itself makes.
  nb::object plain() {
    return checked(PyObject_Call(call_.function.ptr(), call_.arguments.positional.ptr(),
                                 call_.arguments.keywords.ptr()));
  }

 protected:
  template <class... Arguments>
  void begin(Arguments&&... arguments) {
    start_ = now_ns();
    host_.emplace(nb::none());
    if (call_.options.records()) {
      recorder_ = Recorder::make(call_.options, call_.function.ptr(), call_.arguments);
      host_->identify_calls();
    }
    executor_.emplace(std::forward<Arguments>(arguments)..., recorder_.get());
    executor_->ledger().set_options(call_.options.calls);
    host_->charge(executor_->ledger());
    run_.emplace(*host_, *executor_, call_.options.window);
    run_->begin(std::move(call_.enter));
  }

  Call call_;
  std::int64_t start_ = 0;
  std::optional<PythonHost> host_;
  std::unique_ptr<Recorder> recorder_;
  std::optional<Executor> executor_;
  std::optional<window::Run> run_;
};

// Driven by xcs._async.drive.
class CoroutineRun final : public ResumableRun<LoopExecutor> {
 public:
  using ResumableRun::ResumableRun;

  // Goes as far as it gets; None when it is complete. Otherwise what to await before the next step, and
  // whether that is awaited for the program, which wants its outcome.
  nb::object advance() {
    if (!run_) {
      outer_ = Spender::in_context();
      place_ = {call_.enter.program.get(), call_.enter.program->position};
      begin(imported("asyncio", "get_running_loop")());
    }
    Spender(&executor_->ledger(), place_).take_context();  // also that of tasks that the function begins
    if (around_turn_) handle_exception(std::exchange(around_turn_, nb::object()).ptr());
    if (run_->advance() == window::Stop::kComplete) return nb::none();
    if (const nb::object turn = executor_->turn()) {
      // What is awaited in turn sees what is handled where the program awaits it.
      around_turn_ = handled_exception();
      const nb::object handled = executor_->handled_in_turn();
      handle_exception(handled ? handled.ptr() : Py_None);
      return nb::make_tuple(turn, true);
    }
    return nb::make_tuple(executor_->wake(), false);
  }

  void answer(bool raised, nb::object value) { executor_->answer(raised, std::move(value)); }

  // `error` was thrown into the coroutine while it waited for calls.
  void interrupt(nb::object error) {
    const window::Ticket oldest = run_->oldest();
    const bool cancelled = nb::isinstance(error, imported("asyncio", "CancelledError"));
    if (cancelled && executor_->request_cancel(oldest, error.attr("args"))) return;
    run_->interrupt(steal_value(std::move(error)));
  }

  // The context is what it was before the run began.
  void leave() { outer_.take_context(); }

  // Cancels what is no longer wanted. Answers what to await until nothing is running, or None when nothing
  // is.
  nb::object settle() {
    if (!run_) return nb::none();
    run_->abandon();
    leave();
    return executor_->idle() ? nb::none() : executor_->wake();
  }

 private:
  Spender outer_;           // of the context that the run is in
  Place place_;             // the function
  nb::object around_turn_;  // what was handled when the run left something to be awaited
};

// Driven by xcs._generator.drive.
class GeneratorRun final : public ResumableRun<PythonExecutor> {
 public:
  using ResumableRun::ResumableRun;

  // Goes on to its next yield, whose value it answers in a tuple, or to its end: None. The yield where it
  // stands gives `sent`, or raises `error` unless that is None.
  nb::object advance(nb::object sent, nb::object error) {
    if (!run_) {
      begin();
    } else if (error.is_none()) {
      run_->resume(steal_value(std::move(sent)));
    } else {
      run_->resume_raising(steal_value(std::move(error)));
    }
    if (run_->run_on() == window::Stop::kComplete) return nb::none();
    host_->finish();
    Value yielded = run_->yielded();
    yielded.settle();
    return nb::make_tuple(nb::handle(object_of(yielded)));
  }
};

int flags_of(PyObject* function) {
  return PyFunction_Check(function) ? reinterpret_cast<PyCodeObject*>(PyFunction_GET_CODE(function))->co_flags
                                    : 0;
}

}  // namespace

bool is_coroutine_function(PyObject* function) { return (flags_of(function) & CO_COROUTINE) != 0; }
bool is_generator_function(PyObject* function) { return (flags_of(function) & CO_GENERATOR) != 0; }

nb::object make_resumable(nb::object jitted, PyObject* function, RunOptions options, PyObject* const* args,
                          std::size_t count, PyObject* keyword_names) {
  Action begun = PythonHost().begin(function, args, count, keyword_names);
  if (begun.verdict == Action::kRaised) {
    set_error(object_of(begun.value));
    nb::raise_python_error();
  }
  Call call{std::move(jitted), nb::borrow(function), call_arguments(args, count, keyword_names),
            std::move(begun.enter), std::move(options)};
  const auto owned = nb::rv_policy::take_ownership;
  nb::object driver =
      is_coroutine_function(function)
          ? imported("xcs._async", "drive")(nb::cast(new CoroutineRun(std::move(call)), owned))
          : imported("xcs._generator", "drive")(nb::cast(new GeneratorRun(std::move(call)), owned));
  for (const char* name : {"__name__", "__qualname__"}) driver.attr(name) = nb::handle(function).attr(name);
  return driver;
}

void bind_resumable_run(nb::module_& m) {
  nb::class_<CoroutineRun>(m, "CoroutineRun", "A run of a coroutine function; see xcs._async.")
      .def("advance", &CoroutineRun::advance)
      .def("answer", &CoroutineRun::answer, nb::arg("raised"), nb::arg("value").none())
      .def("interrupt", &CoroutineRun::interrupt, nb::arg("error"))
      .def("leave", &CoroutineRun::leave)
      .def("settle", &CoroutineRun::settle)
      .def("take", &CoroutineRun::take)
      .def("end", &CoroutineRun::end)
      .def("plain", &CoroutineRun::plain);
  nb::class_<GeneratorRun>(m, "GeneratorRun", "A run of a generator function; see xcs._generator.")
      .def("advance", &GeneratorRun::advance, nb::arg("sent").none(), nb::arg("error").none())
      .def("take", &GeneratorRun::take)
      .def("end", &GeneratorRun::end);
}

}  // namespace xcs::python
