// std::mutex with clang's thread-safety annotations, so that the compiler checks which lock guards what.
#pragma once

#include <mutex>

#if defined(__clang__)
#define XCS_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define XCS_THREAD_ANNOTATION(x)
#endif

// On a member: only touched while `mutex` is held.
#define XCS_GUARDED_BY(mutex) XCS_THREAD_ANNOTATION(guarded_by(mutex))
// On a function: the caller holds the mutex, or must not hold it.
#define XCS_REQUIRES(...) XCS_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define XCS_EXCLUDES(...) XCS_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))

namespace xcs {

class XCS_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  void lock() XCS_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void unlock() XCS_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }
  bool try_lock() XCS_THREAD_ANNOTATION(try_acquire_capability(true)) { return mutex_.try_lock(); }

 private:
  std::mutex mutex_;
};

// Holds a mutex for a scope. It has lock() and unlock(), so std::condition_variable_any can wait on it.
class XCS_THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) XCS_THREAD_ANNOTATION(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() XCS_THREAD_ANNOTATION(release_capability()) {
    if (held_) mutex_.unlock();
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  void lock() XCS_THREAD_ANNOTATION(acquire_capability()) {
    mutex_.lock();
    held_ = true;
  }
  void unlock() XCS_THREAD_ANNOTATION(release_capability()) {
    held_ = false;
    mutex_.unlock();
  }

 private:
  Mutex& mutex_;
  bool held_ = true;
};

}  // namespace xcs
