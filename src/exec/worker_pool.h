// Threads for blocking calls, made when they are needed and kept for the next ones.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace xcs::exec {

// Runs jobs, each on one thread. A job waits in line only while `limit` threads are busy.
class WorkerPool {
 public:
  // Must not throw.
  using Job = std::move_only_function<void()>;

  explicit WorkerPool(std::size_t limit) : limit_(limit) {}
  // Runs the jobs in line, then waits for all threads.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Safe from any thread. REQUIRES: the destructor has not begun.
  void submit(Job job) XCS_EXCLUDES(mutex_);

  // Made on a worker's thread around a wait for other jobs of the same pool: another thread may take its place
  // meanwhile, so that jobs that wait for jobs cannot use up the limit.
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
  void grow() XCS_REQUIRES(mutex_);

  const std::size_t limit_;
  mutable Mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<Job> line_ XCS_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ XCS_GUARDED_BY(mutex_);
  std::size_t idle_ XCS_GUARDED_BY(mutex_) = 0;
  std::size_t blocked_ XCS_GUARDED_BY(mutex_) = 0;
  bool closing_ XCS_GUARDED_BY(mutex_) = false;
};

}  // namespace xcs::exec
