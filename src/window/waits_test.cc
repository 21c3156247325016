#include "window/waits.h"

#include <gtest/gtest.h>

namespace xcs::window {
namespace {

constexpr auto kUnknownCallee = static_cast<ReasonCode>(explain::Reason::kUnknownCallee);
constexpr auto kNeedsAnswer = static_cast<ReasonCode>(explain::Reason::kNeedsAnswer);

struct WaitsTest : testing::Test {
  ir::Program program;
  ir::Node culprit{.op = ir::Op::kCall}, victim{.op = ir::Op::kCall};
  Waits waits;
  Waits::Row own = waits.own(program, culprit, kUnknownCallee);

  Wait only(std::size_t site) {
    const std::vector<Site> sites = waits.sites();
    EXPECT_EQ(sites.at(site).waits.size(), 1U);
    return sites.at(site).waits.at(0);
  }
};

TEST_F(WaitsTest, TimeThatSeveralWaitForOneNodeIsLostOnce) {
  waits.hold(own, 100);
  waits.hold(own, 120);
  waits.release(own, 150);
  waits.release(own, 200);
  waits.hold(own, 300);
  waits.release(own, 310);
  EXPECT_EQ(only(0).lost_ns, 110U);
}

TEST_F(WaitsTest, TimesFoundAfterwardsCountOnceWhereTheyOverlap) {
  waits.lose(own, 100, 200);
  waits.lose(own, 150, 250);
  EXPECT_EQ(only(0).lost_ns, 150U);
  waits.lose(own, 50, 240);
  EXPECT_EQ(only(0).lost_ns, 200U);
  waits.lose(own, 400, 500);
  EXPECT_EQ(only(0).lost_ns, 300U);
}

TEST_F(WaitsTest, TimeFoundWhileOthersWaitIsLostOnce) {
  waits.hold(own, 100);
  waits.lose(own, 150, 200);
  waits.release(own, 200);
  EXPECT_EQ(only(0).lost_ns, 100U);
}

TEST_F(WaitsTest, AWaitStandsWithTheNodeThatWaitedAndNamesTheOneToBlame) {
  const Waits::Row row = waits.because_of(program, victim, own);
  waits.begin(row);
  waits.end(row, 10, 30);
  const Wait wait = only(1);
  EXPECT_EQ(wait.node, &culprit);
  EXPECT_EQ(wait.times, 1U);
  EXPECT_EQ(wait.wait_ns, 20U);
  EXPECT_EQ(wait.lost_ns, 0U);
  EXPECT_EQ(waits.root(row), own);
}

TEST_F(WaitsTest, ReasonsOfOneNodeAreToldApart) {
  EXPECT_NE(waits.own(program, culprit, kNeedsAnswer), own);
  EXPECT_EQ(waits.own(program, culprit, kUnknownCallee), own);
  EXPECT_TRUE(waits.is_missed(own));
  EXPECT_FALSE(waits.is_missed(waits.own(program, culprit, kNeedsAnswer)));
  EXPECT_EQ(waits.sites().size(), 1U);
}

}  // namespace
}  // namespace xcs::window
