#include "llm/shared_limiter.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

namespace xcs::llm {
namespace {

using std::chrono::seconds;

constexpr Need kOneRequest = {1, 0, 0, 0};

class SharedLimiterTest : public ::testing::Test {
 protected:
  SharedLimiterTest() {
    std::string pattern = ::testing::TempDir() + "xcs-limits-XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~SharedLimiterTest() override { std::filesystem::remove_all(directory_); }

  std::unique_ptr<SharedLimiter> open(std::string_view group = "group") {
    return SharedLimiter::open(directory_, group, now_);
  }
  bool begins(SharedLimiter& limiter) {
    bool begun = false;
    limiter.with_limiter(now_, [&](Limiter& l) { begun = l.try_begin(kOneRequest, now_).has_value(); });
    return begun;
  }
  void end(SharedLimiter& limiter, const Limiter::End& end) {
    limiter.with_limiter(now_, [&](Limiter& l) { l.end(end, now_); });
  }

  std::string directory_;
  TimePoint now_{seconds(1000)};
};

TEST_F(SharedLimiterTest, ACoolDownHoldsForWhoeverOpensTheSameGroup) {
  const auto one = open();
  const auto other = open();
  const auto stranger = open("another group");
  ASSERT_TRUE(one && other && stranger);
  ASSERT_TRUE(begins(*one));
  end(*one, {.outcome = Outcome::kRateLimit, .server_delay = seconds(5)});
  EXPECT_FALSE(begins(*other));
  EXPECT_TRUE(begins(*stranger));
  now_ += seconds(5);
  EXPECT_TRUE(begins(*other));
}

TEST_F(SharedLimiterTest, WhatAProcessThatDiedHadInFlightIsGivenUp) {
  const auto mine = open();
  const pid_t child = fork();
  if (child == 0) {
    const auto its = open();
    for (int i = 0; i < 20; ++i) begins(*its);
    _exit(begins(*its) ? 1 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0) << "the twenty-first has to wait";
  now_ += seconds(2);
  EXPECT_TRUE(begins(*mine));
  mine->with_limiter(now_, [](Limiter& l) { EXPECT_EQ(l.in_flight(), 1); });
}

TEST_F(SharedLimiterTest, ALockThatDiedWithItsHolderIsTakenOver) {
  const auto mine = open();
  const pid_t child = fork();
  if (child == 0) {
    const auto its = open();
    its->with_limiter(now_, [](Limiter&) { _exit(0); });
  }
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(begins(*mine));
}

TEST_F(SharedLimiterTest, WhatIsLongPastIsForgotten) {
  const auto mine = open();
  ASSERT_TRUE(begins(*mine));
  end(*mine, {.outcome = Outcome::kRateLimit, .server_delay = std::chrono::hours(1)});
  now_ += std::chrono::minutes(11);
  EXPECT_TRUE(begins(*mine));
}

TEST_F(SharedLimiterTest, AFileOfAnotherVersionOrOfNonsenseBeginsAnew) {
  {
    ASSERT_TRUE(open());
  }
  for (const auto& file : std::filesystem::directory_iterator(directory_))
    std::ofstream(file.path(), std::ios::binary) << std::string(4096, 'x');
  const auto mine = open();
  ASSERT_TRUE(mine);
  EXPECT_TRUE(begins(*mine));
}

TEST_F(SharedLimiterTest, FilesAreTheirOwnersAloneAndTheirNamesTellNoKey) {
  ASSERT_TRUE(open("https://a\nsk-secret\nmodel"));
  for (const auto& file : std::filesystem::directory_iterator(directory_)) {
    EXPECT_EQ(file.path().string().find("secret"), std::string::npos);
    EXPECT_EQ(file.status().permissions() & std::filesystem::perms::mask,
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
  EXPECT_EQ(SharedLimiter::open("/nowhere", "g", now_), nullptr);
}

}  // namespace
}  // namespace xcs::llm
