#include "exec/worker_pool.h"

#include <utility>

namespace xcs::exec {
namespace {

// The pool whose thread this is, if any.
thread_local const WorkerPool* current_pool = nullptr;

}  // namespace

WorkerPool::~WorkerPool() {
  std::vector<std::thread> threads;
  {
    MutexLock lock(mutex_);
    closing_ = true;
    threads = std::move(threads_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

void WorkerPool::submit(Job job) {
  {
    MutexLock lock(mutex_);
    line_.push_back(std::move(job));
    if (line_.size() > idle_) grow();
  }
  wake_.notify_one();
}

void WorkerPool::grow() {
  if (closing_ || threads_.size() >= limit_ + blocked_) return;
  threads_.emplace_back([this] { work(); });
}

void WorkerPool::work() {
  current_pool = this;
  MutexLock lock(mutex_);
  while (true) {
    ++idle_;
    while (line_.empty() && !closing_) wake_.wait(lock);
    --idle_;
    if (line_.empty()) return;
    Job job = std::move(line_.front());
    line_.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
}

std::size_t WorkerPool::threads() const {
  MutexLock lock(mutex_);
  return threads_.size();
}

WorkerPool::Blocked::Blocked(WorkerPool& pool) : pool_(pool), counted_(current_pool == &pool) {
  if (!counted_) return;
  MutexLock lock(pool_.mutex_);
  ++pool_.blocked_;
  if (pool_.line_.size() > pool_.idle_) pool_.grow();
}

WorkerPool::Blocked::~Blocked() {
  if (!counted_) return;
  MutexLock lock(pool_.mutex_);
  --pool_.blocked_;
}

}  // namespace xcs::exec
