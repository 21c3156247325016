// One run of a C++ program: the host of the window, whose nodes are Operations and whose frames are
// coroutines.
#pragma once

#include <functional>
#include <optional>
#include <span>

#include "runtime/state.h"
#include "window/native.h"
#include "xcs/detail/engine.h"

namespace xcs::runtime {

// An independent call on its way to an executor.
class IndependentCall final : public window::Call {
 public:
  explicit IndependentCall(detail::Ref<detail::Operation> operation) : operation(std::move(operation)) {}
  detail::Ref<detail::Operation> operation;
};

// What the call came to: exactly one of result and exception is there. On the run's thread.
window::Completion completion_of(window::Ticket ticket, detail::Operation& operation,
                                 detail::Ref<detail::Box> result, const std::exception_ptr& exception);

struct DoorOptions {
  window::Options window = {};
  bool sequential = false;
};

// Everything is done on the thread that calls step(). Destroying it cancels the run and returns when nothing
// of it is running; coroutines that have not ended are destroyed.
class Door final : private window::NativeHost {
 public:
  using Body = std::move_only_function<detail::Handle()>;

  Door(window::Executor& executor, const DoorOptions& options);
  ~Door() override;
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  // The program: what `body` returns is the result.
  void begin(Body body);
  // Runs, commits or waits once; whether the run is complete.
  bool step();
  // The result; throws the exception that ended the run. Nothing of the run is running afterwards, and its
  // values cannot be used any more. REQUIRES: step() returned true.
  detail::Ref<detail::Box> take();

  const window::Counters& counters() const { return machine_.counters(); }

  // The run whose code the calling thread is in. Throws UsageError when there is none.
  static Door& current();

  // What include/xcs/detail/engine.h declares, for this run.
  detail::Handle call(const detail::Ref<detail::Operation>& operation,
                      std::span<const detail::Handle* const> operands);
  bool is_ready(const detail::Handle& handle);
  void wait(const detail::Handle& handle);
  detail::Box& look(const detail::Handle& handle);
  detail::Entered enter(std::coroutine_handle<> code);
  bool defer();
  void finish(detail::Frame& frame, detail::Ref<detail::Box> result, std::exception_ptr exception);

  // The values that belong to this run.
  void add(detail::State& state);
  void remove(detail::State& state);

 private:
  // What every native frame of the run has.
  class Code : public window::NativeCode {
   public:
    // The failed value that was looked at last, until it is known whether the code handled it; and how many
    // exceptions were under way then.
    detail::Handle met;
    int unwinding = 0;
  };
  class Root;
  friend class detail::Frame;

  Code& running();
  detail::State& owned(const detail::Handle& handle) const;
  void settle_met(Code& code);
  window::Action evaluate(detail::Operation& operation);
  void fail(detail::State* result, Code& code, const std::exception_ptr& exception);
  void end();

  window::Action attempt(const ir::Program& program, const ir::Node& node,
                         std::span<const window::Value> operands, window::View& view) override;
  bool may_be_handled(const window::Value& failure) override;
  window::Value deadlock() override;

  const DoorOptions options_;
  detail::State* states_ = nullptr;
  bool evaluating_ = false;  // inside the callable of an operation
  std::unique_ptr<Root> root_;
  window::NativeMachine machine_;
};

}  // namespace xcs::runtime
