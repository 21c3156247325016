#include "sim/recording.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "sim/base64.h"
#include "sim/redaction.h"
#include "sim/replay.h"

namespace xcs::sim {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

RecordedExchange exchange() {
  RecordedExchange exchange{
      .at_us = 5, .request = {.method = "POST", .target = "/v1/x?a=é", .body = R"({"a":1})"}, .answer = {}};
  exchange.answer = {.status = 200,
                     .headers = {{"content-type", "text/plain"}, {"x-empty", ""}},
                     .length = std::nullopt,
                     .body = std::string("one\0\"two\" \xc3\xa9\xff", 14),
                     .head_due = 1ms,
                     .pieces = {{1500us, 3}, {2ms, 12}, {2ms, 14}},
                     .end_due = 3ms,
                     .end = RecordedEnd::kComplete};
  return exchange;
}

std::string file_of(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += recording_line(exchange());
  return text;
}

TEST(Recording, ReadsWhatItHasWritten) {
  const RecordedExchange written = exchange();
  const auto read = parse_recording(recording_line(written), "f");
  ASSERT_TRUE(read);
  ASSERT_EQ(read->exchanges.size(), 1U);
  const RecordedExchange& seen = read->exchanges[0];
  EXPECT_EQ(seen.at_us, 5);
  EXPECT_EQ(seen.request.target, written.request.target);
  EXPECT_EQ(seen.request.body, written.request.body);
  EXPECT_EQ(seen.answer.headers, written.answer.headers);
  EXPECT_EQ(seen.answer.body, written.answer.body);
  ASSERT_EQ(seen.answer.pieces.size(), 3U);
  EXPECT_EQ(seen.answer.pieces[0].due, 1500us);
  EXPECT_EQ(seen.answer.pieces[1].end, 12U);
  EXPECT_EQ(seen.answer.end_due, 3ms);
  EXPECT_EQ(recording_line(seen), recording_line(written));
}

TEST(Recording, OrdersExchangesByWhenTheRequestCame) {
  RecordedExchange later = exchange();
  later.at_us = 9;
  const auto read = parse_recording(recording_line(later) + recording_line(exchange()), "f");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->exchanges[0].at_us, 5);
}

TEST(Recording, LeavesOutALastLineThatBreaksOffWhereverItDoes) {
  const std::string one = file_of(1);
  for (std::size_t cut = 1; cut + 1 < one.size(); ++cut) {
    const auto read = parse_recording(one + one.substr(0, cut), "f");
    ASSERT_TRUE(read) << cut;
    EXPECT_EQ(read->exchanges.size(), 1U) << cut;
    EXPECT_EQ(read->size, one.size()) << cut;
    EXPECT_TRUE(read->half_line) << cut;
    EXPECT_THAT(read->warning, HasSubstr("the last line of f, line 2, ")) << cut;
  }
}

TEST(Recording, NamesTheLineThatIsCorrupt) {
  const auto read = parse_recording(file_of(2) + "{}\n" + file_of(1), "f");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, "sim.recording");
  EXPECT_EQ(read.error().message, "line 3 of f has no \"v\" that is a number");
}

TEST(Recording, RefusesWhatNoAnswerCanBe) {
  simdjson::dom::parser parser;
  const std::string begin = R"({"v":1,"at_us":1,"method":"GET","path":"/",)";
  const auto problem = [&](const std::string& rest) {
    const auto read = read_recording_line(begin + rest + "}", parser);
    return read ? "none" : read.error();
  };
  const std::string head = R"("status":200,"headers":[],"head_ms":2,)";
  EXPECT_EQ(problem(head + R"("chunks":[],"end":"complete","end_ms":2)"), "none");
  EXPECT_THAT(problem(head + R"("chunks":[],"end":"complete","end_ms":1)"), HasSubstr("comes earlier"));
  EXPECT_THAT(problem(head + R"("chunks":[],"end":"no","end_ms":2)"),
              HasSubstr("complete, reset or timeout"));
  EXPECT_THAT(problem(head + R"("chunks":[{"ms":2,"base64":"?"}],"end":"reset","end_ms":2)"),
              HasSubstr("not base64"));
  EXPECT_THAT(problem(head + R"("length":3,"chunks":[],"end":"complete","end_ms":2)"), HasSubstr("length"));
  EXPECT_THAT(
      problem(R"("status":200,"headers":[["a","b\r\nc"]],"head_ms":2,"chunks":[],"end":"reset","end_ms":2)"),
      HasSubstr("header"));
  EXPECT_THAT(problem(R"("status":100,"headers":[],"head_ms":2,"chunks":[],"end":"reset","end_ms":2)"),
              HasSubstr("status"));
  EXPECT_THAT(problem(R"("end":"complete","end_ms":2)"), HasSubstr("without a status"));
  EXPECT_THAT(problem(R"("end":"reset","end_ms":-1)"), HasSubstr("no answer takes"));
}

