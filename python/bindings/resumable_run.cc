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

// The run, step by step, for xcs._async.drive. All of it happens on the loop's thread, inside the coroutine
// that drives it: there the effects happen, and there the exception being handled is kept while the run
// waits.
class ResumableRun {
 public:
  ResumableRun(nb::object jitted, nb::object function, CallArguments arguments, Enter enter, RunOptions options)
      : jitted_(std::move(jitted)),
        function_(std::move(function)),
        arguments_(std::move(arguments)),
        enter_(std::move(enter)),
        options_(std::move(options)) {}

  // Goes as far as it gets; None when it is complete. Otherwise what to await before the next step, and
  // whether that is awaited for the program, which wants its outcome.
  nb::object advance() {
    if (!run_) begin();
    if (run_->advance()) return nb::none();
    if (const nb::object turn = executor_->turn()) return nb::make_tuple(turn, true);
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

  // Cancels what is no longer wanted. Answers what to await until nothing is running, or None when nothing
  // is.
  nb::object settle() {
    if (!run_) return nb::none();
    run_->abandon();
    return executor_->idle() ? nb::none() : executor_->wake();
  }

  nb::object take() {
    window::Outcome outcome = run_->take();
    host_->finish();
    outcome.value.settle();
    if (recorder_ != nullptr) recorder_->finish(outcome.raised, object_of(outcome.value));
    set_last_run(jitted_.ptr(),
                 std::make_unique<RunReport>(run_->counters(), run_->sites(), now_ns() - start_,
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

  // The coroutine that the function itself makes, for what is no asyncio event loop.
  nb::object plain() { return checked(PyObject_Call(function_.ptr(), arguments_.positional.ptr(), arguments_.keywords.ptr())); }

 private:
  void begin() {
    start_ = now_ns();
    host_.emplace();
    if (options_.records()) {
      recorder_ = Recorder::make(options_, function_.ptr(), arguments_);
      host_->identify_calls();
    }
    executor_.emplace(imported("asyncio", "get_running_loop")(), recorder_.get());
    run_.emplace(*host_, *executor_, options_.window);
    run_->begin(std::move(enter_));
  }

  nb::object jitted_, function_;
  CallArguments arguments_;
  Enter enter_;
  RunOptions options_;
  std::int64_t start_ = 0;
  std::optional<PythonHost> host_;
  std::unique_ptr<Recorder> recorder_;
  std::optional<LoopExecutor> executor_;
  std::optional<window::Run> run_;
};

}  // namespace

bool is_coroutine_function(PyObject* function) {
  return PyFunction_Check(function) &&
         (reinterpret_cast<PyCodeObject*>(PyFunction_GET_CODE(function))->co_flags & CO_COROUTINE) != 0;
}

nb::object make_coroutine(nb::object jitted, PyObject* function, RunOptions options,
                          PyObject* const* args, std::size_t count, PyObject* keyword_names) {
  Action begun = PythonHost().begin(function, args, count, keyword_names);
  if (begun.verdict == Action::kRaised) {
    set_error(object_of(begun.value));
    nb::raise_python_error();
  }
  nb::object run = nb::cast(new ResumableRun(std::move(jitted), nb::borrow(function),
                                             call_arguments(args, count, keyword_names), std::move(begun.enter),
                                             std::move(options)),
                            nb::rv_policy::take_ownership);
  nb::object coroutine = imported("xcs._async", "drive")(run);
  for (const char* name : {"__name__", "__qualname__"})
    coroutine.attr(name) = nb::handle(function).attr(name);
  return coroutine;
}

void bind_resumable_run(nb::module_& m) {
  nb::class_<ResumableRun>(m, "ResumableRun", "A run that stops in between; see xcs._async.")
      .def("advance", &ResumableRun::advance)
      .def("answer", &ResumableRun::answer, nb::arg("raised"), nb::arg("value").none())
      .def("interrupt", &ResumableRun::interrupt, nb::arg("error"))
      .def("settle", &ResumableRun::settle)
      .def("take", &ResumableRun::take)
      .def("end", &ResumableRun::end)
      .def("plain", &ResumableRun::plain);
}

}  // namespace xcs::python
