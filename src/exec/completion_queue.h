// Where other threads put what they have finished, for the one thread that waits for it.
#pragma once

#include <sys/eventfd.h>

#include <chrono>
#include <condition_variable>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace xcs::exec {

template <class T>
class CompletionQueue {
 public:
  // Safe from any thread.
  void push(T item) XCS_EXCLUDES(mutex_) {
    // The waiter may destroy the queue as soon as it sees the item, so it is woken before the lock is given
    // up.
    MutexLock lock(mutex_);
    items_.push_back(std::move(item));
    if (items_.size() > 1) return;  // who takes one takes all, and has been woken
    wake_.notify_one();
    if (descriptor_ >= 0) eventfd_write(descriptor_, 1);
  }

  // From now on, push() also adds to the counter of this eventfd when there was nothing; the caller closes it
  // when nothing pushes any more, and empties it before it takes what there is.
  void notify(int descriptor) XCS_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    descriptor_ = descriptor;
    if (!items_.empty()) eventfd_write(descriptor_, 1);
  }

  // What has been pushed and not taken yet, oldest first; empty when nothing came within `limit`.
  std::vector<T> wait_for(std::chrono::nanoseconds limit) XCS_EXCLUDES(mutex_) {
    const auto end = std::chrono::steady_clock::now() + limit;
    MutexLock lock(mutex_);
    while (items_.empty() && wake_.wait_until(lock, end) == std::cv_status::no_timeout) {
    }
    return std::exchange(items_, {});
  }

  // As wait_for, without waiting.
  std::vector<T> poll() XCS_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return std::exchange(items_, {});
  }

 private:
  Mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<T> items_ XCS_GUARDED_BY(mutex_);
  int descriptor_ XCS_GUARDED_BY(mutex_) = -1;
};

}  // namespace xcs::exec
