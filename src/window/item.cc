#include "window/item.h"

#include <algorithm>
#include <utility>

#include "window/machine.h"

namespace xcs::window {

Frame::Frame(Machine& machine, Frame* parent, std::uint64_t sequence, Kind kind, const ir::Program& program)
    : Item(machine, parent, sequence, true),
      kind(kind),
      turn(parent == nullptr ? 0 : parent->turns),
      depth(parent == nullptr ? 0 : parent->depth + 1),
      program(program) {}
Frame::~Frame() = default;

void Items::pop_front() {
  ++first_;
  if (first_ > 32 && first_ * 2 > items_.size()) {
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

void Items::replace(Item* item) {
  auto found = std::ranges::lower_bound(items_.begin() + static_cast<std::ptrdiff_t>(first_), items_.end(),
                                        item->sequence, {}, [](const Item* i) { return i->sequence; });
  *found = item;
}

void Item::wake() {
  awaited.settle();
  chain = longest(chain, awaited.chain);
  awaited = Value();
  awaited_item = nullptr;
  machine.enqueue(*this);
}

void Item::wake_followers() {
  for (Item* follower : std::exchange(followers, {})) {
    follower->chain = after(follower->chain, longest(chain, deep_chain));
    follower->wake();
  }
}

void Item::stop_waiting() {
  if (awaited.is_pending()) awaited.cell()->forget(this);
  if (awaited_item != nullptr) std::erase(awaited_item->followers, this);
  awaited = Value();
  awaited_item = nullptr;
}

void Item::wait_for(const Value& pending) {
  awaited = pending;
  awaited.cell()->wait(this);
}

void Item::wait_for(Item* item) {
  awaited_item = item;
  item->followers.push_back(this);
}

}  // namespace xcs::window
