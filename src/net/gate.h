// Decides between a handler that is about to run on one thread and its cancellation on another.
#pragma once

#include <atomic>

namespace xcs::net {

// One thread, the runner, enters and leaves; any thread may close, for good. What the gate guards is
// touched only by the runner while inside, or by whoever closed it.
class Gate {
 public:
  // Runner only. False when the gate is closed: the guarded things are no longer the runner's.
  bool try_enter() {
    State expected = State::kOpen;
    return state_.compare_exchange_strong(expected, State::kInside);
  }

  // Runner only. False when the runner closed the gate while inside: then the guarded things are now
  // the runner's to destroy.
  bool leave() {
    State expected = State::kInside;
    const bool open = state_.compare_exchange_strong(expected, State::kOpen);
    state_.notify_all();
    return open;
  }

  // Runner only, inside: leaves and closes behind itself.
  void leave_closed() {
    state_.store(State::kClosed);
    state_.notify_all();
  }

  // Closes the gate; on any thread but the runner, waits until the runner is outside. True when this
  // call closed it from outside: then the guarded things are now the caller's to destroy.
  bool close(bool on_runner_thread) {
    for (;;) {
      State seen = State::kOpen;
      if (state_.compare_exchange_strong(seen, State::kClosed)) return true;
      if (seen == State::kClosed) return false;
      if (on_runner_thread) {
        state_.store(State::kClosed);
        return false;
      }
      state_.wait(State::kInside);
    }
  }

  bool closed() const { return state_.load() == State::kClosed; }

 private:
  enum class State { kOpen, kInside, kClosed };
  std::atomic<State> state_ = State::kOpen;
};

}  // namespace xcs::net
