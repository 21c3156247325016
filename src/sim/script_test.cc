#include "sim/script.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "sim/http_response.h"

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
    parts.push_back(script.body.substr(begin, step.end - begin));
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
  EXPECT_EQ(http_response(script),
            "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\na: b\r\n"
            "content-length: 2\r\n\r\n{}");
  ASSERT_EQ(script.steps.size(), 1U);
  EXPECT_EQ(script.steps[0].due, 5ms);
  EXPECT_EQ(script.steps[0].end, 2U);
  EXPECT_EQ(script.ending, Ending::kKeepAlive);
}

TEST(Script, ClosesTheConnectionWhenTheClientAsksForIt) {
  const Script script = whole_response({200, "application/json", "", false}, "{}", 0ms);
  EXPECT_NE(http_response(script).find("\r\nconnection: close\r\n"), std::string::npos);
  EXPECT_EQ(script.ending, Ending::kClose);
}

TEST(Script, SendsEachEventWhenItsTokensAreProduced) {
  Fate fate;
  fate.first_byte = 10ms;
  fate.per_token = 2ms;
  const Script script = streamed_response({200, "text/event-stream", "", true}, stream_of_three(), fate);
  EXPECT_EQ(parts(script),
            (std::vector<std::string>{"event: start\ndata: {}\n\n", "data: a\n\n", "data: b\n\n"}));
  EXPECT_EQ(script.steps[0].due, 10ms);
  EXPECT_EQ(script.steps[1].due, 12ms);
  EXPECT_EQ(script.steps[2].due, 16ms);
  EXPECT_EQ(http_response(script),
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
            "transfer-encoding: chunked\r\n\r\n17\r\nevent: start\ndata: {}\n\n\r\n"
            "9\r\ndata: a\n\n\r\n9\r\ndata: b\n\n\r\n0\r\n\r\n");
}

TEST(Script, SendsEventsThatAreDueTogetherInOneStep) {
  const Script script = streamed_response({}, stream_of_three(), Fate{});
  EXPECT_EQ(script.steps.size(), 1U);
  EXPECT_EQ(script.steps[0].end, script.body.size());
}

TEST(Script, CutsAStreamAtAShareOfItsBody) {
  Fate fate;
  fate.per_token = 1ms;
  const Script whole = streamed_response({}, stream_of_three(), fate);
  const Script none = cut(whole, 0, Ending::kReset);
  EXPECT_EQ(none.body, "");
  EXPECT_EQ(none.steps.size(), 1U);
  EXPECT_EQ(none.ending, Ending::kReset);
  const Script most = cut(whole, 0.9999, Ending::kClose);
  EXPECT_EQ(most.body, whole.body.substr(0, whole.body.size() - 1));
  EXPECT_EQ(most.steps.size(), whole.steps.size());
  EXPECT_EQ(most.steps.back().end, most.body.size());
  EXPECT_FALSE(http_response(most).ends_with("0\r\n\r\n")) << "the last chunk is missing as well";
}

TEST(Script, CutInAWholeResponseAnnouncesTheWholeLength) {
  const Script script = cut(whole_response({}, "0123456789", 5ms), 0.5, Ending::kClose);
  EXPECT_TRUE(http_response(script).ends_with("content-length: 10\r\n\r\n01234"));
}

TEST(Script, PausesAtAShareOfItsBodyAndLosesNothing) {
  const Script whole = whole_response({}, "0123456789", 5ms);
  for (const double position : {0.0, 0.35, 0.99}) {
    const Script script = stalled(whole, position, 100ms);
    EXPECT_EQ(script.body, whole.body);
    ASSERT_EQ(script.steps.size(), 2U);
    EXPECT_EQ(script.steps[0].end, static_cast<std::size_t>(position * 10));
    EXPECT_EQ(script.steps[0].due, 5ms);
    EXPECT_EQ(script.steps[1].due, 105ms);
    EXPECT_EQ(script.steps[1].end, whole.body.size());
  }
}

TEST(Script, TricklesInEvenPiecesOverTheWholeTime) {
  const Script script = trickled(whole_response({}, std::string(100, 'x'), 5ms), 1s);
  ASSERT_EQ(script.steps.size(), 50U);
  EXPECT_EQ(script.steps[0].due, 25ms);
  EXPECT_EQ(script.steps[0].end, 2U);
  EXPECT_EQ(script.steps.back().due, 1005ms);
  EXPECT_EQ(script.steps.back().end, 100U);
  EXPECT_EQ(trickled(whole_response({}, "abc", 5ms), 1s).steps.size(), 3U) << "no piece is empty";
}

TEST(Player, TakesItsStepsWhenTheyAreDueAndSaysWhatTheySend) {
  Script script = stalled(whole_response({}, "0123456789", 5ms), 0.5, 100ms);
  Player player(std::move(script), TimePoint{});
  EXPECT_EQ(player.next_due(), TimePoint{5ms});
  EXPECT_FALSE(player.try_step(TimePoint{4ms}));
  EXPECT_TRUE(player.try_step(TimePoint{5ms}));
  EXPECT_TRUE(player.at_head());
  EXPECT_EQ(player.piece(), "01234");
  EXPECT_FALSE(player.over());
  EXPECT_TRUE(player.try_step(TimePoint{1s}));
  EXPECT_FALSE(player.at_head());
  EXPECT_EQ(player.piece(), "56789");
  EXPECT_TRUE(player.over());
  EXPECT_EQ(player.next_due(), std::nullopt);
}

TEST(Player, OfABlackHoleIsNeverOver) {
  const Player player(black_hole(), TimePoint{});
  EXPECT_FALSE(player.over());
  EXPECT_EQ(player.next_due(), std::nullopt);
}

}  // namespace
}  // namespace xcs::sim
