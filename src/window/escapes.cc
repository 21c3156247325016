#include "window/escapes.h"

namespace xcs::window {

const void* Escapes::group_of(const void* value) const {
  for (auto found = united_.find(value); found != united_.end(); found = united_.find(value))
    value = found->second;
  return value;
}

void Escapes::unite(const Value& a, const Value& b) {
  const void* x = group_of(a.object());
  const void* y = group_of(b.object());
  if (x == y) return;
  united_[x] = y;
  if (held_.erase(x) != 0) held_.insert(y);
}

}  // namespace xcs::window
