#include "sim/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace xcs::sim {
namespace {

std::int64_t word_count(const std::string& text) { return std::ranges::count(text, ' ') + 1; }

TEST(AnswerText, IsTwelveWordsWithoutADirective) {
  EXPECT_EQ(word_count(answer_text("Tell me a story.", 1)), 12);
  EXPECT_EQ(word_count(answer_text("", 1)), 12);
}

TEST(AnswerText, DependsOnNothingButItsArguments) {
  EXPECT_EQ(answer_text("Tell me a story.", 7), answer_text("Tell me a story.", 7));
  EXPECT_NE(answer_text("Tell me a story.", 7), answer_text("Tell me a story.", 8));
}

TEST(AnswerText, ReachesEveryNumberOfTheRangeAndNoOther) {
  std::set<std::string> seen;
  for (std::uint64_t hash = 0; hash < 200; ++hash) seen.insert(answer_text("Rate it [number -1-2].", hash));
  EXPECT_THAT(seen, testing::UnorderedElementsAre("-1", "0", "1", "2"));
}

TEST(AnswerText, CopesWithTheWidestRange) {
  const std::string text = answer_text("[number -9223372036854775808-9223372036854775807]", 3);
  EXPECT_EQ(std::to_string(std::stoll(text)), text);
}

TEST(AnswerText, ReachesEveryOptionAndNoOther) {
  std::set<std::string> seen;
  for (std::uint64_t hash = 0; hash < 100; ++hash)
    seen.insert(answer_text("[one of: yes |no|  not sure ]", hash));
  EXPECT_THAT(seen, testing::UnorderedElementsAre("yes", "no", "not sure"));
}

TEST(AnswerText, NumbersTheLinesOfAList) {
  EXPECT_THAT(answer_text("[list of 3]", 1),
              testing::MatchesRegex("1\\. [a-z ]+\n2\\. [a-z ]+\n3\\. [a-z ]+"));
  EXPECT_EQ(answer_text("[list of 0]", 1), "");
}

TEST(AnswerText, HasAsManyWordsAsAskedFor) { EXPECT_EQ(word_count(answer_text("[about 40 words]", 1)), 40); }

TEST(AnswerText, ObeysTheLastDirective) {
  EXPECT_EQ(answer_text("[about 9 words] or [list of 2], no: [one of: x]!", 1), "x");
}

TEST(AnswerText, PassesOverWhatOnlyLooksLikeADirective) {
  for (const std::string_view bad :
       {"[number 3-1]", "[number 3]", "[number a-b]", "[number 1-2", "[list of -1]", "[list of 100001]",
        "[about x words]", "[about 3 word]", "[one of:x]", "[]", "["}) {
    EXPECT_EQ(answer_text(std::string("[one of: x] ").append(bad), 1), "x") << bad;
  }
}

ApiRequest request_for(std::string prompt) {
  ApiRequest request;
  request.prompt = std::move(prompt);
  request.hash = 5;
  return request;
}

TEST(Answer, CountsFourBytesAToken) {
  ApiRequest request = request_for("[one of: abcde]");
  EXPECT_EQ(make_answer(request, 0, 0).tokens, 2);
}

TEST(Answer, IsCutAtItsMostTokens) {
  ApiRequest request = request_for("[one of: abcdefghij]");
  request.max_tokens = 2;
  const Answer answer = make_answer(request, 0, 0);
  EXPECT_EQ(answer.text, "abcdefgh");
  EXPECT_EQ(answer.tokens, 2);
  EXPECT_EQ(answer.stop, Stop::kLength);
  request.max_tokens = 3;
  EXPECT_EQ(make_answer(request, 0, 0).stop, Stop::kEnd);
}

TEST(Answer, IsNeverCutInsideACharacter) {
  ApiRequest request = request_for("[one of: ab€€]");
  request.max_tokens = 1;
  EXPECT_EQ(make_answer(request, 0, 0).text, "ab");
}

TEST(Answer, EndsBeforeItsFirstStopSequence) {
  ApiRequest request = request_for("[one of: one two three]");
  request.stop = {"three", "", "two", "four"};
  const Answer answer = make_answer(request, 0, 0);
  EXPECT_EQ(answer.text, "one ");
  EXPECT_EQ(answer.stop, Stop::kStopSequence);
  EXPECT_EQ(answer.stop_sequence, "two");
}

TEST(Answer, DiffersBetweenChoicesAndSalts) {
  const ApiRequest request = request_for("anything");
  const std::set<std::string> texts = {make_answer(request, 0, 0).text, make_answer(request, 1, 0).text,
                                       make_answer(request, 0, 1).text};
  EXPECT_EQ(texts.size(), 3U);
}

float similarity(std::string_view a, std::string_view b) {
  const auto x = embed("m", a, 256);
  const auto y = embed("m", b, 256);
  float sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

TEST(Embedding, IsAUnitVector) {
  EXPECT_NEAR(similarity("a cat sat", "a cat sat"), 1, 1e-5);
  EXPECT_NEAR(similarity("", ""), 1, 1e-5);
  EXPECT_EQ(embed("m", "x", 1).size(), 1U);
}

TEST(Embedding, BringsTextsWithSharedWordsTogether) {
  EXPECT_GT(similarity("the cat sat on the mat", "the dog sat on the mat"), 0.5);
  EXPECT_LT(similarity("the cat sat on the mat", "stock prices fell again"), 0.4);
}

}  // namespace
}  // namespace xcs::sim
