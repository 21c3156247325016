#include "explain/reasons.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include "base/error.h"

namespace xcs::explain {
namespace {

const std::filesystem::path kRoot = XCS_SOURCE_DIR;

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path << " cannot be read";
  return {std::istreambuf_iterator<char>(file), {}};
}

// The program that triggers a reason and, where there is a remedy, the one that it repairs.
std::filesystem::path example_of(const ReasonInfo& reason) {
  std::string file(reason.code);
  for (char& c : file)
    if (c == '-') c = '_';
  return kRoot / "tests/explain/reasons" / (file + ".py");
}

std::string_view title(ReasonKind kind) {
  switch (kind) {
    case ReasonKind::kMissed:
      return "missed overlap";
    case ReasonKind::kOrdered:
      return "ordered by design";
    case ReasonKind::kLimit:
      return "limit";
  }
  std::unreachable();
}

std::string section(const ReasonInfo& reason) {
  std::string text = fmt::format("## {}\n\n*{}.* {}\n", reason.code, title(reason.kind), reason.explanation);
  if (!reason.remedy.empty()) text += fmt::format("\n**Remedy.** {}\n", reason.remedy);
  return text + fmt::format("\n```python\n{}```\n", read(example_of(reason)));
}

// docs/reasons.md, as the registry and the examples say it should be.
std::string page() {
  std::string text =
      "# Why a line does not overlap\n\n"
      "`xcs.explain` gives one of these codes for each line that waited, the line to blame and the seconds "
      "lost. A\n"
      "*missed overlap* can be repaired; what is *ordered by design* has to wait for the answers to be those "
      "of\n"
      "line-by-line execution; a *limit* is yours to set.\n\n"
      "In the examples `waits` shows the reason, and `repaired` is the same work without it; `ask` stands "
      "for a slow,\n"
      "independent call, `note` for an effect that happens in order. The tests run both, and check that "
      "`waits` meets\n"
      "the reason and that `repaired` overlaps.\n\n"
      "This page is generated from src/explain/reasons.cc and tests/explain/reasons/: docs/adding.md says "
      "how.\n\n"
      "| code | kind |\n| --- | --- |\n";
  for (const ReasonInfo& reason : reasons())
    text += fmt::format("| [{0}](#{0}) | {1} |\n", reason.code, title(reason.kind));
  for (const ReasonInfo& reason : reasons()) text += "\n" + section(reason);
  return text;
}

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

TEST(Reasons, HaveAKindWithAName) {
  EXPECT_EQ(name(ReasonKind::kMissed), "missed");
  EXPECT_EQ(name(ReasonKind::kOrdered), "ordered");
  EXPECT_EQ(name(ReasonKind::kLimit), "limit");
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

TEST(Reasons, EachHaveAnExampleAndNoExampleIsWithoutReason) {
  std::set<std::filesystem::path> expected;
  for (const ReasonInfo& reason : reasons()) expected.insert(example_of(reason));
  std::set<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(kRoot / "tests/explain/reasons"))
    if (entry.path().extension() == ".py") found.insert(entry.path());
  EXPECT_EQ(found, expected);
}

TEST(Reasons, PageIsUpToDate) {
  const std::filesystem::path path = kRoot / "docs/reasons.md";
  if (std::getenv("XCS_WRITE_DOCS") != nullptr) std::ofstream(path) << page();
  EXPECT_EQ(read(path), page()) << "to rewrite it: XCS_WRITE_DOCS=1 build/dev/src/explain/explain_test";
}

}  // namespace
}  // namespace xcs::explain
