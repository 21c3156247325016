// Frames, calls and effects: what runs ahead, and in which order effects commit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <numeric>

#include "manual_run.h"

namespace xcs::testing {
namespace {

using ::testing::ElementsAre;

int twice(int n) { return 2 * n; }
const auto ask = op(&twice, independent);

// Appends to a log that outlives the run.
struct Log {
  std::vector<std::string>* lines;
  void operator()(const std::string& line) const { lines->push_back(line); }
};

std::vector<int> numbers(int n) {
  std::vector<int> all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

int sum(const std::vector<int>& all) { return std::accumulate(all.begin(), all.end(), 0); }

TEST(Frames, CallsThatNeedNothingOfEachOtherAreInFlightTogether) {
  ManualRun run;
  EXPECT_EQ(run([] { return then(&sum, map(numbers(10), ask)); }), 90);
  EXPECT_EQ(run.counters().most_in_flight, 10U);
  EXPECT_EQ(run.counters().rounds, 1U);
}

Value<int> three_steps(int n) {
  int first = co_await ask(n);
  int second = co_await ask(first + 1);
  co_return co_await ask(second + 1);
}

TEST(Frames, EachItemOfAMapGoesOnByItself) {
  ManualRun run(7);
  std::uint64_t started = 0;
  run.executor.latency = [&](window::Ticket) { return started++ == 0 ? 1000 : 1; };
  EXPECT_EQ(run([] { return then(&sum, map(numbers(4), three_steps)); }), 4 * 6 + 8 * (0 + 1 + 2 + 3));
  EXPECT_EQ(run.counters().rounds, 3U);
  EXPECT_EQ(run.executor.now(), 1002U) << "the slow first call held up more than its own item";
}

TEST(Frames, ArgumentsThatAreStillComingHoldUpOnlyTheirCall) {
  ManualRun run;
  const int result = run([]() -> Value<int> {
    Value<int> first = ask(1);
    Value<int> second = ask(first);
    Value<int> other = ask(10);
    co_return co_await then([](int a, int b) { return a + b; }, second, other);
  });
  EXPECT_EQ(result, 24);
  EXPECT_EQ(run.counters().rounds, 2U);
  EXPECT_EQ(run.counters().most_in_flight, 2U);
}

Value<void> report(int n, Log log) {
  int answer = co_await ask(n);
  effect(log, std::to_string(answer));
  if (answer % 4 == 0) effect(log, "  and even before doubling");
  co_return;
}

TEST(Frames, EffectsOfFramesThatOvertakeEachOtherCommitInProgramOrder) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    std::vector<std::string> lines;
    ManualRun run(seed);
    run(
        [](Log log) -> Value<void> {
          effect(log, "begin");
          for (const Value<void>& done : map(numbers(3), [=](int n) { return report(n, log); }))
            co_await done;
          effect(log, "end");
        },
        Log{&lines});
    EXPECT_THAT(lines, ElementsAre("begin", "0", "  and even before doubling", "2", "4",
                                   "  and even before doubling", "end"))
        << "seed " << seed;
    EXPECT_EQ(run.counters().most_in_flight, 3U);
  }
}

TEST(Frames, AnEffectIsDoneAtItsPlaceAndItsResultCanBeUsed) {
  int counter = 0;
  ManualRun run;
  const auto next = op([&counter] { return ++counter; }, ordered);
  const std::string result = run([next] {
    Value<int> slow = ask(5);
    Value<int> first = next();
    Value<int> second = next();
    return then([](int a, int b, int c) { return std::to_string(a) + std::to_string(b) + std::to_string(c); },
                second, first, slow);
  });
  EXPECT_EQ(result, "2110");
}

Value<int> fibonacci(int n) {
  if (n < 2) co_return co_await ask(n);
  Value<int> a = fibonacci(n - 1);
  Value<int> b = fibonacci(n - 2);
  co_return co_await a + co_await b;
}

TEST(Frames, RecursionRunsAllItsLeavesAtOnce) {
  ManualRun run(3);
  EXPECT_EQ(run(fibonacci, 10), 2 * 55);
  EXPECT_EQ(run.counters().rounds, 1U);
  EXPECT_EQ(run.counters().most_in_flight, 89U);
}

Value<int> countdown(int n) {
  if (n == 0) co_return 0;
  co_return 1 + co_await countdown(co_await ask(n) / 2 - 1);
}

TEST(Frames, AChainOfDependentFramesIsAsLongAsItsCalls) {
  ManualRun run;
  EXPECT_EQ(run(countdown, 100), 100);
  EXPECT_EQ(run.counters().rounds, 100U);
}

Value<int> row(int n) { co_return sum(co_await all(map(numbers(n), three_steps))); }

TEST(Frames, MapsWithinMapsOverlapEntirely) {
  ManualRun run;
  run([] { return then(&sum, map(numbers(6), row)); });
  EXPECT_EQ(run.counters().calls, 3U * (0 + 1 + 2 + 3 + 4 + 5));
  EXPECT_EQ(run.counters().rounds, 3U);
  EXPECT_EQ(run.counters().most_in_flight, 15U);
}

TEST(Frames, NoMoreCallsAreInFlightThanAllowed) {
  ManualRun run(1, {.window = {.max_in_flight = 3}});
  EXPECT_EQ(run([] { return then(&sum, map(numbers(20), three_steps)); }), 20 * 6 + 8 * 190);
  EXPECT_EQ(run.counters().most_in_flight, 3U);
}

TEST(Frames, FramesBeginOnlyWhileTheWindowHasRoom) {
  ManualRun run(1, {.window = {.window = 4}});
  EXPECT_EQ(run([] { return then(&sum, map(numbers(50), three_steps)); }), 50 * 6 + 8 * 1225);
  EXPECT_LE(run.counters().most_in_flight, 4U);
}

TEST(Frames, EqualCallsAreSeparateCallsAndUnusedOnesAreMade) {
  ManualRun run;
  run([] {
    ask(1);
    ask(1);
    return ask(1);
  });
  EXPECT_EQ(run.counters().calls, 3U);
}

TEST(Frames, ASequentialRunCompletesEachCallBeforeTheNextLine) {
  ManualRun run(0, {.sequential = true});
  EXPECT_EQ(run([] { return then(&sum, map(numbers(4), three_steps)); }), 72);
  EXPECT_EQ(run.counters().most_in_flight, 1U);
}

Value<std::unique_ptr<int>> boxed(int n) { co_return std::make_unique<int>(co_await ask(n)); }

TEST(Values, CanHoldWhatOnlyMoves) {
  ManualRun run;
  EXPECT_EQ(run([]() -> Value<int> { co_return *co_await boxed(4); }), 8);
}

TEST(Values, OfATemporaryThatOthersShareAreNotMovedAway) {
  ManualRun run;
  const std::string result = run([]() -> Value<std::string> {
    Value<std::string> text = then([](int n) { return std::string(50, 'x') + std::to_string(n); }, ask(1));
    Value<std::string> copy = text;
    std::string taken = co_await std::move(copy);
    co_return taken.substr(48) + (co_await text).substr(48);
  });
  EXPECT_EQ(result, "xx2xx2");
}

TEST(Values, TextIsKeptAsItIsAtTheCall) {
  std::string late = "first";
  ManualRun run;
  EXPECT_EQ(run([&late] {
              const auto second = [](int, const std::string& a, const std::string& b) { return a + b; };
              Value<std::string> joined = then(second, ask(1), late.c_str(), std::string_view(late));
              late = "other";
              return joined;
            }),
            "firstfirst");
}

TEST(Values, MadeFromPlainOnesAreThereAtOnce) {
  const Value<std::string> outside = "constant";
  ManualRun run;
  EXPECT_EQ(run([outside]() { return then([](const std::string& s) { return s + "!"; }, outside); }),
            "constant!");
  EXPECT_EQ(run.counters().calls, 0U);
}

}  // namespace
}  // namespace xcs::testing