TEST(Recording, EndsWithAnyBytesAndWritesAgainWhatItReads) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string good = file_of(2);
  for (int round = 0; round < 3000; ++round) {
    std::string text = good;
    for (unsigned change = random() % 4; change > 0; --change)
      text[random() % text.size()] = static_cast<char>(random());
    text.resize(random() % (text.size() + 1));
    const auto read = parse_recording(text, "f");
    if (!read) {
      EXPECT_THAT(read.error().message, HasSubstr("line "));
      continue;
    }
    EXPECT_LE(read->size, text.size());
    for (const RecordedExchange& exchange : read->exchanges) {
      const auto again = parse_recording(recording_line(exchange), "f");
      ASSERT_TRUE(again && again->exchanges.size() == 1) << recording_line(exchange);
      EXPECT_EQ(again->exchanges[0].answer.body, exchange.answer.body);
      const Script script = replayed(exchange.answer, 1, true);
      EXPECT_EQ(script.steps.back().end, script.body.size());
    }
  }
}

TEST(Recording, KeepsARequestNestedAsDeepAsJsonMayBe) {
  for (const std::size_t depth : {1000U, 1019U, 1020U, 1021U, 1022U, 1023U, 1100U}) {
    RecordedExchange deep = exchange();
    deep.request.body = std::string(depth, '[') + std::string(depth, ']');
    const auto read = parse_recording(recording_line(deep) + file_of(1), "f");
    ASSERT_TRUE(read) << depth << ": " << read.error().message;
    EXPECT_EQ(read->exchanges[0].request.body, deep.request.body) << depth;
  }
}

TEST(CanonicalRequest, IsTheSameForTheSameData) {
  RequestReader reader;
  const auto digest = [&](const std::string& body) {
    return reader.read({.method = "POST", .target = "/x", .body = body}).digest;
  };
  EXPECT_EQ(digest(R"({"a":1,"b":[1e2,"\u0041"]})"), digest("{ \"b\": [100, \"A\"],\n\"a\":1.0 }"));
  EXPECT_NE(digest(R"({"a":1})"), digest(R"({"a":"1"})"));
  EXPECT_NE(digest(R"([[1],2])"), digest(R"([[1,2]])"));
  EXPECT_NE(digest(R"({"a":1})"), digest(R"({"a":1,"stream":true})"));
  EXPECT_NE(digest(R"({"a":9007199254740993})"), digest(R"({"a":9007199254740992})"));
  EXPECT_NE(digest("x"), digest("y"));
}

TEST(Redaction, OverwritesCredentialsWhereverTheyStand) {
  HttpRequest request;
  request.target = "/p?key=abcdefgh&q=1&Token=x";
  request.headers = "Authorization: Bearer sk-1234567\r\nCookie: a=cookie-value; b=2";
  const Redaction redaction(request);
  EXPECT_EQ(redaction.target(), "/p?key=*&q=1&Token=*");
  EXPECT_EQ(redaction.redacted("sk-1234567 abcdefgh cookie-value 2 x"), "* * * 2 x");
  std::string text = "is sk-1234567.";
  redaction.blot(text);
  EXPECT_EQ(text, "is **********.");
}

TEST(Redaction, TakesTheBoundaryOfAMultipartBodyForOne) {
  HttpRequest request;
  request.target = "/";
  request.headers = "content-type: multipart/form-data; boundary=\"0123456789\"";
  EXPECT_EQ(Redaction(request).redacted("--0123456789\r\nx"), "--*\r\nx");
}

TEST(Base64, ReadsWhatItWritesAndNothingElse) {
  for (const std::string bytes : {"", "a", "ab", "abc", "\xff\xfe\xfd\xfc"}) {
    std::string text;
    append_base64(text, bytes);
    EXPECT_EQ(from_base64(text), bytes);
  }
  for (const std::string_view bad : {"a", "ab=c", "ab\nc", "====", "a===", "ab?="})
    EXPECT_EQ(from_base64(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace xcs::sim
