// Tests of the small parts: Headers, Origin, Gate, TimerHeap, Lookups, Sockets.
#include <curl/curl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "net/gate.h"
#include "net/lookups.h"
#include "net/origin.h"
#include "net/sockets.h"
#include "net/timer_heap.h"
#include "net/transport.h"

namespace xcs::net {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

// Timeouts are judged by this: an answer that came in time and waits to be read is not late.
TEST(Sockets, HaveHeardNothingUntilEverySocketThatWasReadyHasBeenGiven) {
  constexpr std::size_t kReady = 300;  // more than one wait gives
  Sockets sockets;
  std::set<int> silent;
  for (std::size_t i = 0; i < kReady; ++i) {
    const int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    ASSERT_GE(fd, 0);
    sockets.opened(fd);
    sockets.watch(fd, CURL_POLL_IN, nullptr);
    silent.insert(fd);
  }
  const std::set<int> all = silent;
  const TimePoint before = std::chrono::steady_clock::now();
  for (int waits = 0; sockets.heard_until() < before; ++waits) {
    ASSERT_LT(waits, 100);
    for (const Sockets::Event& event : sockets.wait(TimePoint::min())) silent.erase(event.fd);
    if (waits == 0) {
      EXPECT_LT(sockets.heard_until(), before);
    }
  }
  EXPECT_THAT(silent, IsEmpty());
  for (const int fd : all) sockets.close(fd);
  static_cast<void>(sockets.wait(TimePoint::min()));
  EXPECT_GT(sockets.heard_until(), before);
}

TEST(Headers, FindComparesNamesWithoutCaseAndTakesTheFirst) {
  Headers headers;
  headers.add("Retry-After", "3");
  headers.add("retry-after", "4");
  headers.add("X-Empty", "");
  EXPECT_EQ(headers.find("retry-AFTER"), "3");
  EXPECT_EQ(headers.find("x-empty"), "");
  EXPECT_EQ(headers.find("retry"), std::nullopt);
  EXPECT_EQ(headers.find("after"), std::nullopt);
}

TEST(Headers, LinesComeInTheOrderTheyWereAdded) {
  Headers headers;
  headers.add("b", "1");
  headers.add("a", "2");
  std::vector<std::string> lines;
  headers.for_each_line([&](std::string_view line) { lines.emplace_back(line); });
  EXPECT_THAT(lines, ElementsAre("b: 1", "a: 2"));
}

TEST(Origin, ShowsHostAndPortWithoutPasswordPathOrQuery) {
  EXPECT_EQ(to_string(origin_of("https://user:secret@api.example.com/v1?key=secret")), "api.example.com:443");
  EXPECT_EQ(to_string(origin_of("HTTP://localhost:8000")), "localhost:8000");
  EXPECT_EQ(to_string(origin_of("http://[::1]:8080/x")), "[::1]:8080");
  EXPECT_EQ(to_string(origin_of("http://h?x=http://other:1")), "h:80");
}

TEST(Origin, OnlyNamesNeedALookup) {
  EXPECT_TRUE(needs_lookup(origin_of("https://api.example.com/")));
  EXPECT_FALSE(needs_lookup(origin_of("http://127.0.0.1:1/")));
  EXPECT_FALSE(needs_lookup(origin_of("http://[::1]/")));
  EXPECT_FALSE(needs_lookup(origin_of("http://localhost/")));
}

TEST(Gate, ClosedFromOutsideBelongsToTheCloserAndLetsNobodyIn) {
  Gate gate;
  EXPECT_TRUE(gate.close(false));
  EXPECT_FALSE(gate.try_enter());
  EXPECT_FALSE(gate.close(false));
}

TEST(Gate, ClosedByTheRunnerInsideBelongsToTheRunner) {
  Gate gate;
  ASSERT_TRUE(gate.try_enter());
  EXPECT_FALSE(gate.close(true));
  EXPECT_FALSE(gate.leave());
  EXPECT_FALSE(gate.try_enter());
}

TEST(Gate, OpensAgainAfterAnOrdinaryVisit) {
  Gate gate;
  ASSERT_TRUE(gate.try_enter());
  EXPECT_TRUE(gate.leave());
  EXPECT_TRUE(gate.try_enter());
  gate.leave_closed();
  EXPECT_TRUE(gate.closed());
}

TEST(Gate, CloserNeverMeetsTheRunnerInside) {
  for (int round = 0; round < 200; ++round) {
    Gate gate;
    int guarded = 0;  // a data race here is what the thread sanitizer would report
    std::jthread runner([&] {
      for (int visit = 0; visit < 100 && gate.try_enter(); ++visit) {
        ++guarded;
        gate.leave();
      }
    });
    ASSERT_TRUE(gate.close(false));
    guarded = -1;
    ASSERT_EQ(guarded, -1);
  }
}

TEST(TimerHeap, AgreesWithASortedListUnderRandomChanges) {
  std::mt19937 random(20261123);
  std::vector<Timer> timers(100);
  TimerHeap heap;
  for (int step = 0; step < 20000; ++step) {
    Timer& timer = timers[random() % timers.size()];
    if (random() % 3 == 0) {
      heap.unset(timer);
      EXPECT_FALSE(timer.is_set());
    } else {
      heap.set(timer, TimePoint(Duration(random() % 1000)));
    }
    auto set = std::ranges::count_if(timers, &Timer::is_set);
    ASSERT_EQ(heap.empty(), set == 0);
    if (set == 0) continue;
    TimePoint soonest = TimePoint::max();
    for (const Timer& t : timers) {
      if (t.is_set()) soonest = std::min(soonest, t.deadline);
    }
    ASSERT_EQ(heap.soonest().deadline, soonest) << "at step " << step;
  }
}

using Turn = Lookups<int>::Turn;

TEST(Lookups, OneCallLeadsAndTheOthersWaitUntilTheNameIsFound) {
  Lookups<int> lookups(seconds(10));
  const TimePoint start{};
  EXPECT_EQ(lookups.take_turn("a", 1, start), Turn::kLead);
  EXPECT_EQ(lookups.take_turn("a", 2, start), Turn::kWait);
  EXPECT_EQ(lookups.take_turn("a", 3, start), Turn::kWait);
  EXPECT_EQ(lookups.take_turn("b", 4, start), Turn::kLead);
  EXPECT_THAT(lookups.finish("a", true, start), ElementsAre(2, 3));
  EXPECT_EQ(lookups.take_turn("a", 2, start), Turn::kGo);
  EXPECT_EQ(lookups.take_turn("a", 2, start + seconds(10)), Turn::kLead);
}

TEST(Lookups, ALookupThatFailedLeavesTheNameUnknown) {
  Lookups<int> lookups(seconds(10));
  EXPECT_EQ(lookups.take_turn("a", 1, {}), Turn::kLead);
  EXPECT_THAT(lookups.finish("a", false, {}), IsEmpty());
  EXPECT_EQ(lookups.take_turn("a", 2, {}), Turn::kLead);
}

}  // namespace
}  // namespace xcs::net
