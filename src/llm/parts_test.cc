// Tests of the small parts: JSON writing, server-sent events, retry decisions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <string>
#include <vector>

#include "llm/json.h"
#include "llm/latencies.h"
#include "llm/retry.h"
#include "llm/sse.h"

namespace xcs::llm {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(JsonString, EveryByteSequenceReadsBackUnchanged) {
  std::string text = "quote \" backslash \\ slash / euro \xe2\x82\xac nul ";
  for (char c = 0; c < 0x20; ++c) text.push_back(c);
  text += "\x7f end";
  std::string json;
  append_json_string(json, text);
  simdjson::dom::parser parser;
  std::string_view back;
  ASSERT_EQ(parser.parse(json).get(back), simdjson::SUCCESS) << json;
  EXPECT_EQ(back, text);
}

TEST(ObjectWriter, SeparatesFieldsByCommas) {
  ObjectWriter writer;
  EXPECT_EQ(std::move(writer).finish(), "{}");
  ObjectWriter two;
  two.add_string("a", "x");
  two.add_raw("b", "[1]");
  EXPECT_EQ(std::move(two).finish(), R"({"a":"x","b":[1]})");
}

TEST(Find, IsEmptyHandedWhenAStepIsMissingOrOfAnotherType) {
  simdjson::dom::parser parser;
  const std::string text = R"({"a":{"b":"x","n":3},"l":[1]})";
  const Json root = parser.parse(text);
  EXPECT_EQ(find_string(root, {"a", "b"}), "x");
  EXPECT_EQ(find_integer(root, {"a", "n"}), 3);
  EXPECT_EQ(find_string(root, {"a", "n"}), std::nullopt);
  EXPECT_EQ(find_string(root, {"a", "b", "c"}), std::nullopt);
  EXPECT_EQ(find_string(root, {"l", "b"}), std::nullopt);
}

using Events = std::vector<std::pair<std::string, std::string>>;

// Feeds the text in pieces of the given sizes (the last one repeats).
Events events_of(std::string_view text, std::size_t piece_size) {
  Events events;
  const auto collect = [&](const SseEvent& event) -> Result<void> {
    events.emplace_back(event.name, event.data);
    return {};
  };
  SseParser parser;
  for (; !text.empty(); text.remove_prefix(std::min(piece_size, text.size()))) {
    EXPECT_TRUE(parser.feed(text.substr(0, piece_size), collect));
  }
  EXPECT_TRUE(parser.finish(collect));
  return events;
}

TEST(SseParser, ReadsTheSameEventsHoweverTheBytesAreCut) {
  constexpr std::string_view kStream =
      "\xef\xbb\xbf: a comment\r\n"
      "event: first\r\ndata: one\r\n\r\n"
      "data:two\ndata: lines\n\n"
      "data: mixed\r\rid: 7\nretry: 10\n\n"
      "event: without data\n\n"
      "data: gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\r\n\n"
      "data\ndata: after an empty line\n\n"
      "event: last\ndata: no blank line";
  const Events expected = {{"first", "one"},
                           {"", "two\nlines"},
                           {"", "mixed"},
                           {"", "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"},
                           {"", "\nafter an empty line"},
                           {"last", "no blank line"}};
  for (std::size_t size = 1; size <= kStream.size(); ++size) {
    ASSERT_EQ(events_of(kStream, size), expected) << "in pieces of " << size;
  }
}

TEST(SseParser, StopsAtTheFirstErrorOfItsReader) {
  SseParser parser;
  int seen = 0;
  const Result<void> fed = parser.feed("data: 1\n\ndata: 2\n\n", [&](const SseEvent&) -> Result<void> {
    ++seen;
    return std::unexpected(Error{.code = "test.stop"});
  });
  ASSERT_FALSE(fed);
  EXPECT_EQ(fed.error().code, "test.stop");
  EXPECT_EQ(seen, 1);
}

TEST(SseParser, RefusesAnEventBeyondTheBound) {
  const auto ignore = [](const SseEvent&) -> Result<void> { return {}; };
  SseParser one_line(100);
  EXPECT_TRUE(one_line.feed("data: " + std::string(90, 'x'), ignore));
  EXPECT_EQ(one_line.feed("yyyyy", ignore).error().code, "llm.malformed");
  SseParser many_lines(100);
  Result<void> fed;
  int lines = 0;
  while ((fed = many_lines.feed("data: 0123456789\n", ignore))) ASSERT_LT(++lines, 100);
  EXPECT_THAT(fed.error().message, testing::HasSubstr("larger than 100 bytes"));
}

Error transient(std::string code = "net.broken") {
  return {.kind = ErrorKind::kTransient, .code = std::move(code)};
}

std::optional<Duration> delay(const Error& error, net::Headers headers = {}, int done = 0,
                              double random = 0) {
  return delay_before_retry({.error = error,
                             .headers = headers,
                             .retries_done = done,
                             .retries_left = 20,
                             .now = {},
                             .random = random});
}

net::Headers header(std::string_view name, std::string_view value) {
  net::Headers headers;
  headers.add(name, value);
  return headers;
}

TEST(Retry, BacksOffFromHalfASecondToEightLessARandomQuarter) {
  EXPECT_EQ(delay(transient(), {}, 0), milliseconds(500));
  EXPECT_EQ(delay(transient(), {}, 1), seconds(1));
  EXPECT_EQ(delay(transient(), {}, 4), seconds(8));
  EXPECT_EQ(delay(transient(), {}, 19), seconds(8));
  EXPECT_EQ(delay(transient(), {}, 1, 0.5), milliseconds(875));
}

TEST(Retry, EndsWhenTheRetriesAreUsedUp) {
  const Error error = transient();
  const net::Headers none;
  FailedAttempt attempt{.error = error, .headers = none, .retries_done = 1, .retries_left = 1, .now = {}};
  EXPECT_TRUE(delay_before_retry(attempt));
  attempt.retries_left = 0;
  EXPECT_FALSE(delay_before_retry(attempt));
}

TEST(Retry, OnlyTransientErrorsAreRepeated) {
  EXPECT_TRUE(delay(transient()));
  EXPECT_FALSE(delay({.kind = ErrorKind::kUsage, .code = "llm.authentication"}));
  EXPECT_FALSE(delay({.kind = ErrorKind::kCancelled, .code = "net.stopped"}));
  EXPECT_FALSE(delay(transient("llm.malformed")));
}

TEST(Retry, TheServerMayDecideOtherwiseExceptForBilling) {
  EXPECT_FALSE(delay(transient(), header("x-should-retry", "false")));
  EXPECT_TRUE(
      delay({.kind = ErrorKind::kUsage, .code = "llm.bad_request"}, header("x-should-retry", "true")));
  EXPECT_FALSE(delay({.kind = ErrorKind::kUsage, .code = "llm.billing"}, header("x-should-retry", "true")));
}

TEST(Retry, TheServersDelayIsObeyedUpToTwoMinutes) {
  EXPECT_EQ(delay(transient(), header("Retry-After", "3")), seconds(3));
  EXPECT_EQ(delay(transient(), header("Retry-After", "0.25")), milliseconds(250));
  EXPECT_EQ(delay(transient(), header("retry-after-ms", "12.5")), std::chrono::microseconds(12500));
  EXPECT_EQ(delay(transient(), header("Retry-After", "120")), seconds(120));
  EXPECT_EQ(delay(transient(), header("Retry-After", "121")), std::nullopt);
  EXPECT_EQ(delay(transient(), header("Retry-After", "1e300")), std::nullopt);
}

TEST(Retry, ADelayThatIsZeroOrNoNumberLeavesTheBackoff) {
  for (const std::string value : {"0", "-5", "soon", "", "nan"}) {
    EXPECT_EQ(delay(transient(), header("Retry-After", value)), milliseconds(500)) << value;
  }
}

TEST(Retry, MillisecondsComeBeforeSeconds) {
  net::Headers headers = header("retry-after", "9");
  headers.add("retry-after-ms", "40");
  EXPECT_EQ(delay(transient(), headers), milliseconds(40));
}

TEST(Retry, ADateIsADelayFromNow) {
  const WallTime now = WallTime(seconds(784111777));  // Sun, 06 Nov 1994 08:49:37 GMT
  EXPECT_EQ(server_delay(header("Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT"), now), seconds(30));
  EXPECT_EQ(server_delay(header("Retry-After", "Sun, 06 Nov 1994 08:40:00 GMT"), now), seconds(0));
}

TEST(Latencies, MeanOfTheSlowerAnswers) {
  Latencies latencies;
  EXPECT_FALSE(latencies.mean_beyond(Duration::zero()));
  for (const int s : {1, 2, 6, 10}) latencies.add(std::chrono::seconds(s));
  EXPECT_EQ(latencies.mean_beyond(std::chrono::seconds(2)), std::chrono::seconds(8));
  EXPECT_FALSE(latencies.mean_beyond(std::chrono::seconds(10)));
}

}  // namespace
}  // namespace xcs::llm
