#include "runtime/door.h"

#include <exception>
#include <utility>

#include "xcs/errors.h"

namespace xcs::detail {

// A frame that is a coroutine.
class Frame final : public runtime::Door::Code {
 public:
  Frame(std::coroutine_handle<> code, Ref<State> result) : code(code), result(std::move(result)) {}
  void resume() override { code.resume(); }
  void discard() override {
    code.destroy();
    delete this;
  }

  const std::coroutine_handle<> code;
  const Ref<State> result;
};

}  // namespace xcs::detail

namespace xcs::runtime {

namespace {

thread_local Door* current_door = nullptr;

// While it lives, the thread is in the code of `door`.
class Entered {
 public:
  explicit Entered(Door* door) : outer_(std::exchange(current_door, door)) {}
  ~Entered() { current_door = outer_; }
  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;

 private:
  Door* const outer_;
};

window::Value failure_of(const detail::Operation& operation, const std::exception_ptr& exception) {
  auto* state = static_cast<detail::State*>(operation.result.get());
  return to_value(detail::make<Failure>(exception, detail::Ref<detail::State>(state)));
}

window::Action raised(const detail::Operation& operation, const std::exception_ptr& exception) {
  window::Action action;
  action.verdict = window::Action::kRaised;
  action.value = failure_of(operation, exception);
  return action;
}

}  // namespace

window::Completion completion_of(window::Ticket ticket, detail::Operation& operation,
                                 detail::Ref<detail::Box> result, const std::exception_ptr& exception) {
  window::Completion completion;
  completion.ticket = ticket;
  completion.raised = exception != nullptr;
  completion.value = completion.raised ? failure_of(operation, exception) : to_value(std::move(result));
  operation.drop();
  return completion;
}

// The outermost frame: waits for what the body returned.
class Door::Root final : public Door::Code {
 public:
  Root(Door& door, Body body) : door_(door), body_(std::move(body)) {}

  void resume() override {
    try {
      if (body_) result_ = std::exchange(body_, nullptr)();
      if (!door_.is_ready(result_)) return door_.wait(result_);
      door_.look(result_);
      window::Value value = door_.owned(result_).content();
      result_ = {};
      door_.machine_.finish(std::move(value));
    } catch (...) {
      result_ = {};
      door_.fail(nullptr, *this, std::current_exception());
    }
  }
  void discard() override { result_ = {}; }

