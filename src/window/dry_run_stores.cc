// What the dry run finds that may be stored, and what it answers the host about memory in its light.
#include <algorithm>

#include "window/dry_run.h"

namespace xcs::window {

// A result that nothing else holds was made by the walk, and the program will never see it.
void DryRun::note_made(const Value& value) {
  if (!value.ready() || !machine_.host_.is_sole(value)) return;
  if (made_.try_emplace(value.object(), kept_.size() + 1).second) kept_.push_back(value);
}

void DryRun::take_effect(const Action& action, std::span<const Value> operands, Flags stored) {
  switch (action.verdict) {
    case Action::kOperand:
    case Action::kElement:
    case Action::kBlocked:
    case Action::kOrdered:
      break;
    default:
      return;
  }
  if (action.effect.memory == Effect::kNone) return;
  if (action.effect.memory == Effect::kAnything) {
    summary_.footprint.anything = true;
    return;
  }
  for (const Effect::Store& store : action.effect.stores) {
    Effect::Store known{store.target, store.where, Flags(stored & kTypes), store.known, ir::kNone, false};
    if (store.operand != ir::kNone && leads_out(operands[store.operand])) known.stored = kUnknown;
    if (store.operand != ir::kNone) {
      known.known = store.spread ? machine_.host_.describe_items(operands[store.operand], *this)
                                 : known_of(operands[store.operand]);
      known.stored |= window::flags_of(known.known);
    }
    add_place(known);
  }
  std::vector<Value>& held = summary_.footprint.held;
  held.insert(held.end(), operands.begin(), operands.end());
  held.insert(held.end(), action.effect.held.begin(), action.effect.held.end());
}

// A store through a value that does not exist goes to one of the objects that it may be, or to something else
// that it may be.
void DryRun::add_place(const Effect::Store& store) {
  Effect::Store place{store.target, store.where, store.stored, store.known, ir::kNone, false};
  place.target.settle();
  const bool own = is_own(place.target);
  if (leads_out(place.target)) {
    summary_.footprint.anything = true;
    return;
  }
  if (place.known == nullptr && (place.stored & kData) != 0) place.known = known_data();
  const bool fresh = own && (place.target.flags() & kFresh) != 0;
  if (place.target.is_pending() && unlisted_.unnamed.add(place)) changes_.push_back(0);
  if ((fresh || described_.contains(place.target.object())) && unlisted_.described.add(place))
    changes_.push_back(0);
  const bool made_by_walk = fresh && stands_for_made_.contains(place.target.cell());
  if (fresh && !made_by_walk) return;
  const KnownRef known = own && !made_by_walk ? known_of_pending(place.target) : nullptr;
  if (own && !made_by_walk && known == nullptr) {
    summary_.footprint.anything = true;
    return;
  }
  if (known != nullptr)
    for (const Value& object : known->objects) {
      Effect::Store one = place;
      one.target = object;
      add_place(one);
    }
  if (known != nullptr && own && is_atom(without_objects(known))) return;
  merge_place(std::move(place), own, made_by_walk);
}

// `own`: the target is a value that the walk made up; `made_by_walk`: of objects that only the walk has.
void DryRun::merge_place(Effect::Store place, bool own, bool made_by_walk) {
  const auto meets = [&](const Effect::Store& other) {
    if (other.where.kind != place.where.kind || other.where.key != place.where.key) return false;
    if (other.target.object() == place.target.object()) return true;
    return own && other.target.is_pending() && own_.contains(other.target.cell()) &&
           window::same(other.target.known(), place.target.known());
  };
  const auto made = place.target.ready() ? made_.find(place.target.object()) : made_.end();
  const std::size_t number = made == made_.end() ? 0 : made->second;
  std::vector<Effect::Store>& places = number != 0 || made_by_walk ? own_places_ : summary_.footprint.places;
  for (Effect::Store& other : places)
    if (meets(other)) {
      const Flags stored = other.stored & place.stored;
      KnownRef joined_known = window::join(other.known, place.known);
      if (stored != other.stored || !window::same(joined_known, other.known)) changes_.push_back(number);
      other.stored = stored;
      other.known = std::move(joined_known);
      return;
    }
  changes_.push_back(number);
  places.push_back(std::move(place));
}

// Stores that were fetched in a try statement may not happen after all, once something before them may raise.
void DryRun::take_explicit(const Frame& frame) {
  bool certain = true;
  take_explicit(frame, certain);
}

// `certain`: nothing in the statement has come yet that may raise.
void DryRun::take_explicit(const Frame& frame, bool& certain) {
  for (const Item* item : frame.items.all()) {
    if (item->done) continue;
    if (item->is_frame) {
      const auto& inner = static_cast<const Frame&>(*item);
      if (inner.indexed) {
        take_footprint(inner);
        certain = false;
      }
      take_explicit(inner, certain);
      continue;
    }
    const auto& entry = static_cast<const Entry&>(*item);
    if (entry.state == Entry::kFailed)
      note_raised(entry.exception);
    else if (entry.node.op == ir::Op::kRaise && !entry.operands.empty())
      note_raised(entry.operands[0]);
    certain = certain && entry.safe;
    if (certain) continue;
    if (entry.effect.memory == Effect::kAnything) summary_.footprint.anything = true;
    for (const Effect::Store& store : entry.effect.stores) {
      Effect::Store place = store;
      place.known = machine_.stored_known(entry, store, *this);
      add_place(place);
      if (entry.state == Entry::kFailed) continue;
      for (const Value& v : entry.operands) summary_.footprint.held.push_back(v);
    }
    for (const Value& v : entry.effect.held) summary_.footprint.held.push_back(v);
  }
}

// What a frame that was passed earlier has not fetched: its stores become entries only later.
void DryRun::take_footprint(const Frame& frame) {
  const auto found = machine_.memory_.footprints_.find(&frame);
  if (found == machine_.memory_.footprints_.end()) {
    summary_.footprint.anything = true;
    return;
  }
  for (const Effect::Store& store : found->second.places) add_place(store);
  if (found->second.raises_objects) note_raised_objects();
  summary_.footprint.held.insert(summary_.footprint.held.end(), found->second.held.begin(),
                                 found->second.held.end());
}

View::State DryRun::look(Object* object, Where where) {
  answer_ =
      machine_.memory_.look(object, where, place_, machine_.options_.forward, machine_.open_guesses_ != 0);
  if (answer_.state == State::kClear) answer_.flags = kTypes;
  met_ = nullptr;
  met_any_ = false;
  auto meet = [&](const Effect::Store& store) {
    // A store to a value that is not there yet may go to this object.
    const bool same = store.target.is_pending()
                          ? made_.contains(object) || machine_.memory_.may_be(store.target, object, outer_)
                          : store.target.object() == object;
    if (!same || !machine_.memory_.overlap(store.where, where)) return;
    answer_.state = State::kBlocked;
    answer_.flags &= store.stored;
    met_ = met_any_ ? window::join(met_, store.known) : store.known;
    met_any_ = true;
  };
  std::ranges::for_each(summary_.footprint.places, meet);
  std::ranges::for_each(own_places_, meet);
  return answer_.state;
}

KnownRef DryRun::blocked_known() {
  if (answer_.hidden) return nullptr;
  KnownRef all = met_;
  bool any = met_any_;
  const MemoryIndex::Answer answer = answer_;  // looking at what is stored makes another one
  for (const auto& [item, store] : answer.met) {
    const KnownRef known = machine_.stored_known(*item, store, *this);
    all = any ? window::join(all, known) : known;
    any = true;
  }
  answer_ = answer;
  if (!answer.unnamed) return all;
  return any ? window::join(all, *answer.unnamed) : *answer.unnamed;
}

KnownRef DryRun::stored_unnamed(const Object* attribute) {
  return window::join(unlisted_.of(attribute), machine_.memory_.unlisted().of(attribute));
}

bool DryRun::unnamed_is_plain(bool described) {
  return unlisted_.plain(described) && machine_.memory_.unlisted().plain(described);
}

bool DryRun::describes_made(Object* object) {
  if (!made_.contains(object)) return false;
  described_.insert(object);
  return true;
}

std::optional<std::vector<std::pair<Object*, KnownRef>>> DryRun::attributes_made(Object* object) {
  std::vector<std::pair<Object*, KnownRef>> attributes;
  for (const Effect::Store& store : own_places_) {
    if (store.target.object() != object) continue;
    if (store.where.kind != Where::kAttr || store.where.key == nullptr) return std::nullopt;
    attributes.emplace_back(store.where.key, store.known);
  }
  return attributes;
}

View::State DryRun::look_anywhere() {
  return machine_.memory_.opaque_before(place_) != nullptr ? State::kBlocked : State::kClear;
}

}  // namespace xcs::window
