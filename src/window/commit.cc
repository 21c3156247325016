// Issue and commit: what waits in the window is done as soon as it may be, and in order where order matters.
#include <algorithm>
#include <stdexcept>

#include "window/machine.h"
#include "window/native.h"
#include "window/path.h"

namespace xcs::window {

Machine::Machine(Host& host, Executor& executor, const Options& options)
    : host_(host), executor_(executor), options_(options), memory_(host) {}

Machine::~Machine() {
  abandon();
  host_.set_handled(Value());
  executor_.drain();
}

void Machine::begin(Enter enter) {
  root_ = make_activation(nullptr, 0, std::move(enter));
  enqueue(*root_);
}

void Machine::abandon() {
  if (root_ == nullptr) return;
  std::vector<Ticket> tickets;
  for (const auto& [ticket, entry] : in_flight_) tickets.push_back(ticket);
  std::ranges::sort(tickets);
  in_flight_.clear();
  executor_.cancel_all(tickets);
  discard(*root_);
  free(std::exchange(root_, nullptr));
}

Outcome Machine::take() {
  if (interrupt_.bound()) outcome_ = {true, std::exchange(interrupt_, Value())};
  outcome_.value.settle();
  abandon();
  host_.set_handled(Value());
  executor_.drain();
  return std::move(outcome_);
}

// Note [what is ready]
// What has become ready is gone on with in program order. An entry that waits for memory does not say what it
// may do once it is attempted, and a call whose callee was waited for may enter a function that stores: what
// comes later and was woken at the same time must find it in its new state.

void Machine::dequeue(Item& item) {
  if (std::exchange(item.queued, false)) ready_.erase(&item);
}

void Machine::enqueue(Item& item) {
  if (item.queued || item.done) return;
  item.queued = true;
  ready_.insert(&item);
}

bool Machine::step() {
  if (move() == Stop::kWaits) deliver(executor_.wait());
  return complete_ = complete_ || root_->done;
}

Stop Machine::advance() {
  deliver(executor_.poll());
  std::optional<Stop> stop;
  while (!stop) stop = move();
  return *stop;
}

Stop Machine::run_on() {
  std::optional<Stop> stop;
  while (!stop || stop == Stop::kWaits) {
    if (stop) deliver(executor_.wait());
    stop = move();
  }
  if (stop == Stop::kYields) executor_.drain();
  return *stop;
}

// Does the first of these that there is to do, or says why there is nothing: what has become ready, failures
// that can be handled, commits.
std::optional<Stop> Machine::move() {
  complete_ = complete_ || root_->done;
  if (complete_) return Stop::kComplete;
  if (yielding_ != nullptr) return Stop::kYields;
  if (!arrived_.empty()) {
    deliver(std::exchange(arrived_, {}));
  } else if (!ready_.empty()) {
    Item* item = *ready_.begin();
    ready_.erase(ready_.begin());
    item->queued = false;
    if (item->is_frame) {
      fetch(static_cast<Frame*>(item));
    } else {
      retry(static_cast<Entry&>(*item));
    }
  } else if (handle_failures() || decide() || commit()) {
  } else if (!stalled_.empty() && live_ < options_.window) {
    Frame* frame = stalled_.back();
    stalled_.pop_back();
    fetch(frame);
  } else if (!in_flight_.empty() || !unstarted_.empty()) {
    start_waiting();  // what was cancelled has left room
    return Stop::kWaits;
  } else if (!complete_) {
    stuck();
  }
  return std::nullopt;
}

Frame* Machine::advance_native(Frame&) { throw std::logic_error("this machine has no native frames"); }

void Machine::stuck() { throw std::logic_error("the window has nothing to wait for and is not complete"); }

// Retries what everything has become complete before. Returns whether anything was done.
bool Machine::commit() {
  Frame* frame = root_;
  Chain before;  // what led to everything that is complete
  while (true) {
    trim(*frame);
    before = longest(before, frame->dropped);
    if (frame->items.empty()) {
      const bool stalled = std::erase(stalled_, frame) != 0;
      if (frame->state != Frame::kBlocked || (!frame->wants_turn && !stalled)) return false;
      frame->chain = after(frame->chain, before);
      frame->wants_turn = false;
      fetch(frame);
      return true;
    }
    Item* item = frame->items.front();
    if (item->is_frame) {
      frame = static_cast<Frame*>(item);
      continue;
    }
    auto& entry = static_cast<Entry&>(*item);
    if (entry.state == Entry::kFailed || entry.state == Entry::kIssued) return false;
    entry.turn = before;
    entry.stop_waiting();
    ++waits_.site(entry.program, entry.node).in_order;
    retry(entry);
    return true;
  }
}

// Drops what is done from the front.
void Machine::trim(Frame& frame) {
  while (!frame.items.empty() && frame.items.front()->done) {
    Item* item = frame.items.front();
    frame.items.pop_front();
    frame.dropped = longest(frame.dropped, item->deep_chain);
    free(item);
  }
}

bool Machine::is_oldest(Place place) {
  if (live_ == 0) return true;
  Frame* frame = place.frame;
  std::uint64_t sequence = place.sequence;
  while (frame != nullptr) {
    trim(*frame);
    if (!frame->items.empty() && frame->items.front()->sequence < sequence) return false;
    sequence = frame->sequence;
    frame = frame->parent;
  }
  return true;
}

// Loads that its effect as it was stood in the way of may find it one that can be replayed.
void Machine::announce(Entry& entry, Effect effect) {
  if (effect.memory < entry.effect.memory) entry.wake_followers();
  memory_.remove(entry);
  entry.effect = std::move(effect);
  Item* const blocker = blocker_;  // describing what is stored asks about other memory
  for (Effect::Store& store : entry.effect.stores) {
    store.target.settle();
    if (store.known != nullptr || !(store.target.is_pending() || memory_.is_late(store.target))) continue;
    store.known = stored_known(entry, store, *this);
    if (store.known == nullptr && (memory_.stored_flags(entry.node, entry.operands) & kData) != 0)
      store.known = known_data();
  }
  blocker_ = blocker;
  memory_.add(entry);
}

void Machine::dispatch(Entry& entry, Action action) {
  if (action.verdict == Action::kIssue) {
    announce(entry, std::move(action.effect));
    issue(entry, std::move(action.call), action.in_turn);
    return;
  }
  if (quiet()) throw std::logic_error("the host did not run the oldest node");
  narrow(action, entry.program, entry.node, entry.operands, {entry.parent, entry.sequence});
  note_entry_wait(entry, action);
  announce(entry, std::move(action.effect));
  entry.state = action.verdict == Action::kOrdered ? Entry::kOrdered : Entry::kWaiting;
  if (action.verdict == Action::kOrdered && action.sure && !entry.safe) mark_safe(entry);
  switch (action.verdict) {
    case Action::kOperand:
      entry.wait_for(entry.operands[action.operand]);
      break;
    case Action::kElement:
      entry.wait_for(action.value);
      break;
    case Action::kBlocked:
      if (blocker_ != nullptr) entry.wait_for(blocker_);
      break;
    default:
      break;
  }
}

void Machine::retry(Entry& entry) {
  for (Value& operand : entry.operands) operand.settle();
  entry.chain = chain_of(entry.operands, entry.chain);
  if (const auto slot = first_unbound(entry.node, entry.operands)) {
    stand_at({entry.parent, entry.sequence}, entry.handled);
    fail(entry, host_.unbound_error(entry.program, *slot, entry.node));
    return;
  }
  const bool ends = entry.node.op == ir::Op::kUnbind && entry.node.args.empty();
  const bool variable = !ends && (entry.node.op == ir::Op::kMove || entry.node.op == ir::Op::kUnbind);
  if (variable) {
    if (entry.operands[0].is_pending() && (entry.operands[0].flags() & kMaybeUnbound) != 0) {
      entry.wait_for(entry.operands[0]);
      return;
    }
    complete(entry, entry.operands[0], {});
    return;
  }
  if (ends || entry.node.op == ir::Op::kLoop) {  // a value, or an iterator, that is dropped here
    stand_at({entry.parent, entry.sequence}, entry.handled);
    if (!quiet()) return;
    entry.operands.clear();
    complete(entry, Value(), {});
    return;
  }
  Action action =
      attempt(entry.program, entry.node, entry.operands, {entry.parent, entry.sequence}, entry.handled);
  if (action.ran_code) note_ran_whole(*entry.parent, {entry.parent, entry.sequence}, entry.operands, action);
  if (action.verdict != Action::kDone) entry.chain = after(entry.chain, entry.turn);
  switch (action.verdict) {
    case Action::kDone:
      entry.chain = chain_of(entry.program, entry.node, entry.operands, action, entry.chain);
      complete(entry, std::move(action.value), std::move(action.values));
      return;
    case Action::kRaised:
      if (entry.node.op == ir::Op::kStatement && entry.snapshot) {
        auto env = std::make_shared<Env>(*entry.snapshot);
        assign_outputs(*env, entry.program.statements[entry.node.index], action);
        entry.snapshot = std::move(env);
      }
      fail(entry, std::move(action.value));
      return;
    case Action::kEnter:
      become_frame(entry, std::move(action.enter));
      return;
    default:
      dispatch(entry, std::move(action));
      return;
  }
}

// The call turned out to enter a function of the user's, whose frame takes the entry's place.
void Machine::become_frame(Entry& entry, Enter enter) {
  Frame& parent = *entry.parent;
  if (Value error = too_deep({&parent, entry.sequence}, entry.node, entry.handled); error.bound()) {
    waits_.begin(
        waits_.own(entry.program, entry.node, static_cast<ReasonCode>(explain::Reason::kRecursionLimit)));
    fail(entry, std::move(error));
    return;
  }
  Frame* frame = make_activation(&parent, entry.sequence, std::move(enter));
  frame->node = &entry.node;
  frame->calls = parent.calls + 1;
  frame->chain = entry.chain;
  frame->handled = entry.handled;
  frame->snapshot = entry.snapshot;
  frame->passed = true;
  ++counters_.frames;
  frame->result = entry.results.empty() ? Value() : entry.results[0];
  parent.items.replace(frame);
  end_wait(entry);
  memory_.remove(entry);
  entry.done = true;
  std::vector<Item*> followers = std::exchange(entry.followers, {});
  delete &entry;  // its count among the live ones passes to the frame
  // Fetching may fail and discard the followers, so they are put into the queue, which forgets them then,
  // before it.
  for (Item* follower : followers) follower->wake();
  fetch(frame);
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): `value` may be one of the operands, which go meanwhile
void Machine::complete(Entry& entry, Value value, std::vector<Value> values) {
  memory_.remove(entry);
  if (entry.effect.memory != Effect::kAnything)
    for (Effect::Store& store : entry.effect.stores) {
      store.target.settle();
      // Whoever finds it there did not wait for its turn.
      note_contents(store.target, entry.chain);
      for (const Value& v : entry.operands) note_contents(v, v.chain);
    }
  entry.chain = after(entry.chain, entry.turn);
  entry.deep_chain = longest(entry.deep_chain, entry.chain);
  end_wait(entry);
  std::vector<Value> results = std::move(entry.results);
  // The entry may stand in the window for long; what it used is not kept, unless its end runs code, which
  // comes after everything before it.
  std::vector<Value> operands = std::move(entry.operands);
  entry.operands.clear();
  for (Value& v : operands)
    if (v.ready() && host_.drop_runs_code(v, 1) && !is_oldest({entry.parent, entry.sequence}))
      entry.operands.push_back(std::move(v));
  const std::shared_ptr<Env> snapshot = std::move(entry.snapshot);
  const Chain chain = entry.chain;
  note_made(entry.program, entry.node, value);
  mark_done(entry);
  for (std::size_t i = 0; i < results.size(); ++i) {
    Value content = values.empty() ? value : std::move(values[i]);
    content.chain = longest(content.chain, chain);
    fill(results[i], std::move(content), entry);
  }
}

void Machine::fail(Entry& entry, Value exception) {
  memory_.remove(entry);
  end_wait(entry);
  entry.state = Entry::kFailed;
  entry.exception = std::move(exception);
  failed_.push_back(&entry);
}

// Note [safe items]
// An effect that cannot fail only waits for its turn. What follows a try statement need not wait for that:
// once everything in its body is done or safe, no handler will be entered. Should such an effect fail all the
// same (a print to a closed pipe), its exception passes by the handlers that have been decided against.
void Machine::mark_safe(Item& item) {
  if (item.safe) return;
  item.safe = true;
  if (item.is_frame)
    if (Frame* watcher = std::exchange(static_cast<Frame&>(item).watcher, nullptr)) {
      watcher->chain = longest(watcher->chain, longest(item.chain, item.deep_chain));
      watcher->wake();
    }
  Frame* parent = item.parent;
  if (parent == nullptr) return;
  --parent->unsafe;
  if (parent->state == Frame::kFetched && parent->unsafe == 0) mark_safe(*parent);
}

void Machine::mark_done(Item& item) {
  mark_safe(item);
  item.done = true;
  item.wake_followers();
  if (item.is_frame) {
    auto& frame = static_cast<Frame&>(item);
    frame.deep_chain = longest(frame.deep_chain, frame.chain);
    if (frame.passed) --live_;
  } else {
    --live_;
  }
  Frame* parent = item.parent;
  if (parent == nullptr) return;
  parent->deep_chain = longest(parent->deep_chain, item.deep_chain);
  --parent->unfinished;
  if (parent->state == Frame::kFetched && parent->unfinished == 0) mark_done(*parent);
}

void Machine::issue(Entry& entry, std::unique_ptr<Call> call, bool in_turn) {
  entry.state = Entry::kIssued;
  end_wait(entry);
  if (!in_turn) {
    ++entry.chain.calls;
    counters_.rounds = std::max(counters_.rounds, entry.chain.calls);
    ++counters_.calls;
    note_issue(entry);
    Site& s = waits_.site(entry.program, entry.node);
    ++s.issued;
    if (!in_flight_.empty()) ++s.early;
    if (Frame* guess = guess_before({entry.parent, entry.sequence}); guess != nullptr) {
      ++counters_.speculated;
      ++guess->speculated;
    }
    if (options_.paths) call->path = path_of(entry);
  }
  entry.call = std::move(call);
  if (in_flight_.size() < options_.max_in_flight) {
    start(entry);
  } else {
    entry.line = ++last_line_;
    unstarted_.emplace_hint(unstarted_.end(), entry.line, &entry);
    note_limit(entry, explain::Reason::kInFlightLimit);
  }
}

void Machine::start(Entry& entry) {
  end_wait(entry);
  entry.ticket = ++last_ticket_;
  entry.started_ns = now_ns();
  in_flight_[entry.ticket] = &entry;
  counters_.most_in_flight =
      std::max(counters_.most_in_flight, static_cast<std::uint32_t>(in_flight_.size()));
  executor_.start(entry.ticket, std::move(entry.call));
}

void Machine::start_waiting() {
  while (!unstarted_.empty() && in_flight_.size() < options_.max_in_flight) {
    Entry* entry = unstarted_.begin()->second;
    unstarted_.erase(unstarted_.begin());
    start(*entry);
  }
}

bool Machine::deliver(std::vector<Completion> completions) {
  for (Completion& completion : completions) {
    if (completion.ticket == 0) {
      interrupt(std::move(completion.value));
      continue;
    }
    auto found = in_flight_.find(completion.ticket);
    if (found == in_flight_.end()) continue;
    Entry& entry = *found->second;
    in_flight_.erase(found);
    const std::uint64_t took =
        completion.nanoseconds != 0 ? completion.nanoseconds : now_ns() - entry.started_ns;
    entry.chain.microseconds += static_cast<std::uint32_t>(took / 1000);
    counters_.critical_path_ns =
        std::max<std::uint64_t>(counters_.critical_path_ns, entry.chain.microseconds * 1000ULL);
    if (completion.raised) {
      host_.call_raised(entry.program, entry.node, completion.value);
      fail(entry, std::move(completion.value));
    } else {
      complete(entry, std::move(completion.value), {});
    }
  }
  start_waiting();
  return !completions.empty();
}

Ticket Machine::oldest() const {
  const Entry* oldest = nullptr;
  for (const auto& [ticket, entry] : in_flight_)
    if (oldest == nullptr || before(*entry, Place{oldest->parent, oldest->sequence})) oldest = entry;
  return oldest == nullptr ? 0 : oldest->ticket;
}

// Sequential execution would be in the oldest call: that is where the interrupt arrives.
void Machine::interrupt(Value exception) {
  const auto found = in_flight_.find(oldest());
  if (found == in_flight_.end()) {
    interrupt_ = std::move(exception);
    return;
  }
  Entry& entry = *found->second;
  executor_.cancel(entry.ticket);
  in_flight_.erase(found);
  fail(entry, std::move(exception));
}

bool Machine::handle_failures() {
  for (Entry* entry : failed_) {
    Frame* handler = handle(*entry);
    if (complete_) return true;
    if (handler == nullptr) {
      note_order(*entry, entry->program, entry->node, explain::Reason::kExceptionOrder);
      continue;
    }
    fetch(handler);
    return true;
  }
  return false;
}

// Nothing in `frame` from `entry` on, which is in it, ever happened. What comes before and waits for its turn
// stays.
void Machine::discard_after(Frame& frame, Entry& entry) {
  Frame* holder = entry.parent;
  const std::uint64_t sequence = entry.sequence;
  while (holder->items.back()->sequence >= sequence) {
    discard_last(*holder);
    if (holder->items.empty()) break;
  }
  while (holder != &frame) {
    Frame& parent = *holder->parent;
    while (parent.items.back() != holder) discard_last(parent);
    close(*holder);
    holder = &parent;
  }
}

void Machine::discard_last(Frame& frame) {
  Item* item = frame.items.back();
  const bool done = item->done;
  const bool safe = item->safe;
  discard(*item);
  if (!done) --frame.unfinished;
  if (!safe) --frame.unsafe;
  frame.items.pop_back();
  free(item);
}

// Control has left the frame by an exception; what it still holds only waits for its turn.
void Machine::close(Frame& frame) {
  dequeue(frame);
  frame.stop_waiting();
  memory_.remove(frame);
  std::erase(stalled_, &frame);
  if (frame.guess) close_guess(frame, true);
  frame.child = nullptr;
  frame.env.clear();
  frame.outputs.clear();
  frame.producer.reset();
  frame.state = Frame::kFetched;
  frame.wake_followers();
  if (frame.unfinished == 0) {
    discard_last(*frame.parent);
  } else if (!frame.safe) {
    mark_safe(frame);
  }
}

void Machine::discard(Item& item) {
  dequeue(item);
  end_wait(item);
  item.stop_waiting();
  if (item.is_frame) {
    auto& frame = static_cast<Frame&>(item);
    for (Item* i : frame.items.all()) discard(*i);
    if (frame.code != nullptr) std::exchange(frame.code, nullptr)->discard();
    memory_.remove(frame);
    std::erase(stalled_, &frame);
    if (frame.guess) close_guess(frame, true);
    if (frame.passed && !frame.done) --live_;
  } else if (!item.done) {
    auto& entry = static_cast<Entry&>(item);
    memory_.remove(entry);
    --live_;
    if (entry.state == Entry::kFailed) std::erase(failed_, &entry);
    if (entry.state == Entry::kIssued) {
      ++counters_.cancelled;
      if (entry.call != nullptr) {
        unstarted_.erase(entry.line);
      } else if (in_flight_.erase(entry.ticket) != 0) {
        executor_.cancel(entry.ticket);
      }
    }
  }
  item.done = true;
  item.wake_followers();
}

void Machine::free(Item* item) {
  if (item->is_frame) {
    auto* frame = static_cast<Frame*>(item);
    while (!frame->items.empty()) {
      Item* child = frame->items.back();
      frame->items.pop_back();
      free(child);
    }
    memory_.forget_places_in(*frame);
  }
  delete item;
}

}  // namespace xcs::window
