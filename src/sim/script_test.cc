#include "sim/script.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace xcs::sim {
namespace {

using namespace std::chrono_literals;

EventStream stream_of_three() {
  EventStream stream;
  stream.add("start", "{}", 0);
  stream.add("", "a", 1);
  stream.add("", "b", 3);
  return stream;
}

std::vector<std::string> parts(const Script& script) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (const Script::Step& step : script.steps) {
    parts.push_back(script.bytes.substr(begin, step.end - begin));
    begin = step.end;
  }
  return parts;
}

TEST(EventStream, WritesNamesAndDataAndLosesItsTail) {
  EventStream stream = stream_of_three();
  EXPECT_EQ(stream.bytes(), "event: start\ndata: {}\n\ndata: a\n\ndata: b\n\n");
  stream.truncate(5);
  EXPECT_EQ(stream.events().size(), 3U);
  stream.truncate(1);
  EXPECT_EQ(stream.bytes(), "event: start\ndata: {}\n\n");
  stream.truncate(0);
  EXPECT_EQ(stream.bytes(), "");
}

TEST(EventStream, PiecesOfATextGiveTheTextAgain) {
  EXPECT_EQ(split_for_stream(" one two\n\n1. three "),
            (std::vector<std::string_view>{" one", " two", "\n\n1.", " three", " "}));
  EXPECT_TRUE(split_for_stream("").empty());
}

TEST(Script, SendsAWholeResponseInOneStep) {
  const Script script = whole_response({429, "application/json", "a: b\r\n", true}, "{}", 5ms);
  EXPECT_EQ(script.bytes,
            "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\na: b\r\n"
            "content-length: 2\r\n\r\n{}");
  ASSERT_EQ(script.steps.size(), 1U);
  EXPECT_EQ(script.steps[0].due, 5ms);
  EXPECT_EQ(script.steps[0].end, script.bytes.size());
  EXPECT_EQ(script.ending, Ending::kKeepAlive);
}

TEST(Script, ClosesTheConnectionWhenTheClientAsksForIt) {
  const Script script = whole_response({200, "application/json", "", false}, "{}", 0ms);
  EXPECT_NE(script.bytes.find("\r\nconnection: close\r\n"), std::string::npos);
  EXPECT_EQ(script.ending, Ending::kClose);
}

TEST(Script, SendsEachEventAsAChunkWhenItsTokensAreProduced) {
  Fate fate;
  fate.first_byte = 10ms;
  fate.per_token = 2ms;
  const Script script = streamed_response({200, "text/event-stream", "", true}, stream_of_three(), fate);
  const auto sent = parts(script);
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_EQ(sent[0],
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
            "transfer-encoding: chunked\r\n\r\n17\r\nevent: start\ndata: {}\n\n\r\n");
  EXPECT_EQ(sent[1], "9\r\ndata: a\n\n\r\n");
  EXPECT_EQ(sent[2], "9\r\ndata: b\n\n\r\n0\r\n\r\n");
  EXPECT_EQ(script.steps[0].due, 10ms);
  EXPECT_EQ(script.steps[1].due, 12ms);
  EXPECT_EQ(script.steps[2].due, 16ms);
}

TEST(Script, SendsEventsThatAreDueTogetherInOneStep) {
  const Script script = streamed_response({}, stream_of_three(), Fate{});
  EXPECT_EQ(script.steps.size(), 1U);
  EXPECT_EQ(script.steps[0].end, script.bytes.size());
}

TEST(Script, CutsAStreamAtAShareOfItsBody) {
  Fate fate;
  fate.per_token = 1ms;
  const Script whole = streamed_response({}, stream_of_three(), fate);
  const std::size_t head = whole.bytes.find("\r\n\r\n") + 4;
  const Script none = cut(whole, 0, Ending::kReset);
  EXPECT_EQ(none.bytes, whole.bytes.substr(0, head));
  EXPECT_EQ(none.steps.size(), 1U);
  EXPECT_EQ(none.ending, Ending::kReset);
  const Script most = cut(whole, 0.9999, Ending::kClose);
  EXPECT_EQ(most.bytes, whole.bytes.substr(0, whole.bytes.size() - 1));
  EXPECT_EQ(most.steps.size(), whole.steps.size());
  EXPECT_EQ(most.steps.back().end, most.bytes.size());
}

TEST(Script, PausesAtAShareOfItsBodyAndLosesNothing) {
  const Script whole = whole_response({}, "0123456789", 5ms);
  for (const double position : {0.0, 0.35, 0.99}) {
    const Script script = stalled(whole, position, 100ms);
    EXPECT_EQ(script.bytes, whole.bytes);
    ASSERT_EQ(script.steps.size(), 2U);
    EXPECT_EQ(script.steps[0].end, whole.bytes.size() - 10 + static_cast<std::size_t>(position * 10));
    EXPECT_EQ(script.steps[0].due, 5ms);
    EXPECT_EQ(script.steps[1].due, 105ms);
    EXPECT_EQ(script.steps[1].end, whole.bytes.size());
  }
}

}  // namespace
}  // namespace xcs::sim
