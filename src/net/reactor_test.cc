// Requests and answers; reactor_limits_test.cc has what bounds and ends them.
#include "net/reactor.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <memory>
#include <string>
#include <vector>

#include "net/testing/exchange.h"
#include "net/testing/fake_server.h"

namespace xcs::net {
namespace {

using std::chrono::milliseconds;
using testing::always;
using testing::Connection;
using testing::FakeServer;
using testing::get;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::wait_for;
using testing::wait_for_error;

TEST(Reactor, DeliversStatusHeadersAndBody) {
  FakeServer server(always(201, "hello", "X-Request-Id: r-1\r\n"));
  Reactor reactor;
  const Result<Response> response = wait_for(reactor, get(server.url()));
  ASSERT_TRUE(response) << to_string(response.error());
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->headers.find("x-request-id"), "r-1");
  EXPECT_EQ(response->body, "hello");
}

TEST(Reactor, TellsTheHeadBeforeTheBodyAndHandsOnTheBodyOfEveryStatus) {
  for (const int status : {200, 429}) {
    FakeServer server([&](Connection& connection) {
      connection.wait_request();
      connection.send("HTTP/1.1 100 Continue\r\n\r\n");
      connection.respond(status, "hello", "X-Request-Id: r-1\r\n");
    });
    Reactor reactor;
    std::string seen;
    std::promise<Result<Response>> outcome;
    Handler handler{.on_done = [&](Result<Response> response) -> std::optional<Duration> {
                      outcome.set_value(std::move(response));
                      return std::nullopt;
                    },
                    .on_piece = [&](std::string_view piece) -> Result<void> {
                      seen += piece;
                      return {};
                    },
                    .on_any_head =
                        [&](const Response& head) {
                          seen += fmt::format("{} {} ", head.status, *head.headers.find("x-request-id"));
                        }};
    const Handle handle = reactor.start(get(server.url()), std::move(handler));
    const Result<Response> response = outcome.get_future().get();
    ASSERT_TRUE(response) << to_string(response.error());
    EXPECT_EQ(response->body, "");
    EXPECT_EQ(seen, fmt::format("{} r-1 hello", status));
  }
}

TEST(Reactor, SendsMethodPathHeadersAndBody) {
  std::promise<std::string> seen;
  FakeServer server([&](Connection& connection) {
    seen.set_value(connection.wait_request());
    connection.respond(200, "");
  });
  Reactor reactor;
  Request request{.method = "POST", .url = server.url("/v1/x?q=1"), .body = "{\"a\":1}"};
  request.headers.add("Content-Type", "application/json");
  ASSERT_TRUE(wait_for(reactor, std::move(request)));
  const std::string text = seen.get_future().get();
  EXPECT_THAT(text, HasSubstr("POST /v1/x?q=1 HTTP/1.1\r\n"));
  EXPECT_THAT(text, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\n\r\n{\"a\":1}"));
}

TEST(Reactor, DeleteAndPutKeepTheirMethodAndThePooledHandleForgetsIt) {
  FakeServer server([](Connection& connection) {
    for (;;) {
      const std::string request = connection.wait_request();
      if (request.empty()) return;
      connection.respond(200, request.substr(0, request.find(' ')));
    }
  });
  Reactor reactor;
  for (const std::string method : {"DELETE", "POST", "PUT", "GET", "POST"}) {
    const Result<Response> response = wait_for(reactor, {.method = method, .url = server.url()});
    ASSERT_TRUE(response);
    EXPECT_EQ(response->body, method);
  }
}

TEST(Reactor, SendsALargeBodyWithoutWaitingForContinue) {
  FakeServer server([](Connection& connection) {
    const std::string request = connection.wait_request();
    connection.respond(200, fmt::format("{} {}", request.size() > 3'000'000, request.contains("Expect")));
  });
  Reactor reactor;
  const Result<Response> response =
      wait_for(reactor, {.url = server.url(), .body = std::string(3'000'000, 'x')});
  ASSERT_TRUE(response) << to_string(response.error());
  EXPECT_EQ(response->body, "true false");
}

TEST(Reactor, ReusesOneConnectionForCallsInARow) {
  FakeServer server(always(200, "ok"));
  Reactor reactor;
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(wait_for(reactor, get(server.url())));
  EXPECT_EQ(server.connections(), 1);
}

TEST(Reactor, CallsAtTheSameTimeDoNotWaitForTheFirstAnswer) {
  std::latch all_requested(300);
  FakeServer server([&](Connection& connection) {
    connection.wait_request();
    all_requested.arrive_and_wait();
    connection.respond(200, "");
  });
  Reactor reactor;
  std::latch all_answered(300);
  std::vector<Handle> handles;
  for (int i = 0; i < 300; ++i) {
    handles.push_back(reactor.start(get(server.url()), {[&](Result<Response>) {
                                      all_answered.count_down();
                                      return std::nullopt;
                                    }}));
  }
  all_answered.wait();
  EXPECT_EQ(reactor.stats().most_in_flight, 300u);
}

TEST(Reactor, AssemblesABodySentByteByByteInChunks) {
  FakeServer server([](Connection& connection) {
    connection.wait_request();
    for (const char c : std::string_view("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                         "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")) {
      connection.send({&c, 1});
    }
    connection.wait_closed();
  });
  Reactor reactor;
  const Result<Response> response = wait_for(reactor, get(server.url()));
  ASSERT_TRUE(response) << to_string(response.error());
  EXPECT_EQ(response->body, "abcde");
}

TEST(Reactor, SkipsInterimResponses) {
  FakeServer server([](Connection& connection) {
    connection.wait_request();
    connection.send("HTTP/1.1 103 Early Hints\r\nX-Early: yes\r\n\r\n");
    connection.respond(200, "final");
  });
  Reactor reactor;
  const Result<Response> response = wait_for(reactor, get(server.url()));
  ASSERT_TRUE(response) << to_string(response.error());
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->headers.find("x-early"), std::nullopt);
}

TEST(Reactor, DecompressesGzip) {
  static constexpr unsigned char kHelloGzip[] = {0x1f, 0x8b, 0x08, 0,    0,    0,    0,    0,    0,
                                                 0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x86,
                                                 0xa6, 0x10, 0x36, 0x05, 0,    0,    0};
  FakeServer server(always(200, std::string(reinterpret_cast<const char*>(kHelloGzip), sizeof kHelloGzip),
                           "Content-Encoding: gzip\r\n"));
  Reactor reactor;
  const Result<Response> response = wait_for(reactor, get(server.url()));
  ASSERT_TRUE(response) << to_string(response.error());
  EXPECT_EQ(response->body, "hello");
}

TEST(Reactor, DoesNotFollowRedirects) {
  FakeServer elsewhere(always(200, "leaked"));
  FakeServer server(always(302, "", "Location: " + elsewhere.url() + "\r\n"));
  Reactor reactor;
  const Result<Response> response = wait_for(reactor, get(server.url()));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 302);
  EXPECT_EQ(elsewhere.connections(), 0);
}

