// The host's answers to the window, by what they say.
#pragma once

#include <array>

#include "explain/reasons.h"
#include "memory.h"

namespace xcs::python {

using explain::Reason;
using window::Effect;
using window::Flags;
using window::kAtom;
using window::kData;
using window::kFresh;
using window::kUnknown;

// What methods of objects that are not Python's read and change of them: none of their attributes.
inline constexpr Where kState{Where::kKeys};

inline Action done(Value value) {
  Action a;
  a.value = std::move(value);
  return a;
}
// As done, of a value whose cell may have been filled since.
inline Action settled(Value value) {
  value.settle();
  return done(std::move(value));
}
inline Action done(nb::object object) { return done(steal_value(std::move(object))); }

// The exception that is set.
inline Action raised() {
  Action a;
  a.verdict = Action::kRaised;
  a.value = steal_value(take_error());
  return a;
}

// What a C API call returned: a new reference, or null with an error set.
inline Action outcome(PyObject* result) { return result == nullptr ? raised() : done(steal_value(result)); }

inline Action needs_operand(std::size_t operand, Flags flags, Effect::Memory memory = Effect::kNone) {
  Action a;
  a.verdict = Action::kOperand;
  a.operand = static_cast<std::uint32_t>(operand);
  a.flags = flags;
  a.reason = static_cast<window::ReasonCode>(memory == Effect::kAnything ? Reason::kReturnsObject
                                                                         : Reason::kNeedsAnswer);
  a.effect.memory = memory;
  return a;
}

inline Action needs_element(Value element, Flags flags) {
  Action a;
  a.verdict = Action::kElement;
  a.value = std::move(element);
  a.flags = flags;
  a.reason = static_cast<window::ReasonCode>(Reason::kNeedsAnswer);
  return a;
}

inline Action blocked(Flags flags) {
  Action a;
  a.verdict = Action::kBlocked;
  a.flags = flags;
  a.reason = static_cast<window::ReasonCode>(Reason::kPendingMemory);
  return a;
}

inline Action ordered(Reason reason, Effect::Memory memory, Flags flags = kUnknown) {
  Action a;
  a.verdict = Action::kOrdered;
  a.flags = flags;
  a.reason = static_cast<window::ReasonCode>(reason);
  a.effect.memory = memory;
  return a;
}

// A store, replayable or not, to one place of `target`. Its result, when it is known before, is in `value`.
inline Action ordered_store(Value target, Where where, Effect::Memory memory = Effect::kStores) {
  Action a = ordered(Reason::kOrderedStore, memory);
  a.effect.stores.push_back({std::move(target), where});
  return a;
}

// It also changes this place, into which it puts nothing of the program's.
inline Action changes(Action a, Value target, Where where) {
  a.effect.memory = Effect::kOpaque;
  a.effect.stores.push_back({.target = std::move(target), .where = where, .known = window::known_nothing()});
  return a;
}

// The operand is what the store puts into its place, or with `spread` its items are.
inline Action stores_operand(Action a, std::uint32_t operand, bool spread = false) {
  for (Effect::Store& store : a.effect.stores) {
    store.operand = operand;
    store.spread = spread;
  }
  return a;
}

// It will not raise when its turn comes.
inline Action sure(Action a) {
  a.sure = true;
  return a;
}

inline Action none_done() { return done(borrow_value(Py_None)); }

// REQUIRES: obstacle is not kNothing; `element` belongs to kElement
inline Action held_up(Obstacle obstacle, Value element, Flags flags) {
  switch (obstacle) {
    case Obstacle::kElement:
      return needs_element(std::move(element), flags);
    case Obstacle::kBlocked:
      return blocked(flags);
    case Obstacle::kHeld:
      return ordered(Reason::kPendingMemory, Effect::kNone, flags);
    default:
      return ordered(Reason::kUserOperator, Effect::kAnything, flags);
  }
}

// `a` is a store that reads what it stores, which it cannot yet: for want of `element`, if of anything that
// comes by itself. Until then it cannot be replayed.
inline Action once_read(Action a, Obstacle obstacle, Value element) {
  a.effect.memory = Effect::kOpaque;
  if (obstacle != Obstacle::kElement && obstacle != Obstacle::kBlocked) return a;
  Action waits = held_up(obstacle, std::move(element), a.flags);
  waits.effect = std::move(a.effect);
  waits.known = std::move(a.known);
  return waits;
}

// As held_up, of something that runs the operators of what it finds: code of the program's, unless all of it
// is data.
inline Action held_up_inside(Obstacle obstacle, Value element, Flags flags, bool data) {
  Action a = held_up(obstacle, std::move(element), flags);
  if (!data) a.effect.memory = Effect::kAnything;
  return a;
}

// It waits for the value, and may do anything then.
inline Action needs_anything(const Value& value) {
  Action a = needs_element(value, window::kUnknown);
  a.effect.memory = window::Effect::kAnything;
  return a;
}

// An action whose result, while it is not there, is one of what `known` says.
inline Action with_known(Action a, window::KnownRef known) {
  a.flags |= window::flags_of(known);
  a.known = std::move(known);
  return a;
}

inline bool all_ready(std::span<const Value> values) {
  for (const Value& v : values)
    if (!v.ready()) return false;
  return true;
}

// The index of the first pending operand, or their number.
inline std::size_t first_pending(std::span<const Value> values) {
  std::size_t i = 0;
  while (i < values.size() && !values[i].is_pending()) ++i;
  return i;
}

// Small arrays of borrowed objects for vectorcall; slot 0 is free for the callee to use.
class ObjectArray {
 public:
  // REQUIRES: all values are ready and outlive this
  explicit ObjectArray(std::span<const Value> values) : size_(values.size()) {
    if (size_ > kInline) heap_.resize(size_ + 1);
    PyObject** out = data();
    for (const Value& v : values) *out++ = object_of(v);
  }
  PyObject** data() { return (heap_.empty() ? inline_.data() : heap_.data()) + 1; }
  std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kInline = 8;
  std::size_t size_;
  std::array<PyObject*, kInline + 1> inline_ = {};
  std::vector<PyObject*> heap_;
};

}  // namespace xcs::python
