#include "window/native.h"

#include <algorithm>
#include <utility>

namespace xcs::window {

namespace {

// All that native code does looks like this node to the host: the operands say what it is.
const ir::Program& native_program() {
  static const ir::Program program = [] {
    ir::Program p;
    p.regions.resize(1);
    p.regions[0].nodes.push_back({.op = ir::Op::kCall});
    return p;
  }();
  return program;
}

const ir::Node& native_node() { return native_program().regions[0].nodes[0]; }

}  // namespace

NativeMachine::NativeMachine(NativeHost& host, Executor& executor, const Options& options)
    : Machine(host, executor, options), native_host_(host) {}

void NativeMachine::begin(NativeCode& code) {
  root_ = new Frame(*this, nullptr, 0, Frame::kActivation, native_program());
  root_->native = true;
  root_->code = &code;
  enqueue(*root_);
}

Frame& NativeMachine::enter(NativeCode& code) {
  Frame& parent = *running_;
  auto* frame = new Frame(*this, &parent, parent.next_sequence++, Frame::kActivation, native_program());
  frame->native = true;
  frame->on_stack = true;
  frame->code = &code;
  frame->chain = parent.chain;
  frame->result = Value::pending(new Cell(kUnknown));
  frame->result.chain = frame->chain;
  parent.items.push_back(frame);
  ++parent.unfinished;
  ++parent.unsafe;
  running_ = frame;
  return *frame;
}

bool NativeMachine::full() { return live_ >= options_.window && !is_oldest(running_->end()); }

void NativeMachine::defer() {
  Frame& frame = *running_;
  frame.state = Frame::kBlocked;
  frame.wants_turn = true;
  frame.deferred = true;
  deferred_.push_back(&frame);
  leave(frame);
}

void NativeMachine::wait(const Value& pending) {
  Frame& frame = *running_;
  frame.state = Frame::kBlocked;
  frame.wait_for(pending);
  pass_native(frame);
  leave(frame);
}

void NativeMachine::pass_native(Frame& frame) {
  if (frame.passed) return;
  frame.passed = true;
  ++live_;
  ++counters_.frames;
}

void NativeMachine::depend_on(const Value& value) { running_->chain = longest(running_->chain, value.chain); }

// Control goes back to the code that entered the frame, or to the machine that resumed it.
void NativeMachine::leave(Frame& frame) {
  running_ = std::exchange(frame.on_stack, false) ? frame.parent : nullptr;
}

void NativeMachine::finish(Value result) {
  Frame& frame = *running_;
  const bool entered = frame.on_stack;
  leave(frame);
  frame.code = nullptr;
  frame.state = Frame::kFetched;
  result.chain = longest(result.chain, frame.chain);
  if (frame.parent == nullptr) {
    outcome_.value = std::move(result);
  } else {
    frame.result.cell()->fill(std::move(result));
  }
  if (frame.unfinished != 0) return;
  mark_done(frame);
  if (!entered) return;
  frame.parent->items.pop_back();  // nothing came after it: its parent's code did not run
  free(&frame);
}

void NativeMachine::finish_failed(Value failure) {
  Frame& frame = *running_;
  leave(frame);
  frame.code = nullptr;
  frame.state = Frame::kFetched;
  operands_.clear();
  Entry& entry = add_entry(frame, native_node());
  if (frame.parent != nullptr) entry.results.push_back(frame.result);
  fail(entry, std::move(failure));
}

Value NativeMachine::call(std::vector<Value> operands) {
  Frame& frame = *running_;
  operands_ = std::move(operands);
  Chain chain = frame.chain;
  for (Value& operand : operands_) {
    operand.settle();
    chain = longest(chain, operand.chain);
  }
  Action action = attempt(frame.program, native_node(), operands_, frame.end(), Value());
  if (action.verdict == Action::kDone) {
    action.value.chain = longest(action.value.chain, chain);
    return std::move(action.value);
  }
  Entry& entry = add_entry(frame, native_node());
  Value result = Value::pending(new Cell(kUnknown));
  result.chain = entry.chain;
  entry.results.push_back(result);
  if (action.verdict == Action::kRaised) {
    fail(entry, std::move(action.value));
  } else {
    dispatch(entry, std::move(action));
  }
  return result;
}

void NativeMachine::wait_for_calls() {
  while (!in_flight_.empty()) deliver(executor_.wait());
}

void NativeMachine::handled(const Value& failure) {
  auto found = failures_.find(failure.object());
  if (found == failures_.end()) return;
  Entry& entry = *found->second;
  failures_.erase(found);
  mark_done(entry);
}

Frame* NativeMachine::advance_native(Frame& frame) {
  frame.state = Frame::kRunning;
  frame.wants_turn = false;
  if (std::exchange(frame.deferred, false)) deferred_.erase(std::ranges::find(deferred_, &frame));
  running_ = &frame;
  frame.code->resume();
  running_ = nullptr;
  return nullptr;
}

void NativeMachine::fail(Entry& entry, Value failure) {
  entry.state = Entry::kFailed;
  entry.chain = longest(entry.chain, entry.parent->chain);
  entry.operands.clear();
  failures_[failure.object()] = &entry;
  entry.exception = failure;
  failure.chain = longest(failure.chain, entry.chain);
  for (const Value& result : std::exchange(entry.results, {})) result.cell()->fill(failure);
}

// Ends the run at a failure that has become certain, and lets frames begin that had no room.
bool NativeMachine::decide() {
  if (!failures_.empty()) {
    Entry* entry = oldest_entry();
    if (entry != nullptr && entry->state == Entry::kFailed &&
        !native_host_.may_be_handled(entry->exception)) {
      end_with(entry->exception);
      return true;
    }
  }
  return begin_deferred();
}

bool NativeMachine::begin_deferred() {
  if (deferred_.empty() || live_ >= options_.window) return false;
  fetch(deferred_.front());
  return true;
}

// A frame without room may be the one that handles the failure that everything else waits for.
void NativeMachine::stuck() {
  if (!deferred_.empty()) {
    fetch(deferred_.front());
    return;
  }
  Entry* entry = oldest_entry();
  end_with(entry != nullptr && entry->state == Entry::kFailed ? entry->exception : native_host_.deadlock());
}

Entry* NativeMachine::oldest_entry() {
  Item* item = root_;
  while (item->is_frame) {
    auto& frame = static_cast<Frame&>(*item);
    trim(frame);
    if (frame.items.empty()) return nullptr;
    item = frame.items.front();
  }
  return static_cast<Entry*>(item);
}

void NativeMachine::end_with(const Value& failure) {
  outcome_ = {true, failure};
  complete_ = true;
}

}  // namespace xcs::window
