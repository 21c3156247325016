// Carries out the independent calls of one run on an asyncio event loop: awaitables as tasks, others as
// PythonExecutor does.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "executor.h"

namespace xcs::python {

// Something to be awaited.
class AwaitedCall final : public HostCall {
 public:
  // The result of a call, which is made when it is started, in a task of its own. REQUIRES: all values are
  // ready
  AwaitedCall(nb::object callee, const std::vector<Value>& positional,
              const std::vector<std::pair<nb::object, Value>>& keywords, const Value& handled);
  // `awaitable` itself, in the task that the run is in, while `handled` is being handled.
  AwaitedCall(nb::object awaitable, const Value& handled) : awaitable_(std::move(awaitable)) {
    if (handled.ready()) handled_ = nb::borrow(object_of(handled));
  }

  // The call is made in place of `coroutine`, which was made by the same call and has not started; it is
  // closed when this is started.
  void replace(nb::object coroutine) { replaced_ = std::move(coroutine); }

 private:
  friend class LoopExecutor;
  nb::object callee_, positional_, keywords_, handled_, awaitable_, replaced_;
  const Spender spender_ = Spender::here();
};

// Whether it is a coroutine that has not begun.
bool is_unstarted_coroutine(PyObject* object);

// Everything happens on the loop's thread. It never waits: whoever drives the run awaits wake().
class LoopExecutor final : public window::Executor {
 public:
  // `recorder` as for PythonExecutor.
  LoopExecutor(nb::object loop, Recorder* recorder);
  ~LoopExecutor() override;

  void start(window::Ticket ticket, std::unique_ptr<window::Call> call) override;
  void cancel(window::Ticket ticket) override;
  std::vector<window::Completion> wait() override;
  std::vector<window::Completion> poll() override;
  void drain() override { threads_.drain(); }

  // What the task that the run is in has to await now, or null; and what came of it.
  nb::object turn() const { return turn_.awaitable; }
  // The exception that is being handled there; null when there is none.
  nb::object handled_in_turn() const { return turn_.handled; }
  void answer(bool raised, nb::object value);

  // Asks the task of the call to end with CancelledError, as cancelling the task that awaits it would.
  // Returns whether the call has one.
  bool request_cancel(window::Ticket ticket, nb::handle arguments);

  // A future that is done when poll() may have something, or something has stopped running.
  nb::object wake();
  // Whether nothing is running any more.
  bool idle();

  Ledger& ledger() { return threads_.ledger(); }

 private:
  struct State;
  void listen();

  nb::object loop_;
  std::shared_ptr<State> state_;  // shared with the callbacks that the loop holds
  int descriptor_ = -1;           // readable when a thread has finished something
  PythonExecutor threads_;
  struct {
    window::Ticket ticket = 0;
    nb::object awaitable, handled;
  } turn_;
};

}  // namespace xcs::python
