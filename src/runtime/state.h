// What the engine knows of one value of the program.
#pragma once

#include <cstdint>
#include <exception>

#include "window/value.h"
#include "xcs/detail/engine.h"

namespace xcs::runtime {

class Door;

// The window's objects are boxes.
window::Value to_value(detail::Ref<detail::Box> box);
// REQUIRES: value.ready()
detail::Box& box_of(const window::Value& value);

// An exception in the place of the result of `state`.
class Failure final : public detail::Box {
 public:
  Failure(std::exception_ptr exception, detail::Ref<detail::State> state);
  ~Failure() override;
  const std::exception_ptr* failure() const override { return &exception_; }
  // A share in the value that failed; none when the program can no longer look at it.
  detail::Handle share() const;

 private:
  const std::exception_ptr exception_;
  const detail::Ref<detail::State> state_;
};

}  // namespace xcs::runtime

namespace xcs::detail {

// Shared by the handles of the program, which count twice: as boxes, and as `shares`. The engine's own
// references keep the object, but not what it holds. Belongs to the thread of its run.
class State final : public Box {
 public:
  // In the list of its door, until the door ends.
  explicit State(runtime::Door& door);
  // A constant.
  explicit State(Ref<Box> value);
  ~State() override;

  void add_share();
  void drop_share();
  // The run is over: the value cannot be used any more.
  void end();
  // What is there by now, or pending. Changes nothing, so that a worker may read an operand that is there
  // while the run's thread does.
  const window::Value& content() const;

  runtime::Door* door = nullptr;  // null: a constant, or ended
  bool ended = false;
  std::uint32_t shares = 0;
  window::Value value;
  // The value whose failure was passed on as this one's: whoever handles this has handled that.
  Handle origin;
  State* previous = nullptr;  // in the door's list
  State* next = nullptr;
};

}  // namespace xcs::detail
