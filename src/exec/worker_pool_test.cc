#include "exec/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <mutex>

namespace xcs::exec {
namespace {

TEST(WorkerPool, JobsThatWaitForEachOtherAllRun) {
  WorkerPool pool(8);
  std::latch all(8);
  std::latch done(8);
  for (int i = 0; i < 8; ++i)
    pool.submit([&] {
      all.arrive_and_wait();
      done.count_down();
    });
  done.wait();
  EXPECT_EQ(pool.threads(), 8U);
}

TEST(WorkerPool, NeverRunsMoreJobsAtATimeThanItsLimit) {
  std::atomic<int> running = 0, most = 0;
  {
    WorkerPool pool(3);
    for (int i = 0; i < 200; ++i)
      pool.submit([&] {
        const int now = ++running;
        int seen = most;
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        std::this_thread::yield();
        --running;
      });
  }
  EXPECT_LE(most, 3);
  EXPECT_GE(most, 1);
}

TEST(WorkerPool, ThreadsAreUsedAgain) {
  WorkerPool pool(100);
  for (int i = 0; i < 50; ++i) {
    std::latch done(1);
    pool.submit([&] { done.count_down(); });
    done.wait();
  }
  EXPECT_LT(pool.threads(), 50U);
}

// Held by one worker at a time.
class Token final : public Hold {
 public:
  void acquire() override { mutex_.lock(); }
  void release() override { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

TEST(WorkerPool, JobsThatKeepTheHoldNeedHardlyMoreThreadsThanOne) {
  Token token;
  std::atomic<int> ran = 0;
  WorkerPool pool(100, &token);
  token.acquire();
  for (int i = 0; i < 1000; ++i) pool.submit([&] { ++ran; });
  EXPECT_EQ(pool.threads(), 1U);
  token.release();
  while (ran < 1000) std::this_thread::yield();
  EXPECT_LE(pool.threads(), 3U);
}

TEST(WorkerPool, JobsThatLetGoOfTheHoldWhileTheyBlockAllRun) {
  Token token;
  WorkerPool pool(8, &token);
  std::latch all(8);
  std::latch done(8);
  for (int i = 0; i < 8; ++i)
    pool.submit([&] {
      token.release();
      all.arrive_and_wait();
      token.acquire();
      done.count_down();
    });
  done.wait();
  EXPECT_EQ(pool.threads(), 8U);
}

TEST(WorkerPool, DestroyingItRunsWhatIsInLine) {
  std::atomic<int> ran = 0;
  {
    WorkerPool pool(1);
    for (int i = 0; i < 100; ++i) pool.submit([&] { ++ran; });
  }
  EXPECT_EQ(ran, 100);
}

TEST(WorkerPool, AJobThatWaitsForAnotherDoesNotUseUpTheLimit) {
  WorkerPool pool(1);
  std::latch outer(1);
  pool.submit([&] {
    std::latch inner(1);
    pool.submit([&] { inner.count_down(); });
    const WorkerPool::Blocked blocked(pool);
    inner.wait();
    outer.count_down();
  });
  outer.wait();
  EXPECT_EQ(pool.threads(), 2U);
}

}  // namespace
}  // namespace xcs::exec
