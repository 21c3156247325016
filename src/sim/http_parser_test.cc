#include "sim/http_parser.h"

#include <gtest/gtest.h>

#include <string>

namespace xcs::sim {
namespace {

using State = HttpParser::State;

const std::string kSized =
    "POST /v1/messages?beta=true HTTP/1.1\r\nHost: x\r\nX-Api-Key:  secret \r\nAUTHORIZATION: Bearer b\r\n"
    "anthropic-version: 2023-06-01\r\nContent-Length: 7\r\n\r\n{\"a\":1}";

const std::string kChunked =
    "POST /v1/messages?beta=true HTTP/1.1\r\nx-api-key: secret\r\nauthorization: Bearer b\r\n"
    "anthropic-version: 2023-06-01\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3\r\n{\"a\r\n4;note=x\r\n\":1}\r\n0\r\ntrailer: t\r\n\r\n";

void expect_understood(const HttpRequest& request) {
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/v1/messages?beta=true");
  EXPECT_EQ(request.x_api_key, "secret");
  EXPECT_EQ(request.authorization, "Bearer b");
  EXPECT_EQ(request.anthropic_version, "2023-06-01");
  EXPECT_EQ(request.body, "{\"a\":1}");
  EXPECT_TRUE(request.keep_alive);
}

// The pieces are handed over in buffers of their own, so that a view into an old buffer would show.
void expect_understood_in_two_pieces(const std::string& bytes, std::size_t cut) {
  HttpParser parser;
  {
    const std::string first = bytes.substr(0, cut);
    ASSERT_EQ(parser.parse(first), State::kNeedMore) << "cut at " << cut;
  }
  ASSERT_EQ(parser.parse(bytes), State::kComplete) << "cut at " << cut;
  EXPECT_EQ(parser.consumed(), bytes.size());
  expect_understood(parser.request());
}

TEST(HttpParser, UnderstandsARequestCutInTwoAtAnyByte) {
  for (std::size_t cut = 0; cut < kSized.size(); ++cut) expect_understood_in_two_pieces(kSized, cut);
  for (std::size_t cut = 0; cut < kChunked.size(); ++cut) expect_understood_in_two_pieces(kChunked, cut);
}

TEST(HttpParser, UnderstandsARequestThatArrivesByteByByte) {
  for (const std::string& bytes : {kSized, kChunked}) {
    HttpParser parser;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      ASSERT_EQ(parser.parse(std::string_view(bytes).substr(0, size)), State::kNeedMore) << size;
    }
    ASSERT_EQ(parser.parse(bytes), State::kComplete);
    expect_understood(parser.request());
  }
}

TEST(HttpParser, LeavesThePipelinedRequestForTheNextCall) {
  const std::string bytes = kChunked + kSized + kChunked;
  std::string_view rest = bytes;
  HttpParser parser;
  for (const std::size_t size : {kChunked.size(), kSized.size(), kChunked.size()}) {
    ASSERT_EQ(parser.parse(rest), State::kComplete);
    ASSERT_EQ(parser.consumed(), size);
    expect_understood(parser.request());
    rest.remove_prefix(parser.consumed());
    parser.reset();
  }
  EXPECT_EQ(parser.parse(rest), State::kNeedMore);
}

TEST(HttpParser, FollowsVersionAndConnectionHeaderOnKeepingTheConnection) {
  const auto keeps = [](std::string_view head) {
    HttpParser parser;
    EXPECT_EQ(parser.parse(head), State::kComplete);
    return parser.request().keep_alive;
  };
  EXPECT_TRUE(keeps("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nConnection: te, Close\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n"));
}

TEST(HttpParser, SaysOnceThatTheClientWaitsToBeToldToContinue) {
  const std::string head = "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  HttpParser parser;
  EXPECT_FALSE(parser.take_continue());
  ASSERT_EQ(parser.parse(head), State::kNeedMore);
  EXPECT_TRUE(parser.take_continue());
  EXPECT_FALSE(parser.take_continue());
  ASSERT_EQ(parser.parse(head + "{}"), State::kComplete);
  EXPECT_FALSE(parser.take_continue());
}

int refusal_of(const std::string& bytes) {
  HttpParser parser;
  EXPECT_EQ(parser.parse(bytes), State::kBad) << bytes;
  EXPECT_FALSE(parser.bad_reason().empty());
  return parser.bad_status();
}

TEST(HttpParser, RefusesWhatIsNoRequest) {
  EXPECT_EQ(refusal_of("hello\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET /\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("G@T / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET / HTTP/2.0\r\n\r\n"), 505);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nno colon\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\na: b\r\n folded: c\r\n\r\n"), 400);
}

TEST(HttpParser, RefusesALengthThatCouldBeReadInTwoWays) {
  EXPECT_EQ(refusal_of("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("POST / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("POST / HTTP/1.1\r\nContent-Length:\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n"), 501);
  const std::string chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(refusal_of(chunked + "zz\r\n"), 400);
  EXPECT_EQ(refusal_of(chunked + "\r\n"), 400);
  EXPECT_EQ(refusal_of(chunked + "1\r\nab\r\n"), 400);
}

TEST(HttpParser, RefusesWhatIsTooLargeBeforeItHasArrived) {
  EXPECT_EQ(refusal_of("GET /" + std::string(HttpParser::kMaxHead, 'x')), 431);
  EXPECT_EQ(refusal_of("GET /" + std::string(HttpParser::kMaxHead, 'x') + " HTTP/1.1\r\n\r\n"), 431);
  EXPECT_EQ(refusal_of("POST / HTTP/1.1\r\nContent-Length: 67108865\r\n\r\n"), 413);
  EXPECT_EQ(refusal_of("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4000001\r\n"), 413);
}

}  // namespace
}  // namespace xcs::sim
