// Which of the values that only a walk has something else than its variables may hold.
#pragma once

#include <unordered_map>
#include <unordered_set>

#include "window/value.h"

namespace xcs::window {

// The values are kept alive by the walk: an address stands for one of them.
class Escapes {
 public:
  // Says that something may hold the value.
  void add(const Value& value) { held_.insert(group_of(value.object())); }
  // Says that the two may be one object.
  void unite(const Value& a, const Value& b);
  // Whether something may hold what the value may be.
  bool contains(const Value& value) const { return held_.contains(group_of(value.object())); }

 private:
  const void* group_of(const void* value) const;

  std::unordered_map<const void*, const void*>
      united_;                            // with what stands for its group, or is nearer to that
  std::unordered_set<const void*> held_;  // groups
};

}  // namespace xcs::window
