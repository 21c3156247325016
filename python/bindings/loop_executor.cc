#include "loop_executor.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace xcs::python {

AwaitedCall::AwaitedCall(nb::object callee, const std::vector<Value>& positional,
                         const std::vector<std::pair<nb::object, Value>>& keywords, const Value& handled)
    : callee_(std::move(callee)),
      positional_(checked(PyTuple_New(static_cast<Py_ssize_t>(positional.size())))) {
  for (std::size_t i = 0; i < positional.size(); ++i)
    PyTuple_SET_ITEM(positional_.ptr(), static_cast<Py_ssize_t>(i), Py_NewRef(object_of(positional[i])));
  nb::dict named;
  for (const auto& [name, value] : keywords) named[name] = nb::borrow(object_of(value));
  keywords_ = std::move(named);
  if (handled.ready()) handled_ = nb::borrow(object_of(handled));
}

bool is_unstarted_coroutine(PyObject* object) {
  if (!PyCoro_CheckExact(object)) return false;
  static const nb::object* created = new nb::object(imported("inspect", "CORO_CREATED"));
  static const nb::object* state = new nb::object(imported("inspect", "getcoroutinestate"));
  return (*state)(nb::handle(object)).equal(*created);
}

struct LoopExecutor::State {
  struct Task {
    nb::object task, handled;
  };
  std::unordered_map<window::Ticket, Task> tasks;  // neither delivered nor cancelled
  std::size_t running = 0;                         // tasks that have not ended, cancelled ones too
  std::vector<window::Completion> completions;
  nb::object waiter;

  void wake() {
    const nb::object waiting = std::exchange(waiter, nb::object());
    if (waiting && !nb::cast<bool>(waiting.attr("done")())) waiting.attr("set_result")(nb::none());
  }

  void finish(window::Ticket ticket, nb::handle task) {
    --running;
    const auto found = tasks.extract(ticket);
    if (!found.empty()) {
      nb::object value;
      bool raised = true;
      if (nb::cast<bool>(task.attr("cancelled")())) {
        value = imported("asyncio", "CancelledError")();  // before it began
      } else {
        const nb::object outcome = task.attr("result")();
        raised = nb::cast<bool>(outcome[0]);
        value = outcome[1];
      }
      // Raised where it is awaited, it would have had the exception being handled there as its context.
      const nb::object& handled = found.mapped().handled;
      if (raised && handled && !handled.is(value) && nb::object(value.attr("__context__")).is_none())
        PyException_SetContext(value.ptr(), nb::object(handled).release().ptr());
      completions.push_back({ticket, raised, steal_value(std::move(value))});
    }
    wake();
  }
};

LoopExecutor::LoopExecutor(nb::object loop, Recorder* recorder)
    : loop_(std::move(loop)), state_(std::make_shared<State>()), threads_(recorder) {
  if (recorder != nullptr) listen();  // to what it keeps
}

LoopExecutor::~LoopExecutor() {
  for (const auto& [ticket, task] : state_->tasks) task.task.attr("cancel")();
  state_->tasks.clear();
  threads_.drain();
  if (descriptor_ < 0) return;
  if (!nb::cast<bool>(loop_.attr("is_closed")())) loop_.attr("remove_reader")(descriptor_);
  close(descriptor_);
}

void LoopExecutor::start(window::Ticket ticket, std::unique_ptr<window::Call> call) {
  auto* awaited = dynamic_cast<AwaitedCall*>(call.get());
  if (awaited == nullptr) {
    listen();
    return threads_.start(ticket, std::move(call));
  }
  if (awaited->awaitable_) {
    awaited->spender_.within(awaited->path.steps)
        .take_context();  // that of the task that the run is in, and awaits it next
    turn_ = {ticket, std::move(awaited->awaitable_), std::move(awaited->handled_)};
    return;
  }
  const bool unstarted = !awaited->replaced_ || is_unstarted_coroutine(awaited->replaced_.ptr());
  if (unstarted && threads_.find(ticket, *awaited)) {
    if (awaited->replaced_) awaited->replaced_.attr("close")();
    return;
  }
  nb::object outcome;
  if (!awaited->replaced_) {
    outcome =
        imported("xcs._async", "outcome_of_call")(awaited->callee_, awaited->positional_, awaited->keywords_);
  } else if (unstarted) {
    awaited->replaced_.attr("close")();
    outcome =
        imported("xcs._async", "outcome_of_call")(awaited->callee_, awaited->positional_, awaited->keywords_);
  } else {  // awaited before: awaiting it again says so
    outcome = imported("xcs._async", "outcome")(awaited->replaced_);
  }
  const Spender outer = Spender::in_context();
  awaited->spender_.within(awaited->path.steps).take_context();
  const nb::object task = loop_.attr("create_task")(outcome);
  outer.take_context();
  state_->tasks[ticket] = {task, awaited->handled_};
  ++state_->running;
  task.attr("add_done_callback")(
      nb::cpp_function([state = state_, ticket](nb::handle ended) { state->finish(ticket, ended); }));
}

// From now on, what threads finish wakes the loop.
void LoopExecutor::listen() {
  if (descriptor_ >= 0) return;
  descriptor_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  threads_.notify(descriptor_);
  loop_.attr("add_reader")(descriptor_, nb::cpp_function([state = state_, descriptor = descriptor_] {
                             eventfd_t count = 0;
                             eventfd_read(descriptor, &count);
                             state->wake();
                           }));
}

void LoopExecutor::cancel(window::Ticket ticket) {
  if (ticket == turn_.ticket) {
    turn_ = {};
    return;
  }
  const auto found = state_->tasks.extract(ticket);
  if (found.empty()) return threads_.cancel(ticket);
  found.mapped().task.attr("cancel")();
}

bool LoopExecutor::request_cancel(window::Ticket ticket, nb::handle arguments) {
  const auto found = state_->tasks.find(ticket);
  if (found == state_->tasks.end()) return false;
  found->second.task.attr("cancel")(*nb::cast<nb::args>(arguments));
  return true;
}

std::vector<window::Completion> LoopExecutor::wait() {
  throw std::logic_error("a run on an event loop never blocks");
}

std::vector<window::Completion> LoopExecutor::poll() {
  for (window::Completion& c : std::exchange(state_->completions, {})) threads_.complete(std::move(c));
  return threads_.poll();
}

void LoopExecutor::answer(bool raised, nb::object value) {
  state_->completions.push_back({turn_.ticket, raised, steal_value(std::move(value))});
  turn_ = {};
}

nb::object LoopExecutor::wake() {
  threads_.flush();
  nb::object waiter = state_->waiter = loop_.attr("create_future")();
  if (threads_.has_ready()) state_->wake();
  return waiter;
}

bool LoopExecutor::idle() {
  threads_.poll();
  return state_->running == 0 && threads_.idle();
}

}  // namespace xcs::python
