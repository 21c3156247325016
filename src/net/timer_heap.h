// Deadlines, soonest first, with removal from the middle and no allocation per timer.
#pragma once

#include <cstddef>
#include <vector>

#include "base/check.h"
#include "base/clock.h"

namespace xcs::net {

// A deadline that lives inside the thing that waits for it, at an address that does not change while set.
struct Timer {
  static constexpr std::size_t kUnset = static_cast<std::size_t>(-1);
  bool is_set() const { return index != kUnset; }

  TimePoint deadline{};
  std::size_t index = kUnset;  // place in the heap
};

// A binary heap of borrowed timers.
class TimerHeap {
 public:
  bool empty() const { return heap_.empty(); }
  Timer& soonest() const { return *heap_.front(); }

  // Sets the timer, or moves it when it is set already.
  void set(Timer& timer, TimePoint deadline) {
    timer.deadline = deadline;
    if (!timer.is_set()) {
      timer.index = heap_.size();
      heap_.push_back(&timer);
    }
    sift(timer);
  }

  // Unsets the timer if it is set.
  void unset(Timer& timer) {
    if (!timer.is_set()) return;
    XCS_CHECK(timer.index < heap_.size() && heap_[timer.index] == &timer, timer.index, heap_.size());
    Timer& last = *heap_.back();
    heap_.pop_back();
    if (&last != &timer) {
      place(last, timer.index);
      sift(last);
    }
    timer.index = Timer::kUnset;
  }

 private:
  void place(Timer& timer, std::size_t index) {
    timer.index = index;
    heap_[index] = &timer;
  }

  // Restores the order around a timer whose deadline or place has changed.
  void sift(Timer& timer) {
    std::size_t i = timer.index;
    while (i > 0 && timer.deadline < heap_[(i - 1) / 2]->deadline) {
      place(*heap_[(i - 1) / 2], i);
      i = (i - 1) / 2;
    }
    for (;;) {
      std::size_t child = (2 * i) + 1;
      if (child >= heap_.size()) break;
      if (child + 1 < heap_.size() && heap_[child + 1]->deadline < heap_[child]->deadline) ++child;
      if (heap_[child]->deadline >= timer.deadline) break;
      place(*heap_[child], i);
      i = child;
    }
    place(timer, i);
  }

  std::vector<Timer*> heap_;
};

}  // namespace xcs::net
