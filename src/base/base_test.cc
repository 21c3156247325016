#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <string>
#include <thread>

#include "base/check.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/mutex.h"

namespace xcs {
namespace {

using std::chrono::milliseconds;

std::string check_message(int index, int size) {
  try {
    XCS_CHECK(index < size, index, size);
  } catch (const InternalError& e) {
    EXPECT_EQ(e.error().kind, ErrorKind::kInternal);
    EXPECT_EQ(e.error().code, "internal.check");
    return e.what();
  }
  return "";
}

TEST(Check, PassesSilentlyWhenTheConditionHolds) { EXPECT_EQ(check_message(2, 3), ""); }

TEST(Check, FailureShowsPlaceExpressionAndValues) {
  EXPECT_THAT(check_message(7, 3),
              testing::MatchesRegex("base_test\\.cc:[0-9]+: index < size does not hold, with "
                                    "\\(index, size\\) = \\(7, 3\\)"));
}

TEST(Check, FailureWithoutValuesShowsTheExpressionAlone) {
  try {
    XCS_CHECK(1 + 1 == 3);
    FAIL() << "no throw";
  } catch (const InternalError& e) {
    EXPECT_THAT(e.what(), testing::EndsWith("1 + 1 == 3 does not hold"));
  }
}

TEST(Error, TextShowsCodeKindAndMessage) {
  const Error error{.kind = ErrorKind::kTransient, .code = "net.connect", .message = "cannot reach h:1"};
  EXPECT_EQ(to_string(error), "net.connect (transient): cannot reach h:1");
}

TEST(Error, EveryKindHasItsOwnName) {
  EXPECT_EQ(name(ErrorKind::kInternal), "internal");
  EXPECT_EQ(name(ErrorKind::kUsage), "usage");
  EXPECT_EQ(name(ErrorKind::kProgram), "program");
  EXPECT_EQ(name(ErrorKind::kTransient), "transient");
  EXPECT_EQ(name(ErrorKind::kCancelled), "cancelled");
}

TEST(ManualClock, MovesOnlyWhenTold) {
  ManualClock clock;
  const TimePoint start = clock.now();
  EXPECT_EQ(clock.now(), start);
  clock.advance(milliseconds(5));
  EXPECT_EQ(clock.now() - start, milliseconds(5));
}

TEST(RealClock, NeverGoesBack) {
  RealClock clock;
  const TimePoint start = clock.now();
  EXPECT_GE(clock.now(), start);
}

TEST(MutexLock, ServesAConditionVariable) {
  Mutex mutex;
  std::condition_variable_any changed;
  bool ready = false;
  std::jthread setter([&] {
    MutexLock lock(mutex);
    ready = true;
    changed.notify_one();
  });
  MutexLock lock(mutex);
  while (!ready) changed.wait(lock);
  bool taken_by_another = true;
  std::thread([&]() XCS_THREAD_ANNOTATION(no_thread_safety_analysis) {
    taken_by_another = mutex.try_lock();
  }).join();
  EXPECT_FALSE(taken_by_another);
  lock.unlock();
  EXPECT_TRUE(mutex.try_lock());
  mutex.unlock();
  lock.lock();
}

}  // namespace
}  // namespace xcs
