// Runs that are given up: at every step, nothing of them is left.
#include <gtest/gtest.h>

#include "manual_run.h"

namespace xcs::testing {
namespace {

// Counts how many of it there are.
class Counted {
 public:
  explicit Counted(int* alive) : alive_(alive) { ++*alive_; }
  Counted(const Counted& other) : Counted(other.alive_) {}
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --*alive_; }

 private:
  int* alive_;
};

struct Ask {
  Counted counted;
  int operator()(int n, const Counted&) const {
    if (n == 13) throw std::runtime_error("thirteen");
    return n + 1;
  }
};

Value<int> step(int n, Counted counted) {
  const auto ask = op(Ask{counted}, independent);
  const Counted local = counted;
  int first = co_await ask(n, local);
  Value<int> second = ask(first, local);
  effect([counted](int) {}, first);
  try {
    co_return co_await second;
  } catch (const std::runtime_error&) {
    effect([counted] {});
  }
  co_return co_await ask(0, counted);
}

Value<int> program(Counted counted) {
  const std::vector<int> items{1, 12, 3, 4};
  std::vector<Value<int>> inner = map(items, [&](int n) { return step(n, counted); });
  Value<std::vector<int>> together = all(inner);
  int sum = 0;
  for (int n : co_await together) sum += co_await step(n, counted);
  co_return sum;
}

// The number of steps to the end, or none when given up after `limit`.
std::optional<int> run_for(int limit, std::uint64_t seed, const runtime::DoorOptions& options) {
  int alive = 0;
  ManualRun run(seed, options);
  run.begin(program, Counted(&alive));
  for (int steps = 0; steps < limit; ++steps) {
    if (run.door->step()) return steps;
  }
  EXPECT_GT(alive, 0);
  run.door.reset();
  EXPECT_EQ(alive, 0) << "after " << limit << " steps of seed " << seed;
  EXPECT_EQ(run.executor.running(), 0U);
  EXPECT_EQ(run.executor.drained_with, 0U);
  return std::nullopt;
}

TEST(Cancel, DestroyingARunAtAnyStepLeavesNothingRunningAndNothingBehind) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    int limit = 0;
    while (!run_for(limit, seed, {})) ++limit;
    EXPECT_GT(limit, 20);
  }
}

TEST(Cancel, SoItDoesWithOneCallInFlightAndAWindowOfOne) {
  int limit = 0;
  while (!run_for(limit, 1, {.window = {.max_in_flight = 1, .window = 1}})) ++limit;
  EXPECT_GT(limit, 20);
}

TEST(Cancel, ACompleteRunHoldsNothing) {
  int alive = 0;
  {
    ManualRun run(5);
    EXPECT_EQ(run(program, Counted(&alive)), (3 + 2) + (1 + 2) + (5 + 2) + (6 + 2));
    EXPECT_EQ(alive, 0);
  }
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace xcs::testing
