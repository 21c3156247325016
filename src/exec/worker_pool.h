// Threads for blocking calls, made when they are needed and kept for the next ones.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace xcs::exec {

// Something that each worker holds while it runs a job and lets go of where the job blocks, such as an
// interpreter's lock. Must not throw.
class Hold {
 public:
  virtual ~Hold() = default;
  virtual void acquire() = 0;
  virtual void release() = 0;
};

// Runs jobs, each on one thread. A job waits in line only while `limit` threads are busy.
//
// Note [one worker at the door]
// Only one worker at a time acquires the hold; it takes a job when it has it, and then sends the next worker
// to the door. So there are as many threads as jobs that block, and one more, however many jobs wait in line.
class WorkerPool {
 public:
  // Must not throw.
  using Job = std::move_only_function<void()>;

  // The hold, if any, outlives the pool.
  explicit WorkerPool(std::size_t limit, Hold* hold = nullptr) : limit_(limit), hold_(hold) {}
  // Runs the jobs in line, then waits for all threads.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Safe from any thread. REQUIRES: the destructor has not begun.
  void submit(Job job) XCS_EXCLUDES(mutex_);

  // Made on a worker's thread around a wait for other jobs of the same pool: another thread may take its
  // place meanwhile, so that jobs that wait for jobs cannot use up the limit.
  class Blocked {
   public:
    explicit Blocked(WorkerPool& pool);
    ~Blocked();
    Blocked(const Blocked&) = delete;
    Blocked& operator=(const Blocked&) = delete;

   private:
    WorkerPool& pool_;
    const bool counted_;
  };

  std::size_t threads() const XCS_EXCLUDES(mutex_);

 private:
  void work() XCS_EXCLUDES(mutex_);
  void send_to_door() XCS_REQUIRES(mutex_);
  bool wait_for_call(MutexLock& lock) XCS_REQUIRES(mutex_);

  const std::size_t limit_;
  Hold* const hold_;
  mutable Mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<Job> line_ XCS_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ XCS_GUARDED_BY(mutex_);
  std::size_t idle_ XCS_GUARDED_BY(mutex_) = 0;
  // Whether a worker is to go for the first job in line, or is on its way.
  enum class Door : std::uint8_t { kFree, kCalled, kTaken };
  Door door_ XCS_GUARDED_BY(mutex_) = Door::kFree;
  std::size_t blocked_ XCS_GUARDED_BY(mutex_) = 0;
  bool closing_ XCS_GUARDED_BY(mutex_) = false;
};

}  // namespace xcs::exec
