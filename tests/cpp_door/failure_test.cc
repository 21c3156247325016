// Exceptions: which one a run ends with, what has been committed then, and what can be handled.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "manual_run.h"

namespace xcs::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Refused : std::runtime_error {
  explicit Refused(int n) : std::runtime_error("refused " + std::to_string(n)), number(n) {}
  int number;
};

// Refuses negative numbers.
int check(int n) {
  if (n < 0) throw Refused(n);
  return n;
}
const auto ask = op(&check, independent);

struct Log {
  std::vector<std::string>* lines;
  void operator()(const std::string& line) const { lines->push_back(line); }
};

template <class F>
std::string message_of(F&& act) {
  try {
    act();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

Value<int> relay(int n, Log log) {
  int answer = co_await ask(n);
  effect(log, "got " + std::to_string(answer));
  co_return answer;
}

Value<int> relay_all(std::vector<int> items, Log log) {
  int total = 0;
  for (const Value<int>& v : map(items, [=](int n) { return relay(n, log); })) total += co_await v;
  effect(log, "total");
  co_return total;
}

TEST(Failures, TheFirstInProgramOrderWinsInEveryOrderOfCompletion) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    std::vector<std::string> lines;
    ManualRun run(seed);
    EXPECT_EQ(message_of([&] { run(relay_all, std::vector{1, 2, -3, 4, -5, -6}, Log{&lines}); }),
              "refused -3");
    EXPECT_THAT(lines, ElementsAre("got 1", "got 2")) << "seed " << seed;
    EXPECT_EQ(run.executor.running(), 0U);
  }
}

TEST(Failures, TheExceptionIsTheVeryObjectThatWasThrown) {
  const void* thrown = nullptr;
  const auto fail = op(
      [&thrown](int n) -> int {
        try {
          throw Refused(n);
        } catch (const Refused& e) {
          thrown = &e;
          throw;
        }
      },
      independent);
  ManualRun run;
  try {
    run([fail] { return then([](int n) { return n; }, fail(-1)); });
    FAIL() << "nothing was thrown";
  } catch (const Refused& e) {
    EXPECT_EQ(&e, thrown);
  }
}

TEST(Failures, ARunThatIsCertainToFailCancelsWhatIsInFlight) {
  ManualRun run;
  run.executor.latency = [](window::Ticket ticket) { return ticket == 1 ? 1 : 1'000'000; };
  std::vector<std::string> lines;
  EXPECT_EQ(message_of([&] { run(relay_all, std::vector{-1, 2, 3, 4}, Log{&lines}); }), "refused -1");
  EXPECT_EQ(run.executor.now(), 1U) << "the run waited for calls that nobody needs";
  EXPECT_EQ(run.counters().cancelled, 3U);
}

TEST(Failures, AnEarlierCallInFlightMayStillFailFirst) {
  ManualRun run;
  run.executor.latency = [](window::Ticket ticket) { return ticket == 1 ? 100 : 1; };
  std::vector<std::string> lines;
  EXPECT_EQ(message_of([&] { run(relay_all, std::vector{-1, -2}, Log{&lines}); }), "refused -1");
  EXPECT_EQ(run.executor.now(), 100U);
}

TEST(Failures, OneThatNobodyLooksAtEndsTheRunAtItsPlace) {
  std::vector<std::string> lines;
  ManualRun run;
  EXPECT_EQ(message_of([&] {
              run(
                  [](Log log) -> Value<int> {
                    effect(log, "before");
                    ask(-1);
                    effect(log, "after");
                    co_return 1;
                  },
                  Log{&lines});
            }),
            "refused -1");
  EXPECT_THAT(lines, ElementsAre("before"));
}

TEST(Failures, NothingAfterTheFailedCallCommitsThoughItsValueIsLookedAtLater) {
  std::vector<std::string> lines;
  ManualRun run;
  EXPECT_EQ(message_of([&] {
              run(
                  [](Log log) -> Value<int> {
                    Value<int> value = ask(-1);
                    effect(log, "between");
                    co_return co_await value;
                  },
                  Log{&lines});
            }),
            "refused -1");
  EXPECT_THAT(lines, IsEmpty());
}

Value<int> forgive(int n, Log log) {
  Value<int> value = ask(n);
  effect(log, "asked " + std::to_string(n));
  try {
    co_return co_await value;
  } catch (const Refused& e) {
    effect(log, "forgave " + std::to_string(e.number));
  }
  co_return 0;
}

TEST(Failures, OneThatIsCaughtIsHandledAndTheProgramGoesOn) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    std::vector<std::string> lines;
    ManualRun run(seed);
    const int total = run(
        [](Log log) -> Value<int> {
          int sum = 0;
          for (const Value<int>& v : map(std::vector{-1, 2, -3}, [=](int n) { return forgive(n, log); }))
            sum += co_await v;
          co_return sum;
        },
        Log{&lines});
    EXPECT_EQ(total, 2);
    EXPECT_THAT(lines, ElementsAre("asked -1", "forgave -1", "asked 2", "asked -3", "forgave -3"));
  }
}

