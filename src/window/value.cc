#include "window/value.h"

#include <algorithm>

#include "window/known.h"

namespace xcs::window {

Value Value::pending(Cell* cell) {
  Value v;
  cell->retain();
  v.object_ = reinterpret_cast<Object*>(cell);
  return v;
}

void Value::retain() const {
  if (ready()) {
    ops_->retain(object_);
  } else if (object_ != nullptr) {
    cell()->retain();
  }
}

void Value::release() {
  if (ready()) {
    ops_->release(object_);
  } else if (object_ != nullptr) {
    cell()->release();
  }
}

void Value::settle() {
  while (is_pending() && cell()->filled()) {
    const Chain before = chain;
    Value content = cell()->content();
    *this = std::move(content);
    chain = longest(chain, before);
  }
}

Flags Value::flags() const { return is_pending() ? cell()->flags() : kUnknown; }

KnownRef Value::known() const { return is_pending() ? cell()->known() : nullptr; }

void Cell::fill(Value content) {
  content.settle();
  content_ = std::move(content);
  filled_ = true;
  std::vector<Waiter*> waiters = std::move(waiters_);
  waiters_.clear();
  for (Waiter* waiter : waiters) waiter->wake();
}

void Cell::forget(Waiter* waiter) { std::erase(waiters_, waiter); }

}  // namespace xcs::window
