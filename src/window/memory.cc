#include "window/memory.h"

#include <algorithm>

namespace xcs::window {

namespace {

// Where two places part: the frame that holds both, and which of its items lead to them.
struct Parting {
  const Frame* frame;
  std::uint64_t one, other;
};

Parting part(Place one, Place other) {
  const Frame* a = one.frame;
  const Frame* b = other.frame;
  Parting found{nullptr, one.sequence, other.sequence};
  while (a != b) {
    if (b == nullptr || (a != nullptr && a->depth >= b->depth)) {
      found.one = a->sequence;
      a = a->parent;
    } else {
      found.other = b->sequence;
      b = b->parent;
    }
  }
  found.frame = a;
  return found;
}

// Whether the first place comes before the second, or holds it.
bool earlier_place(Place one, Place other) {
  const Parting at = part(one, other);
  if (at.one != at.other) return at.one < at.other;
  return one.frame == at.frame && other.frame != at.frame;
}

}  // namespace

bool before(const Item& item, Place place) {
  const Parting at = part({item.parent, item.sequence}, place);
  return at.one < at.other;
}

bool earlier(const Item& one, const Item& other) {
  auto depth = [](const Item* i) { return i->parent == nullptr ? 0 : i->parent->depth + 1; };
  const Item* a = &one;
  const Item* b = &other;
  while (a->parent != b->parent) {
    if (depth(a) >= depth(b)) {
      a = a->parent;
    } else {
      b = b->parent;
    }
  }
  return a == b ? depth(&one) > depth(&other) : a->sequence < b->sequence;
}

bool is_passed(const Frame& frame) {
  const Frame* f = &frame;
  while (f != nullptr && !f->passed) f = f->parent;
  return f != nullptr;
}

bool contains(const Frame& frame, const Item& item) {
  const Item* i = &item;
  while (i != nullptr && i != &frame) i = i->parent;
  return i != nullptr;
}

void MemoryIndex::add_store(Item* item, const Effect::Store& store, bool replayable) {
  Value target = store.target;
  target.settle();
  if (target.ready()) {
    places_[target.object()].push_back({item, store.where, replayable, store.stored, store});
    if (is_late(target)) unlisted_.described.add(store);
  } else if (target.is_pending()) {
    unresolved_.push_back({item, store, replayable});
    unlisted_.unnamed.add(store);
  }
}

void MemoryIndex::add(Entry& entry) {
  if (entry.indexed || entry.effect.memory == Effect::kNone) return;
  entry.indexed = true;
  if (entry.effect.memory == Effect::kAnything) {
    anything_.push_back(&entry);
    return;
  }
  const Flags stored = stored_flags(entry.node, entry.operands);
  for (Effect::Store& store : entry.effect.stores) {
    store.stored = stored;
    add_store(&entry, store, entry.effect.memory == Effect::kStores);
  }
}

void MemoryIndex::remove(Entry& entry) {
  if (!entry.indexed) return;
  entry.indexed = false;
  if (entry.effect.memory == Effect::kAnything) {
    std::erase(anything_, &entry);
    return;
  }
  remove_item(&entry, entry.effect.stores);
}

void MemoryIndex::add(Frame& frame, Footprint footprint) {
  frame.indexed = true;
  if (footprint.anything) {
    anything_.push_back(&frame);
    return;
  }
  for (const Effect::Store& store : footprint.places) add_store(&frame, store, false);
  unlisted_.described.add(footprint.described);
  footprints_[&frame] = std::move(footprint);
}

void MemoryIndex::remove(Frame& frame) {
  if (!frame.indexed) return;
  frame.indexed = false;
  if (auto found = footprints_.find(&frame); found != footprints_.end()) {
    remove_item(&frame, found->second.places);
    footprints_.erase(found);
  } else {
    std::erase(anything_, &frame);
  }
}

void MemoryIndex::remove_item(const Item* item, const std::vector<Effect::Store>& stores) {
  for (const Effect::Store& store : stores) {
    Value target = store.target;
    target.settle();
    if (target.ready()) {
      if (auto found = places_.find(target.object()); found != places_.end()) {
        std::erase_if(found->second, [&](const Hit& hit) { return hit.item == item; });
        if (found->second.empty()) places_.erase(found);
      }
    }
  }
  if (!unresolved_.empty()) std::erase_if(unresolved_, [&](const Unresolved& u) { return u.item == item; });
}

// Note [unresolved targets]
// A store whose target is not there yet is moved into the index by object as soon as the target is. One that
// is still pending cannot meet an object at hand if its target will be fresh: that object does not exist yet,
// unless it is what the target's lineage has come to. Otherwise it may be any object that what is known of it
// does not rule out, and loads of that object's place wait.
//
// What is known of a value lists the objects that exist. If it may be something else, that has come into
// being since: it was made by a node that waited, whose cell it filled, or by code that had been passed,
// which has handed it on by a store or a call. Those objects are noted as late.
void MemoryIndex::resolve() {
  for (std::size_t i = 0; i < unresolved_.size();) {
    Unresolved& u = unresolved_[i];
    u.store.target.settle();
    if (u.store.target.is_pending()) {
      ++i;
      continue;
    }
    if (u.store.target.ready())
      places_[u.store.target.object()].push_back(
          {u.item, u.store.where, u.replayable, u.store.stored, u.store});
    unresolved_[i] = std::move(unresolved_.back());
    unresolved_.pop_back();
  }
}

bool MemoryIndex::may_be(const Value& target, Object* object, const Item& item) {
  const auto& lineage = target.cell()->lineage();
  if (lineage != nullptr && lineage->last.object() == object) return true;
  if ((target.flags() & kFresh) != 0) return false;
  switch (host_.may_be(target, object)) {
    case Host::MayBe::kNo:
      return false;
    case Host::MayBe::kLate:
      return all_late_ || may_have_met(object, item);
    default:
      return true;
  }
}

bool MemoryIndex::is_late(const Value& value) const {
  return value.ready() && (all_late_ || late_.contains(value.object()));
}

// Whether a late object was there for what `item` does: it has not shown only in what comes after.
bool MemoryIndex::may_have_met(Object* object, const Item& item) const {
  const auto found = late_.find(object);
  return found != late_.end() && !before(item, found->second);
}

void MemoryIndex::note_late(const Value& value, Place place, bool again) {
  if (all_late_ || !value.ready()) return;
  const auto is_news = [&](const Object* object) {
    const auto found = late_.find(object);
    return found == late_.end() || earlier_place(place, found->second);
  };
  if (!again && !is_news(value.object())) return;
  const auto reached = host_.reached_from(value);
  all_late_ = !reached;
  if (!reached) return;
  std::vector<const Object*>& shown = shown_in_[place.frame];
  for (const Object* object : *reached)
    if (is_news(object)) {
      late_.insert_or_assign(object, place);
      shown.push_back(object);
    }
}

void MemoryIndex::forget_places_in(const Frame& frame) {
  const auto found = shown_in_.find(&frame);
  if (found == shown_in_.end()) return;
  const std::vector<const Object*> shown = std::move(found->second);
  shown_in_.erase(found);
  for (const Object* object : shown) {
    const auto late = late_.find(object);
    if (late == late_.end() || late->second.frame != &frame) continue;
    if (frame.parent == nullptr) {
      late_.erase(late);
      continue;
    }
    late->second = {frame.parent, frame.sequence};
    shown_in_[frame.parent].push_back(object);
  }
}

bool MemoryIndex::overlap(const Where& a, const Where& b) {
  if (a.kind == Where::kAll || b.kind == Where::kAll) return true;
  if (a.kind == Where::kItems) return b.kind != Where::kAttr;
  if (b.kind == Where::kItems) return a.kind != Where::kAttr;
  if (a.kind != b.kind) return false;
  if (a.kind == Where::kAttr) return a.key == b.key;
  if (a.kind == Where::kItem) return a.key == b.key || host_.same_key(a.key, b.key);
  return true;
}

Flags MemoryIndex::stored_flags(const ir::Node& node, std::span<const Value> operands) const {
  std::size_t value = 0;
  switch (node.op) {
    case ir::Op::kStoreGlobal:
      value = 0;
      break;
    case ir::Op::kStoreCell:
    case ir::Op::kStoreAttr:
      value = 1;
      break;
    case ir::Op::kStoreItem:
      value = 2;
      break;
    default:
      return kUnknown;
  }
  if (value >= operands.size()) return kUnknown;
  Value v = operands[value];
  v.settle();
  return v.ready() ? host_.known(v) : v.flags() & (kData | kAtom);
}

Item* MemoryIndex::listed_before(Object* object, Place place) const {
  const auto found = places_.find(object);
  if (found == places_.end()) return nullptr;
  for (const Hit& hit : found->second)
    if (before(*hit.item, place)) return hit.item;
  return nullptr;
}

Item* MemoryIndex::opaque_before(Place place) const {
  for (Item* item : anything_)
    if (before(*item, place)) return item;
  return nullptr;
}

namespace {

// Whether `item` is reached for sure if `place`, which comes after it, is: no guess stands before the one and
// not before the other.
bool is_reached(const Item& item, Place place) {
  for (const Frame* f = item.parent; f != nullptr; f = f->parent)
    for (const Frame* guess : f->guesses)
      if (before(*guess, {item.parent, item.sequence}) && !contains(*f, *place.frame)) return false;
  return true;
}

}  // namespace

constexpr std::size_t kMostListed = 16;  // stores through values that are not there, one by one

MemoryIndex::Answer MemoryIndex::look(Object* object, Where where, Place place, bool forward, bool guesses) {
  Answer answer;
  auto blocked = [&](Item* item) {
    answer.state = View::State::kBlocked;
    answer.blocker = item;
    answer.stores.clear();
    return std::move(answer);
  };
  answer.hidden = true;
  if (Item* item = opaque_before(place)) return blocked(item);
  answer.hidden = false;
  if (!unresolved_.empty()) resolve();
  Item* blocker = nullptr;
  answer.flags = kData | kAtom;
  for (const Unresolved& u : unresolved_) {
    if (!overlap(u.store.where, where) || !before(*u.item, place) || !may_be(u.store.target, object, *u.item))
      continue;
    answer.flags &= u.store.stored;
    if (answer.met.size() < kMostListed) {
      answer.met.emplace_back(u.item, u.store);
    } else if (!answer.unnamed) {
      answer.unnamed = unlisted_.unnamed.of(where);
    }
    if (blocker == nullptr) blocker = u.item;
  }
  auto found = places_.find(object);
  if (found == places_.end()) return blocker != nullptr ? blocked(blocker) : std::move(answer);

  std::vector<const Hit*> met;
  for (const Hit& hit : found->second) {
    if (!overlap(hit.where, where) || !before(*hit.item, place)) continue;
    answer.flags &= hit.stored;
    if (blocker == nullptr && (!hit.replayable || !forward || (guesses && !is_reached(*hit.item, place))))
      blocker = hit.item;
    met.push_back(&hit);
  }
  if (met.empty() && blocker == nullptr) return answer;
  for (const Hit* hit : met) answer.met.emplace_back(hit->item, hit->store);
  if (blocker != nullptr) return blocked(blocker);
  answer.state = View::State::kPending;
  answer.stores = in_order(std::move(met));
  return answer;
}

std::vector<PendingStore> MemoryIndex::in_order(std::vector<const Hit*> hits) {
  std::ranges::sort(hits, [](const Hit* a, const Hit* b) {
    return before(*a->item, Place{b->item->parent, b->item->sequence});
  });
  std::vector<PendingStore> stores;
  const Item* last = nullptr;
  for (const Hit* hit : hits) {
    if (hit->item == last) continue;  // a node that stores to several places of one object is replayed once
    last = hit->item;
    auto& entry = static_cast<Entry&>(*hit->item);
    for (Value& operand : entry.operands) operand.settle();
    stores.push_back({&entry.program, &entry.node, entry.operands, hit->where});
  }
  return stores;
}

}  // namespace xcs::window
