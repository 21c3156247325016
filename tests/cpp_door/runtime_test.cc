// The runtime as users have it: real threads, real requests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

#include "sim/sim_server.h"
#include "xcs/xcs.h"

namespace xcs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::unique_ptr<sim::SimServer> serve() {
  sim::SimOptions options;
  options.api_key = "right";
  options.weather = sim::fixed_latency(5);
  return *sim::SimServer::start(options);
}

Llm model_at(const sim::SimServer& server, std::string key = "right") {
  return Llm(
      {.model = "gpt-4o-mini", .base_url = server.url() + "/v1", .api_key = std::move(key), .max_tokens = 8});
}

TEST(Runtime, IndependentCallsRunOnThreadsOfTheirOwn) {
  std::latch all_running(8);
  const auto meet = op(
      [&](int n) {
        all_running.arrive_and_wait();
        return n;
      },
      independent);
  Runtime runtime;
  const std::vector<int> items{1, 2, 3, 4, 5, 6, 7, 8};
  const auto results = runtime.run([&] { return all(map(items, meet)); });
  EXPECT_EQ(results, items);
  EXPECT_EQ(runtime.last_run().most_in_flight, 8U);
}

TEST(Runtime, EffectsRunOnTheCallingThread) {
  std::vector<std::thread::id> threads;
  const auto note = [&threads](int) { threads.push_back(std::this_thread::get_id()); };
  Runtime runtime;
  runtime.run([note]() {
    const auto call = op([](int n) { return n; }, independent);
    for (const int n : {1, 2}) effect(note, call(n));
    return Value<int>(0);
  });
  EXPECT_THAT(threads, ElementsAre(std::this_thread::get_id(), std::this_thread::get_id()));
}

TEST(Runtime, NothingRunsAnyMoreWhenAFailedRunReturns) {
  std::atomic<int> running = 0;
  const auto call = op(
      [&](int n) {
        ++running;
        if (n == 0) {
          --running;
          throw std::runtime_error("first");
        }
        std::this_thread::yield();
        --running;
        return n;
      },
      independent);
  Runtime runtime({.max_threads = 4});
  for (int i = 0; i < 50; ++i) {
    EXPECT_THROW(runtime.run([&] { return all(map(std::vector{0, 1, 2, 3, 4, 5, 6, 7}, call)); }),
                 std::runtime_error);
    EXPECT_EQ(running, 0);
  }
}

TEST(Runtime, ServesRunsOnSeveralThreadsAtOnce) {
  Runtime runtime;
  const auto square = op([](int n) { return n * n; }, independent);
  std::array<int, 4> results{};
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < results.size(); ++t)
      threads.emplace_back([&, t] {
        results.at(t) = runtime.run([&]() {
          return then([](const std::vector<int>& v) { return v[0] + v[1]; },
                      map(std::vector<int>{static_cast<int>(t), 10}, square));
        });
      });
  }
  EXPECT_THAT(results, ElementsAre(100, 101, 104, 109));
}

TEST(Runtime, ARunMayBeMadeInsideAnOp) {
  Runtime runtime;
  const auto inner = [&runtime](int n) {
    return runtime.run([n] { return op([](int m) { return m + 1; }, independent)(n); });
  };
  EXPECT_EQ(runtime.run([&] { return op(inner, independent)(1); }), 2);
  EXPECT_EQ(runtime.run([&] { return op(inner, ordered)(1); }), 2);
}

Value<std::string> relay(Llm model, std::string prompt) {
  const std::string first = co_await model(prompt);
  co_return co_await model(first + " again");
}

TEST(Runtime, ModelCallsGiveWhatTheyGiveOneByOne) {
  const auto server = serve();
  const auto program = [model = model_at(*server)] {
    return all(map(std::vector<std::string>{"a", "b", "c"},
                   [&](std::string p) { return relay(model, std::move(p)); }));
  };
  Runtime runtime;
  const std::vector<std::string> together = runtime.run(program);
  EXPECT_EQ(runtime.last_run().calls, 6U);
  EXPECT_EQ(runtime.last_run().rounds, 2U);
  EXPECT_EQ(runtime.last_run().most_in_flight, 3U);
  Runtime sequential({.sequential = true});
  EXPECT_EQ(sequential.run(program), together);
  EXPECT_EQ(sequential.last_run().most_in_flight, 1U);
}

TEST(Runtime, AnAnswerSaysWhatItCost) {
  const auto server = serve();
  Runtime runtime;
  const LlmAnswer answer = runtime.run([&] { return model_at(*server).answer("How are you?"); });
  EXPECT_FALSE(answer.text.empty());
  EXPECT_GT(answer.input_tokens, 0);
  EXPECT_GT(answer.output_tokens, 0);
  EXPECT_EQ(answer.attempts, 1);
}

TEST(Runtime, AWrongKeyFailsWithTheServersStatus) {
  const auto server = serve();
  Runtime runtime;
  try {
    runtime.run([&] { return model_at(*server, "wrong")("hello"); });
    FAIL() << "the call succeeded";
  } catch (const CallError& e) {
    EXPECT_EQ(e.http_status(), 401);
    EXPECT_FALSE(e.transient());
    EXPECT_THAT(e.what(), ::testing::Not(HasSubstr("wrong")));
  }
}

TEST(Runtime, AServerThatIsNotThereFailsTheCall) {
  Runtime runtime;
  const Llm model(
      {.model = "gpt-4o-mini", .base_url = "http://127.0.0.1:1/v1", .api_key = "k", .max_retries = 0});
  try {
    runtime.run([&] { return model("hello"); });
    FAIL() << "the call succeeded";
  } catch (const CallError& e) {
    EXPECT_EQ(e.code(), "net.connect");
    EXPECT_TRUE(e.transient());
    EXPECT_EQ(e.http_status(), std::nullopt);
  }
}

TEST(Runtime, ModelCallsInFlightAreCancelledWhenTheRunFails) {
  const auto server = serve();
  Runtime runtime;
  const Llm model = model_at(*server);
  EXPECT_THROW(runtime.run([model]() -> Value<int> {
    effect([] { throw std::runtime_error("no"); });
    std::vector<Value<std::string>> answers = map(std::vector<std::string>(50, "hello"), model);
    return then([](const std::vector<std::string>& texts) { return static_cast<int>(texts.size()); },
                answers);
  }),
               std::runtime_error);
  EXPECT_EQ(runtime.last_run().calls, runtime.last_run().cancelled);
}

}  // namespace
}  // namespace xcs
