#include "explain/reasons.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace xcs::explain {
namespace {

bool is_kebab_case(std::string_view code) {
  if (code.empty() || code.front() == '-' || code.back() == '-') return false;
  return code.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string_view::npos;
}

TEST(Reasons, StandInTheTableAtTheirEnumeratorsPlace) {
  std::uint16_t expected = 1;
  for (const ReasonInfo& reason : reasons()) {
    EXPECT_EQ(std::to_underlying(reason.reason), expected) << reason.code;
    EXPECT_EQ(&info(reason.reason), &reason);
    ++expected;
  }
  EXPECT_EQ(expected, std::to_underlying(Reason::kWindowFull) + 1) << "an enumerator has no row";
}

TEST(Reasons, AreFoundByTheirCode) {
  for (const ReasonInfo& reason : reasons()) EXPECT_EQ(reason_of(reason.code), reason.reason);
  EXPECT_EQ(reason_of("no-such-reason"), std::nullopt);
}

TEST(Reasons, HaveDistinctKebabCaseCodes) {
  std::set<std::string_view> seen;
  for (const ReasonInfo& reason : reasons()) {
    EXPECT_TRUE(is_kebab_case(reason.code)) << reason.code;
    EXPECT_TRUE(seen.insert(reason.code).second) << reason.code << " stands twice";
  }
}

TEST(Reasons, AreExplainedInOneSentence) {
  for (const ReasonInfo& reason : reasons()) {
    EXPECT_TRUE(reason.explanation.ends_with('.')) << reason.code;
    EXPECT_EQ(reason.explanation.find(". "), std::string_view::npos) << reason.code;
  }
}

TEST(Reasons, ForMissedOverlapsAndLimitsHaveARemedy) {
  for (const ReasonInfo& reason : reasons()) {
    EXPECT_TRUE(reason.kind == ReasonKind::kOrdered || !reason.remedy.empty()) << reason.code;
  }
}

TEST(Reasons, AreCheckedWhenLookedUp) {
  EXPECT_THROW(info(Reason::kNone), InternalError);
  EXPECT_THROW(info(static_cast<Reason>(10'000)), InternalError);
}

}  // namespace
}  // namespace xcs::explain
