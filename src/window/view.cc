// What the machine, as the host's view, answers of memory at the place of the node that is being attempted.
#include "window/machine.h"

namespace xcs::window {

bool Machine::quiet() {
  if (quiet_ < 0) quiet_ = is_oldest(place_) ? 1 : 0;
  return quiet_ == 1;
}

View::State Machine::look(Object* object, Where where) {
  if (memory_.empty()) return State::kClear;
  answer_ = memory_.look(object, where, place_, options_.forward, open_guesses_ != 0);
  if (answer_.state == State::kBlocked) blocker_ = answer_.blocker;
  if (answer_.state == State::kPending) {
    ++counters_.forwards;
    for (const PendingStore& store : answer_.stores) seen_ = chain_of(store.operands, seen_);
  }
  return answer_.state;
}

// What the store leaves in its place.
KnownRef Machine::stored_known(const Item& item, const Effect::Store& store, View& view) {
  if (item.is_frame || store.operand == ir::kNone) return store.known;
  Value v = static_cast<const Entry&>(item).operands[store.operand];
  v.settle();
  // What is stored may hold what other stores put there, and in the end itself: xs.extend(xs).
  constexpr int kDeepest = 4;
  constexpr int kMostStores = 64;  // each of them may lead to all the others
  if (stored_depth_ == 0) stored_asked_ = 0;
  if (stored_depth_ == kDeepest || ++stored_asked_ > kMostStores) return nullptr;
  ++stored_depth_;
  KnownRef known;
  if (store.spread) {
    known = host_.describe_items(v, view);
  } else if (v.is_pending()) {
    known = known_of_pending(v);
  } else if (v.ready()) {
    known = host_.describe(v, view);
  }
  --stored_depth_;
  return known;
}

// What all stores that the last look met may have put there.
KnownRef Machine::blocked_known() {
  const MemoryIndex::Answer answer = answer_;  // looking at what is stored makes another one
  Item* blocker = blocker_;
  KnownRef all = answer.hidden ? nullptr : answer.unnamed.value_or(known_nothing());
  for (const auto& [item, store] : answer.met) {
    if (all == nullptr) break;
    all = join(all, stored_known(*item, store, *this));
  }
  answer_ = answer;
  blocker_ = blocker;
  return all;
}

bool Machine::assigns_at_once() {
  return place_.frame->state == Frame::kRunning && place_.sequence == place_.frame->next_sequence;
}

// Note [private objects]
// An object to which nothing refers but variables of the code being fetched cannot be reached by anything
// that comes before this place: a waiting entry, a waiting frame and a call in flight hold references of
// their own to all they can reach. So a store to it may happen at once. No exception from before this place
// can show it either, as long as those variables are gone when the exception is handled: a `try` around the
// code keeps the variables as they were at each entry, which is a reference; a `try` around the call of the
// code keeps the caller's, which therefore do not count.
std::uint32_t Machine::held(Object* object) {
  if (!assigns_at_once()) return 0;
  const Frame* frame = place_.frame;
  std::uint32_t references = 0;
  for (const Frame* f = frame; f != nullptr; f = f->parent) {
    for (const Value& v : f->env) references += v.object() == object ? 1 : 0;
    if (f->passed || (f->kind == Frame::kActivation && f->parent != nullptr && f->parent->keeps_variables()))
      break;
  }
  return references;
}

View::State Machine::look_listed(Object* object) {
  Item* blocker = memory_.listed_before(object, place_);
  if (blocker == nullptr) return State::kClear;
  blocker_ = blocker;
  return State::kBlocked;
}

View::State Machine::look_anywhere() {
  if (memory_.empty()) return State::kClear;
  Item* item = memory_.opaque_before(place_);
  if (item == nullptr) return State::kClear;
  blocker_ = item;
  return State::kBlocked;
}

}  // namespace xcs::window
