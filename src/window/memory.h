// Memory order: which earlier stores a load meets.
#pragma once

#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "window/item.h"
#include "window/unnamed.h"

namespace xcs::window {

// What code not fetched yet may store.
struct Footprint {
  bool anything = false;
  bool raises_objects = false;  // an exception of it may lead to objects that exist
  Cause cause = {};             // of `anything`, where one node is to blame
  std::vector<Effect::Store> places;
  std::vector<Value> held;  // keeps the keys of `places` alive
  Unnamed described;        // what it stores into objects that it makes, after they have been described
};

// The stores that have not been committed, found by object.
class MemoryIndex {
 public:
  explicit MemoryIndex(Host& host) : host_(host) {}

  void add(Entry& entry);
  void remove(Entry& entry);
  void add(Frame& frame, Footprint footprint);
  void remove(Frame& frame);
  bool empty() const { return places_.empty() && anything_.empty() && unresolved_.empty(); }

  struct Answer {
    View::State state = View::State::kClear;
    Item* blocker = nullptr;                                 // kBlocked
    Flags flags = kUnknown;                                  // kBlocked: of all that may be stored there
    std::vector<PendingStore> stores;                        // kPending
    std::vector<std::pair<const Item*, Effect::Store>> met;  // the stores that may be there
    // kBlocked: beyond those, all that is stored through values that are not there.
    std::optional<KnownRef> unnamed;
    bool hidden = false;  // kBlocked: there may be others
  };
  // What is known of the value that a store at `node` puts into its place.
  Flags stored_flags(const ir::Node& node, std::span<const Value> operands) const;
  // `guesses`: some frames were passed on a guess, so that what comes after them may never happen.
  Answer look(Object* object, Where where, Place place, bool forward, bool guesses);
  // Says that the object, and what it holds, may have come into being after values were described that it may
  // be: it was the content of a cell, or it comes from code that was passed. `place` is where that shows.
  // `again`: what it holds has changed since it was noted.
  void note_late(const Value& value, Place place, bool again = false);
  bool is_late(const Value& value) const;
  // The frame is about to go: places in it are its own from now on.
  void forget_places_in(const Frame& frame);
  // What has been announced to be stored so.
  const Unlisted& unlisted() const { return unlisted_; }
  // An item before `place` that says that it stores to the object, or null.
  Item* listed_before(Object* object, Place place) const;
  // The first item before `place` that may touch any memory, or null.
  Item* opaque_before(Place place) const;

 private:
  struct Hit {
    Item* item;
    Where where;
    bool replayable;
    Flags stored;
    Effect::Store store;  // as it was announced
  };
  struct Unresolved {
    Item* item;
    Effect::Store store;
    bool replayable;
  };
  // The stores of the hits, oldest first.
  static std::vector<PendingStore> in_order(std::vector<const Hit*> hits);
  void add_store(Item* item, const Effect::Store& store, bool replayable);
  friend class DryRun;
  void remove_item(const Item* item, const std::vector<Effect::Store>& stores);
  void resolve();
  // Whether a store of `item` through a pending target may be one to this object.
  bool may_be(const Value& target, Object* object, const Item& item);
  bool may_have_met(Object* object, const Item& item) const;
  bool overlap(const Where& a, const Where& b);

  Host& host_;
  std::unordered_map<Object*, std::vector<Hit>> places_;
  std::unordered_map<const Item*, Footprint> footprints_;  // of frames
  std::vector<Unresolved> unresolved_;                     // the object is not known yet
  std::vector<Item*> anything_;
  Unlisted unlisted_;
  // The first place in program order where each showed. An address may outlive its object: then it says too
  // much.
  std::unordered_map<const Object*, Place> late_;
  std::unordered_map<const Frame*, std::vector<const Object*>> shown_in_;
  bool all_late_ = false;
};

}  // namespace xcs::window