 private:
  Door& door_;
  Body body_;
  detail::Handle result_;
};

Door::Door(window::Executor& executor, const DoorOptions& options)
    : options_(options), machine_(*this, executor, options.window) {}

Door::~Door() { end(); }

Door& Door::current() {
  if (current_door == nullptr)
    throw UsageError(
        "outside a run: calls and values belong to the function that Runtime::run called, on its thread");
  return *current_door;
}

void Door::begin(Body body) {
  root_ = std::make_unique<Root>(*this, std::move(body));
  machine_.begin(*root_);
}

bool Door::step() {
  const Entered entered(this);
  return machine_.step();
}

detail::Ref<detail::Box> Door::take() {
  window::Outcome outcome = [&] {
    const Entered entered(this);
    return machine_.take();
  }();
  end();
  detail::Box& box = box_of(outcome.value);
  if (const std::exception_ptr* exception = box.failure()) std::rethrow_exception(*exception);
  return detail::Ref<detail::Box>(&box);
}

// Values that the program still holds cannot be used any more.
void Door::end() {
  const Entered entered(this);
  static_cast<void>(machine_.take());
  for (detail::State* state = std::exchange(states_, nullptr); state != nullptr;) {
    detail::State* next = state->next;
    state->end();
    state = next;
  }
}

void Door::add(detail::State& state) {
  state.next = states_;
  if (states_ != nullptr) states_->previous = &state;
  states_ = &state;
}

void Door::remove(detail::State& state) {
  (state.previous != nullptr ? state.previous->next : states_) = state.next;
  if (state.next != nullptr) state.next->previous = state.previous;
}

Door::Code& Door::running() {
  if (evaluating_) throw UsageError("inside the callable of an op: it must not use Values or make calls");
  if (machine_.running() == nullptr) throw UsageError("between frames: a destructor must not make calls");
  return static_cast<Code&>(*machine_.running()->code);
}

detail::State& Door::owned(const detail::Handle& handle) const {
  detail::State* state = handle.get();
  if (state == nullptr) throw UsageError("a Value that has been moved from");
  if (state->ended) throw UsageError("a Value that has outlived its run");
  if (state->door != nullptr && state->door != this) throw UsageError("a Value of another run");
  return *state;
}

// Code that goes on after it has met a failure has handled it, unless it goes on only to clean up.
void Door::settle_met(Code& code) {
  if (!code.met || std::uncaught_exceptions() > code.unwinding) return;
  const detail::Handle met = std::exchange(code.met, {});
  for (const detail::Handle* h = &met; *h; h = &h->get()->origin) machine_.handled(h->get()->content());
}

detail::Handle Door::call(const detail::Ref<detail::Operation>& operation,
                          std::span<const detail::Handle* const> operands) {
  settle_met(running());
  std::vector<window::Value> values;
  values.reserve(operands.size() + 1);
  values.push_back(to_value(operation));
  for (const detail::Handle* handle : operands) values.push_back(owned(*handle).content());
  detail::Handle result(new detail::State(*this));
  operation->result = detail::Ref<detail::Box>(result.get());
  result.get()->value = machine_.call(std::move(values));
  if (options_.sequential) machine_.wait_for_calls();
  return result;
}

window::Action Door::attempt(const ir::Program&, const ir::Node&, std::span<const window::Value> operands,
                             window::View& view) {
  auto& operation = static_cast<detail::Operation&>(box_of(operands[0]));
  window::Action action;
  for (std::uint32_t i = 1; i < operands.size(); ++i) {
    if (operands[i].is_pending()) {
      if (view.quiet())
        return raised(operation,
                      std::make_exception_ptr(UsageError("an argument that is made after its use")));
      action.verdict = window::Action::kOperand;
      action.operand = i;
      return action;
    }
    if (const std::exception_ptr* exception = box_of(operands[i]).failure()) {
      auto& result = static_cast<detail::State&>(*operation.result);
      if (result.shares != 0) result.origin = static_cast<Failure&>(box_of(operands[i])).share();
      operation.drop();
      return raised(operation, *exception);
    }
  }
  switch (operation.effect) {
    case Effect::kPure:
      return evaluate(operation);
    case Effect::kOrdered:
      if (view.quiet()) return evaluate(operation);
      action.verdict = window::Action::kOrdered;
      return action;
    case Effect::kIndependent:
      action.verdict = window::Action::kIssue;
      action.call = std::make_unique<IndependentCall>(detail::Ref<detail::Operation>(&operation));
      return action;
  }
  std::unreachable();
}

window::Action Door::evaluate(detail::Operation& operation) {
  window::Action action;
  evaluating_ = true;
  try {
    action.value = to_value(operation.run());
  } catch (...) {
    action = raised(operation, std::current_exception());
  }
  evaluating_ = false;
  operation.drop();
  return action;
}

bool Door::may_be_handled(const window::Value& failure) {
  return bool(static_cast<Failure&>(box_of(failure)).share());
}

window::Value Door::deadlock() {
  const UsageError error("frames wait for values that are made after them in program order");
  return to_value(detail::make<Failure>(std::make_exception_ptr(error), detail::Ref<detail::State>()));
}

bool Door::is_ready(const detail::Handle& handle) {
  settle_met(running());
  return owned(handle).content().ready();
}

void Door::wait(const detail::Handle& handle) { machine_.wait(owned(handle).content()); }

detail::Box& Door::look(const detail::Handle& handle) {
  Code& code = running();
  const window::Value& value = owned(handle).content();
  machine_.depend_on(value);
  detail::Box& box = box_of(value);
  if (const std::exception_ptr* exception = box.failure()) {
    code.met = handle;
    code.unwinding = std::uncaught_exceptions();
    std::rethrow_exception(*exception);
  }
  return box;
}

detail::Entered Door::enter(std::coroutine_handle<> code) {
  settle_met(running());
  detail::Handle result(new detail::State(*this));
  auto frame = std::make_unique<detail::Frame>(code, detail::Ref<detail::State>(result.get()));
  result.get()->value = machine_.enter(*frame).result;
  return {frame.release(), std::move(result)};
}

bool Door::defer() {
  if (!machine_.full()) return false;
  machine_.defer();
  return true;
}

void Door::finish(detail::Frame& frame, detail::Ref<detail::Box> result, std::exception_ptr exception) {
  const std::unique_ptr<detail::Frame> owner(&frame);
  if (exception == nullptr) {
    settle_met(frame);
    machine_.finish(to_value(std::move(result)));
  } else {
    fail(frame.result.get(), frame, exception);
  }
  frame.code.destroy();
}

// The code ended with an exception, perhaps one that it met. The root has no result.
void Door::fail(detail::State* result, Code& code, const std::exception_ptr& exception) {
  if (code.met && *box_of(code.met.get()->content()).failure() == exception) {
    if (result != nullptr && result->shares != 0) result->origin = std::exchange(code.met, {});
    code.met = {};
  } else {
    settle_met(code);
  }
  machine_.finish_failed(to_value(detail::make<Failure>(exception, detail::Ref<detail::State>(result))));
}

}  // namespace xcs::runtime

namespace xcs::detail {

Handle ready(Ref<Box> value) { return Handle(new State(std::move(value))); }

Handle call(const Ref<Operation>& operation, std::span<const Handle* const> operands) {
  return runtime::Door::current().call(operation, operands);
}
bool is_ready(const Handle& value) { return runtime::Door::current().is_ready(value); }
void wait(const Handle& value) { runtime::Door::current().wait(value); }
Box& look(const Handle& value) { return runtime::Door::current().look(value); }
bool is_sole(const Handle& value) { return value.get()->shares == 1; }
Box& peek(const Handle& value) { return runtime::box_of(value.get()->content()); }

Entered enter(std::coroutine_handle<> code) { return runtime::Door::current().enter(code); }
bool defer(Frame&) { return runtime::Door::current().defer(); }
void finish(Frame& frame, Ref<Box> result, std::exception_ptr exception) noexcept {
  runtime::Door::current().finish(frame, std::move(result), std::move(exception));
}

}  // namespace xcs::detail
