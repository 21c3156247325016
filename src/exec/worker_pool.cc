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
  MutexLock lock(mutex_);
  line_.push_back(std::move(job));
  send_to_door();
}

// Sees to it that a worker is on its way to the job that is first in line.
void WorkerPool::send_to_door() {
  if (line_.empty() || door_ != Door::kFree) return;
  if (idle_ > 0) {
    door_ = Door::kCalled;
    wake_.notify_one();
  } else if (!closing_ && threads_.size() < limit_ + blocked_) {
    door_ = Door::kCalled;
    ++idle_;  // from now on, although it has not begun to wait
    threads_.emplace_back([this] { work(); });
  }
}

void WorkerPool::work() {
  current_pool = this;
  MutexLock lock(mutex_);
  while (wait_for_call(lock)) {
    --idle_;
    door_ = Door::kTaken;
    lock.unlock();
    if (hold_ != nullptr) hold_->acquire();
    lock.lock();
    Job job = std::move(line_.front());
    line_.pop_front();
    door_ = Door::kFree;
    send_to_door();
    if (closing_ && line_.empty()) wake_.notify_all();
    lock.unlock();
    job();
    job = nullptr;
    if (hold_ != nullptr) hold_->release();
    lock.lock();
    ++idle_;
  }
}

// Returns whether there is a job to go for; otherwise the pool closes.
bool WorkerPool::wait_for_call(MutexLock& lock) {
  while (true) {
    if (door_ == Door::kFree && !line_.empty()) door_ = Door::kCalled;
    if (door_ == Door::kCalled || (closing_ && line_.empty())) break;
    wake_.wait(lock);
  }
  return door_ == Door::kCalled;
}

std::size_t WorkerPool::threads() const {
  MutexLock lock(mutex_);
  return threads_.size();
}

WorkerPool::Blocked::Blocked(WorkerPool& pool) : pool_(pool), counted_(current_pool == &pool) {
  if (!counted_) return;
  MutexLock lock(pool_.mutex_);
  ++pool_.blocked_;
  pool_.send_to_door();
}

WorkerPool::Blocked::~Blocked() {
  if (!counted_) return;
  MutexLock lock(pool_.mutex_);
  --pool_.blocked_;
}

}  // namespace xcs::exec
