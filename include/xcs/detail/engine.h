// The engine as the templates of this library see it. Not part of the interface.
//
// All functions belong to the run of the calling thread and throw UsageError when there is none, or when a
// handle is of another run.
#pragma once

#include <coroutine>
#include <span>

#include "xcs/detail/box.h"
#include "xcs/effect.h"

namespace xcs::detail {

class State;
class Frame;

// One share of a program in a value. What is known of the value is kept until the last share is gone.
class Handle {
 public:
  Handle() = default;
  explicit Handle(State* state);
  Handle(const Handle& other) : Handle(other.state_) {}
  Handle(Handle&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  Handle& operator=(Handle other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~Handle();

  State* get() const { return state_; }
  explicit operator bool() const { return state_ != nullptr; }

 private:
  State* state_ = nullptr;
};

// One call: a callable and its arguments as they are at its place.
class Operation : public Box {
 public:
  explicit Operation(Effect effect) : effect(effect) {}

  // REQUIRES: its operands are there. An independent one runs on a worker thread, while nothing else touches
  // it.
  virtual Ref<Box> run() = 0;
  // It will not run any more: lets go of callable and arguments. On the run's thread.
  virtual void drop() = 0;

  const Effect effect;
  Ref<Box> result;  // the engine's record of what it yields
};

// A value that is there from the start, in any run and outside of all.
Handle ready(Ref<Box> value);
// The result of the operation, which the engine runs as its effect demands once the operands are there. If
// one of them failed, the first in their order, the result fails with the same exception.
Handle call(const Ref<Operation>& operation, std::span<const Handle* const> operands);

// Looking at a value from a frame's coroutine: is_ready; if it is not, wait, and suspend; then look.
bool is_ready(const Handle& value);
void wait(const Handle& value);
// Throws the value's exception if it failed.
Box& look(const Handle& value);
// Whether this is the only share.
bool is_sole(const Handle& value);
// What look() would return, on any thread. REQUIRES: it is there and did not fail.
Box& peek(const Handle& value);

struct Entered {
  Frame* frame;
  Handle result;
};
// The coroutine becomes a frame, a child of the one that runs.
Entered enter(std::coroutine_handle<> code);
// Whether the frame has to begin later, for want of room; then it is suspended until it is resumed.
bool defer(Frame& frame);
// The coroutine is suspended for the last time; destroys it. Exactly one of result and exception is there.
void finish(Frame& frame, Ref<Box> result, std::exception_ptr exception) noexcept;

}  // namespace xcs::detail