Value<int> fails_deep(int n, Log log) {
  if (n == 0) co_return co_await ask(-7);
  Value<int> inner = fails_deep(n - 1, log);
  effect(log, "level " + std::to_string(n));
  co_return co_await inner + 1;
}

TEST(Failures, OneThatPassedThroughFramesCanBeCaughtOutside) {
  std::vector<std::string> lines;
  ManualRun run;
  const int result = run(
      [](Log log) -> Value<int> {
        try {
          co_await fails_deep(3, log);
        } catch (const Refused& e) {
          effect(log, e.what());
          co_return e.number;
        }
        co_return 0;
      },
      Log{&lines});
  EXPECT_EQ(result, -7);
  EXPECT_THAT(lines, ElementsAre("level 1", "level 2", "level 3", "refused -7"));
}

TEST(Failures, OneInAnArgumentIsHandledThroughTheResult) {
  ManualRun run;
  const int result = run([]() -> Value<int> {
    Value<int> joined = then([](int a, int b) { return a + b; }, ask(1), then(&check, ask(-2)));
    try {
      co_return co_await joined;
    } catch (const Refused& e) {
      co_return e.number;
    }
  });
  EXPECT_EQ(result, -2);
}

Value<int> reversed() {
  Value<int> a = ask(-1);
  Value<int> b = ask(-2);
  Value<int> joined = then([](int x, int y) { return x + y; }, b, a);
  int met = 0;
  for (const Value<int>& v : {joined, a}) {
    try {
      co_await v;
    } catch (const Refused& e) {
      met = 10 * met + e.number;
    }
  }
  co_return met;
}

TEST(Failures, ACallWithSeveralFailedArgumentsFailsAsTheFirstOfThem) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) EXPECT_EQ(ManualRun(seed)(reversed), -21);
}

TEST(Failures, AnotherExceptionFromAHandlerTakesItsPlace) {
  std::vector<std::string> lines;
  ManualRun run;
  EXPECT_EQ(message_of([&] {
              run(
                  [](Log log) -> Value<int> {
                    try {
                      co_await ask(-1);
                    } catch (const Refused&) {
                      effect(log, "handler");
                      throw std::logic_error("translated");
                    }
                    co_return 0;
                  },
                  Log{&lines});
            }),
            "translated");
  EXPECT_THAT(lines, ElementsAre("handler"));
}

TEST(Failures, AHandlerThatThrowsAgainHasDoneItsEffects) {
  std::vector<std::string> lines;
  ManualRun run;
  EXPECT_EQ(message_of([&] {
              run(
                  [](Log log) -> Value<int> {
                    try {
                      co_await ask(-1);
                    } catch (const Refused&) {
                      effect(log, "handler");
                      throw;
                    }
                    co_return 0;
                  },
                  Log{&lines});
            }),
            "refused -1");
  EXPECT_THAT(lines, ElementsAre("handler"));
}

TEST(Failures, AnEffectThatThrowsFailsAtItsPlace) {
  std::vector<std::string> lines;
  ManualRun run;
  EXPECT_EQ(message_of([&] {
              run(
                  [](Log log) -> Value<int> {
                    Value<int> slow = ask(1);
                    effect(log, "one");
                    effect([] { throw std::runtime_error("disk full"); });
                    effect(log, "two");
                    co_return co_await slow;
                  },
                  Log{&lines});
            }),
            "disk full");
  EXPECT_THAT(lines, ElementsAre("one"));
}

TEST(Failures, AnEffectBehindAFailureThatCannotBeHandledBeforeItEndsTheRun) {
  ManualRun run;
  EXPECT_EQ(message_of([&] {
              run([]() -> Value<int> {
                Value<int> failed = ask(-1);
                co_await effect([] {});
                try {
                  co_return co_await failed;
                } catch (const Refused&) {
                  co_return 0;
                }
              });
            }),
            "refused -1");
}

Value<int> throws_at_once() {
  throw Refused(-9);
  co_return 0;
}

TEST(Failures, AFrameThatThrowsAtOnceFailsItsValueAndNotItsCaller) {
  ManualRun run;
  const int result = run([]() -> Value<int> {
    Value<int> value = throws_at_once();
    Value<int> other = ask(4);
    bool refused = false;
    try {
      co_await value;
    } catch (const Refused&) {
      refused = true;
    }
    co_return refused ? co_await other : 0;
  });
  EXPECT_EQ(result, 4);
}

TEST(Failures, APlainFunctionThatThrowsEndsTheRunAfterWhatItStarted) {
  std::vector<std::string> lines;
  ManualRun run;
  EXPECT_EQ(message_of([&] {
              run(
                  [](Log log) -> Value<int> {
                    effect(log, "started");
                    throw Refused(-8);
                  },
                  Log{&lines});
            }),
            "refused -8");
  EXPECT_THAT(lines, ElementsAre("started"));
}

}  // namespace
}  // namespace xcs::testing