TEST(Reactor, UnreachableServerIsATransientErrorThatNamesItAndWhatToCheck) {
  const std::string where = fmt::format("127.0.0.1:{}", testing::unused_port());
  Reactor reactor;
  const Error error = wait_for_error(reactor, get("http://" + where + "/v1?key=secret"));
  EXPECT_EQ(error.kind, ErrorKind::kTransient);
  EXPECT_EQ(error.code, "net.connect");
  EXPECT_THAT(error.message, HasSubstr("cannot connect to " + where + ": check that the server is running"));
  EXPECT_THAT(error.message, Not(HasSubstr("secret")));
}

TEST(Reactor, AllCallsToAnUnknownHostFail) {
  Reactor reactor;
  std::vector<std::future<std::string>> codes;
  std::vector<Handle> handles;
  for (int i = 0; i < 20; ++i) {
    auto code = std::make_shared<std::promise<std::string>>();
    codes.push_back(code->get_future());
    handles.push_back(reactor.start(get("http://no-such-host.invalid/"), {[code](Result<Response> result) {
                                      code->set_value(result ? "answered" : result.error().code);
                                      return std::nullopt;
                                    }}));
  }
  for (auto& code : codes) EXPECT_EQ(code.get(), "net.resolve");
}

TEST(Reactor, UnusableAddressesAreUsageErrors) {
  Reactor reactor;
  for (const std::string url :
       {"", "localhost:80", "ftp://h/", "file:///etc/passwd", "http://", "http://a b/"}) {
    const Error error = wait_for_error(reactor, get(url));
    EXPECT_EQ(error.kind, ErrorKind::kUsage) << url << " " << to_string(error);
    EXPECT_EQ(error.code, "net.url") << url;
  }
}

TEST(Reactor, AHeaderWithALineBreakIsRefusedAndNotShown) {
  FakeServer server(always(200, ""));
  Reactor reactor;
  Request request = get(server.url());
  request.headers.add("Authorization", "Bearer key\r\nX-Injected: 1");
  const Error error = wait_for_error(reactor, std::move(request));
  EXPECT_EQ(error.code, "net.header");
  EXPECT_THAT(to_string(error), Not(HasSubstr("key")));
  EXPECT_EQ(server.connections(), 0);
}

TEST(Reactor, AResetAndACutAnswerAreTransient) {
  FakeServer resetting([](Connection& connection) {
    connection.wait_request();
    connection.reset();
  });
  FakeServer cutting([](Connection& connection) {
    connection.wait_request();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  });
  Reactor reactor;
  for (const FakeServer* server : {&resetting, &cutting}) {
    const Error error = wait_for_error(reactor, get(server->url()));
    EXPECT_EQ(error.kind, ErrorKind::kTransient);
    EXPECT_EQ(error.code, "net.broken");
  }
}

