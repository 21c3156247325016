// Values as the window sees them: host objects, results that are still to come, and nothing.
//
// Everything here belongs to the thread that runs the program; reference counts are not atomic.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace xcs::window {

// An object of the host language; the window only compares addresses.
struct Object;

// How a host counts references to its objects.
struct ObjectOps {
  void (*retain)(Object*);
  void (*release)(Object*);
};

// What is known of a value before it is there.
using Flags = std::uint8_t;
inline constexpr Flags kUnknown = 0;
inline constexpr Flags kData = 1;   // operators and formatting on it run no user code
inline constexpr Flags kFresh = 2;  // an object that nobody else holds when it comes into being
inline constexpr Flags kAtom = 4;   // immutable, holds no mutable object; implies kData
inline constexpr Flags kMaybeUnbound =
    8;  // may turn out to be unbound: a variable that a branch may not assign

struct Known;  // known.h
using KnownRef = std::shared_ptr<const Known>;

class Cell;

// The longest chain of dependent independent calls that led somewhere, by number and by time.
struct Chain {
  std::uint32_t calls = 0;
  std::uint32_t microseconds = 0;
};
inline Chain longest(Chain a, Chain b) {
  return {std::max(a.calls, b.calls), std::max(a.microseconds, b.microseconds)};
}
// Of what waited until `b` had led to something that it does not use.
inline Chain after(Chain a, Chain b) { return {std::max(a.calls, b.calls), a.microseconds}; }

// Unbound, a host object, or a cell that will hold one. `chain` is what led to it.
// NOLINTNEXTLINE(cppcoreguidelines-special-member-functions): the one assignment moves, too
class Value {
 public:
  Value() = default;
  // Takes over one reference to `object`.
  static Value steal(Object* object, const ObjectOps* ops) {
    Value v;
    v.object_ = object;
    v.ops_ = ops;
    return v;
  }
  // Adds a reference to `object`.
  static Value borrow(Object* object, const ObjectOps* ops) {
    ops->retain(object);
    return steal(object, ops);
  }
  static Value pending(Cell* cell);

  Value(const Value& other) : object_(other.object_), ops_(other.ops_), chain(other.chain) { retain(); }
  Value(Value&& other) noexcept : object_(other.object_), ops_(other.ops_), chain(other.chain) {
    other.object_ = nullptr;
  }
  Value& operator=(Value other) noexcept {
    std::swap(object_, other.object_);
    std::swap(ops_, other.ops_);
    chain = other.chain;
    return *this;
  }
  ~Value() { release(); }

  bool bound() const { return object_ != nullptr; }
  bool ready() const { return object_ != nullptr && ops_ != nullptr; }
  bool is_pending() const { return object_ != nullptr && ops_ == nullptr; }

  Object* object() const { return object_; }                       // REQUIRES: ready()
  Cell* cell() const { return reinterpret_cast<Cell*>(object_); }  // REQUIRES: is_pending()
  const ObjectOps* ops() const { return ops_; }

  // Replaces a cell that has been filled by what it holds. Afterwards the value is pending only if its
  // content is not there yet.
  void settle();

  // What is known of it: kUnknown for ready values (ask the host) and unbound ones.
  Flags flags() const;
  // What it may be when it is pending; null when nothing is known, or it is ready.
  KnownRef known() const;

 private:
  void retain() const;
  void release();

  Object* object_ = nullptr;  // or a Cell* when ops_ is null
  const ObjectOps* ops_ = nullptr;

 public:
  Chain chain;
};

// Something that waits for a cell, an entry or a frame.
class Waiter {
 public:
  virtual void wake() = 0;

 protected:
  ~Waiter() = default;
};

// Note [lineage]
// `x += y` answers x itself or a new object, and which of them is known only when x is there. So the results
// of a chain of such operations are one and the same object as long as it is mutable. What the chain has come
// to so far is the only object that existed before and that a pending result of it may turn out to be.
struct Lineage {
  Value last;
};

// The place of a result. Filled at most once; a cell whose entry failed is never filled, and what waits for
// it is discarded when the failure is handled.
class Cell {
 public:
  explicit Cell(Flags flags, KnownRef known = nullptr) : flags_(flags), known_(std::move(known)) {}
  bool filled() const { return filled_; }
  // Content may be unbound (a variable that was never assigned) or itself pending.
  const Value& content() const { return content_; }
  Flags flags() const { return flags_; }
  const KnownRef& known() const { return known_; }

  // Wakes every waiter, in the order in which they came. REQUIRES: !filled()
  void fill(Value content);
  void wait(Waiter* waiter) { waiters_.push_back(waiter); }
  void forget(Waiter* waiter);

  // The objects that hold the pending value already; only named, not kept alive.
  void held_by(Object* holder) { holders_.push_back(holder); }
  const std::vector<Object*>& holders() const { return holders_; }

  // Null unless it belongs to a chain of operations in place.
  const std::shared_ptr<Lineage>& lineage() const { return lineage_; }
  void join_lineage(std::shared_ptr<Lineage> lineage) { lineage_ = std::move(lineage); }

  // Why it is not there yet, when it is more than an answer to come: a row of Waits, and whether the maker of
  // this value could make it but for the order.
  struct Blame {
    std::uint32_t row = ~std::uint32_t{0};
    bool in_order = false;
  };
  Blame blame() const { return blame_; }
  void set_blame(Blame blame) { blame_ = blame; }

  void retain() { ++count_; }
  void release() {
    if (--count_ == 0) delete this;
  }

 private:
  ~Cell() = default;
  std::uint32_t count_ = 0;
  Blame blame_;
  Flags flags_;
  KnownRef known_;
  bool filled_ = false;
  Value content_;
  std::vector<Waiter*> waiters_;
  std::vector<Object*> holders_;
  std::shared_ptr<Lineage> lineage_;
};

}  // namespace xcs::window
