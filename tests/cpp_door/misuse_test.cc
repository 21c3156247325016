// What a user is told who does what cannot work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "manual_run.h"

namespace xcs::testing {
namespace {

using ::testing::HasSubstr;

const auto ask = op([](int n) { return n; }, independent);

template <class F>
std::string usage_error(F&& act) {
  try {
    act();
  } catch (const UsageError& e) {
    return e.what();
  }
  return "no UsageError";
}

Value<int> frame() { co_return 1; }

TEST(Misuse, ACallOutsideARunIsRefused) {
  EXPECT_THAT(usage_error([] { ask(1); }), HasSubstr("outside a run"));
  EXPECT_THAT(usage_error([] { frame(); }), HasSubstr("outside a run"));
}

TEST(Misuse, ACallOnAnotherThreadIsRefused) {
  std::string message;
  ManualRun run;
  run([&message]() {
    Value<int> value = ask(1);
    std::thread([&] { message = usage_error([&] { then([](int n) { return n; }, value); }); }).join();
    return value;
  });
  EXPECT_THAT(message, HasSubstr("outside a run"));
}

TEST(Misuse, AValueThatHasOutlivedItsRunIsRefused) {
  std::optional<Value<int>> kept;
  ManualRun()([&kept] {
    kept = ask(1);
    return *kept;
  });
  ManualRun run;
  EXPECT_THAT(usage_error([&] { run([&kept] { return then([](int n) { return n; }, *kept); }); }),
              HasSubstr("outlived its run"));
}

TEST(Misuse, AValueOfAnotherRunIsRefused) {
  ManualRun outer;
  const std::string message = outer([] {
    Value<int> value = ask(1);
    const std::string inner_message =
        usage_error([&] { ManualRun()([value] { return then([](int n) { return n; }, value); }); });
    return Value<std::string>(inner_message);
  });
  EXPECT_THAT(message, HasSubstr("another run"));
}

TEST(Misuse, AnEmptyValueIsRefused) {
  ManualRun run;
  EXPECT_THAT(usage_error([&] {
                run([] {
                  Value<int> value = ask(1);
                  Value<int> moved = std::move(value);
                  return then([](int n) { return n; }, value);  // NOLINT(bugprone-use-after-move)
                });
              }),
              HasSubstr("moved from"));
}

TEST(Misuse, ACallInsideAnOpIsRefused) {
  for (const Effect kind : {pure, ordered}) {
    ManualRun run;
    EXPECT_THAT(usage_error([&] {
                  run([kind] {
                    return op(
                        [] {
                          ask(1);
                          return 1;
                        },
                        kind)();
                  });
                }),
                HasSubstr("inside the callable of an op"));
  }
}

// Reads a value that a later frame leaves behind.
Value<int> reads_ahead(std::shared_ptr<std::optional<Value<int>>> box) {
  co_await ask(1);
  co_return co_await box->value();
}
Value<int> waits_for(Value<int> other) { co_return co_await other; }

TEST(Misuse, FramesThatWaitForEachOtherEndTheRun) {
  ManualRun run;
  EXPECT_THAT(usage_error([&] {
                run([] {
                  auto box = std::make_shared<std::optional<Value<int>>>();
                  Value<int> first = reads_ahead(box);
                  *box = waits_for(first);
                  return first;
                });
              }),
              HasSubstr("wait for"));
}

TEST(Misuse, AnArgumentMadeAfterItsUseIsRefused) {
  ManualRun run;
  const auto effect_after = [](std::shared_ptr<std::optional<Value<int>>> box) -> Value<int> {
    co_await ask(1);
    co_return co_await op([](int n) { return n; }, ordered)(box->value());
  };
  EXPECT_THAT(usage_error([&] {
                run([effect_after] {
                  auto box = std::make_shared<std::optional<Value<int>>>();
                  Value<int> first = effect_after(box);
                  *box = op([] { return 2; }, ordered)();
                  return first;
                });
              }),
              HasSubstr("made after its use"));
}

TEST(Misuse, FramesThatTakeReferencesDoNotCompile) {
  const auto captures_nothing = [](int) {};
  const auto captures = [text = std::string()](int) {};
  EXPECT_TRUE(detail::kOwned<std::string>);
  EXPECT_TRUE(detail::kOwned<const std::string*>);
  EXPECT_TRUE(detail::kOwned<const decltype(captures_nothing)&>);
  EXPECT_FALSE(detail::kOwned<const std::string&>);
  EXPECT_FALSE(detail::kOwned<std::string&&>);
  EXPECT_FALSE(detail::kOwned<const decltype(captures)&>);
}

TEST(Misuse, OptionsOutOfRangeAreRefusedByName) {
  EXPECT_THAT(usage_error([] { Runtime({.max_in_flight = 0}); }), HasSubstr("max_in_flight is 0"));
  EXPECT_THAT(usage_error([] { Runtime({.window = 0}); }), HasSubstr("window is 0"));
  EXPECT_THAT(usage_error([] { Runtime({.max_threads = 0}); }), HasSubstr("max_threads is 0"));
}

struct CallsInItsDestructor {
  std::string* message;
  explicit CallsInItsDestructor(std::string* m) : message(m) {}
  CallsInItsDestructor(const CallsInItsDestructor&) = delete;
  CallsInItsDestructor& operator=(const CallsInItsDestructor&) = delete;
  ~CallsInItsDestructor() {
    *message = usage_error([] { ask(1); });
  }
};

TEST(Misuse, ACallInADestructorOfACancelledFrameIsRefused) {
  std::string message;
  {
    ManualRun run;
    run.begin(
        [](std::string* m) -> Value<int> {
          const CallsInItsDestructor local(m);
          co_return co_await ask(1);
        },
        &message);
    run.door->step();
  }
  EXPECT_THAT(message, HasSubstr("between frames"));
}

}  // namespace
}  // namespace xcs::testing
