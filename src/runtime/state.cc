#include "runtime/state.h"

#include <utility>

#include "runtime/door.h"

namespace xcs::runtime {

namespace {

void retain(window::Object* object) { reinterpret_cast<detail::Box*>(object)->retain(); }
void release(window::Object* object) { reinterpret_cast<detail::Box*>(object)->release(); }
constexpr window::ObjectOps kBoxes{retain, release};

}  // namespace

window::Value to_value(detail::Ref<detail::Box> box) {
  return window::Value::steal(reinterpret_cast<window::Object*>(box.leave()), &kBoxes);
}

detail::Box& box_of(const window::Value& value) { return *reinterpret_cast<detail::Box*>(value.object()); }

Failure::Failure(std::exception_ptr exception, detail::Ref<detail::State> state)
    : exception_(std::move(exception)), state_(std::move(state)) {}
Failure::~Failure() = default;

detail::Handle Failure::share() const {
  return state_ && state_->shares != 0 ? detail::Handle(state_.get()) : detail::Handle();
}

}  // namespace xcs::runtime

namespace xcs::detail {

State::State(runtime::Door& door) : door(&door) { door.add(*this); }

State::State(Ref<Box> value) : value(runtime::to_value(std::move(value))) {}

State::~State() {
  if (door != nullptr) door->remove(*this);
}

void State::add_share() {
  retain();
  ++shares;
}

void State::drop_share() {
  if (--shares == 0) {
    value = window::Value();
    origin = Handle();
  }
  release();
}

void State::end() {
  door = nullptr;
  ended = true;
  value = window::Value();
  origin = Handle();
}

const window::Value& State::content() const {
  const window::Value* found = &value;
  while (found->is_pending() && found->cell()->filled()) found = &found->cell()->content();
  return *found;
}

Handle::Handle(State* state) : state_(state) {
  if (state_ != nullptr) state_->add_share();
}

Handle::~Handle() {
  if (state_ != nullptr) state_->drop_share();
}

}  // namespace xcs::detail