TEST(Reactor, AnAnswerBeyondTheBoundIsRefusedWithTheBound) {
  FakeServer server(always(200, std::string(5000, 'x')));
  Reactor reactor;
  Request request = get(server.url());
  request.max_response_bytes = 4999;
  const Error error = wait_for_error(reactor, request);
  EXPECT_EQ(error.code, "net.too_large");
  EXPECT_THAT(error.message, HasSubstr("larger than the 4999 bytes"));
  request.max_response_bytes = 5000;
  EXPECT_TRUE(wait_for(reactor, request));
}

TEST(Reactor, AStreamBeyondTheBoundIsRefusedToo) {
  FakeServer server(always(200, std::string(5000, 'x')));
  Reactor reactor;
  std::promise<Error> outcome;
  Handler handler{[&](Result<Response> result) {
    outcome.set_value(result ? Error{} : result.error());
    return std::nullopt;
  }};
  handler.on_piece = [](std::string_view) -> Result<void> { return {}; };
  Request request = get(server.url());
  request.max_response_bytes = 4999;
  const Handle handle = reactor.start(std::move(request), std::move(handler));
  const Error error = outcome.get_future().get();
  EXPECT_EQ(error.code, "net.too_large");
  EXPECT_EQ(error.kind, ErrorKind::kUsage) << "again would be as large";
}

TEST(Reactor, AHeadWithoutEndIsRefused) {
  FakeServer server([](Connection& connection) {
    connection.wait_request();
    connection.send("HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 1000; ++i) connection.send("x-more: " + std::string(500, 'x') + "\r\n");
    connection.wait_closed();
  });
  Reactor reactor;
  const Error error = wait_for_error(reactor, get(server.url()));
  EXPECT_EQ(error.code, "net.too_large");
  EXPECT_THAT(error.message, HasSubstr("the head of the answer of 127.0.0.1:"));
}

TEST(Reactor, StreamsA2xxBodyPieceByPieceAndCollectsOtherBodies) {
  FakeServer server([](Connection& connection) {
    connection.wait_request();
    connection.respond(200, "streamed");
    connection.wait_request();
    connection.respond(500, "collected");
  });
  Reactor reactor;
  std::string pieces;
  const auto stream_once = [&] {
    std::promise<Response> done;
    const Handle handle =
        reactor.start(get(server.url()), {.on_done =
                                              [&](Result<Response> result) {
                                                done.set_value(result ? std::move(*result) : Response{});
                                                return std::nullopt;
                                              },
                                          .on_piece =
                                              [&](std::string_view piece) {
                                                pieces += piece;
                                                return Result<void>();
                                              }});
    return done.get_future().get();
  };
  EXPECT_EQ(stream_once().body, "");
  EXPECT_EQ(pieces, "streamed");
  EXPECT_EQ(stream_once().body, "collected");
  EXPECT_EQ(pieces, "streamed");
}

TEST(Reactor, AHandlerThatRefusesAPieceGetsItsOwnError) {
  FakeServer server(always(200, "piece"));
  Reactor reactor;
  std::promise<std::string> code;
  const Handle handle =
      reactor.start(get(server.url()), {.on_done =
                                            [&](Result<Response> result) {
                                              code.set_value(result ? "answered" : result.error().code);
                                              return std::nullopt;
                                            },
                                        .on_piece = [&](std::string_view) -> Result<void> {
                                          return std::unexpected(Error{.code = "test.refused"});
                                        }});
  EXPECT_EQ(code.get_future().get(), "test.refused");
}

TEST(Reactor, SendsTheSameRequestAgainWhenTheHandlerAsksForIt) {
  std::atomic<int> requests = 0;
  FakeServer server([&](Connection& connection) {
    while (!connection.wait_request().empty()) connection.respond(++requests < 3 ? 503 : 200, "");
  });
  Reactor reactor;
  std::promise<int> status;
  const Handle handle =
      reactor.start(get(server.url()), {[&](Result<Response> result) -> std::optional<Duration> {
                      if (result && result->status == 503) return milliseconds(1);
                      status.set_value(result ? result->status : 0);
                      return std::nullopt;
                    }});
  EXPECT_EQ(status.get_future().get(), 200);
  EXPECT_EQ(requests, 3);
}

TEST(Reactor, ARequestIsNeverSentAgainWithoutBeingAskedTo) {
  std::atomic<int> requests = 0;
  FakeServer server([&](Connection& connection) {
    for (int answered = 0; !connection.wait_request().empty(); ++answered) {
      ++requests;
      if (answered > 0) return connection.reset();
      connection.respond(200, "ok");
    }
  });
  Reactor reactor;
  ASSERT_TRUE(wait_for(reactor, get(server.url())));
  EXPECT_EQ(wait_for_error(reactor, get(server.url())).code, "net.broken");
  EXPECT_EQ(requests, 2) << "libcurl repeats what breaks on a connection that was used before";
}

}  // namespace
}  // namespace xcs::net
