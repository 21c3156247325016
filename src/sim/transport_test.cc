// The native transport against the simulator: every version of HTTP, every fault, proxies and dead networks.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <optional>
#include <string>
#include <vector>

#include "net/reactor.h"
#include "net/testing/exchange.h"
#include "net/testing/fake_server.h"
#include "net/testing/relay.h"
#include "sim/sim_server.h"

namespace xcs::sim {
namespace {

using namespace std::chrono_literals;
using net::Reactor;
using net::Request;
using net::Response;
using net::testing::FakeServer;
using net::testing::Relay;
using net::testing::wait_for;
using net::testing::wait_for_error;
using testing::HasSubstr;
using testing::Not;

// A variable of the environment, for as long as this lives.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

std::string certificate_file() {
  return std::filesystem::temp_directory_path() / fmt::format("xcs_transport_test_{}.pem", ::getpid());
}

enum class Wire { kHttp1, kTlsHttp1, kTlsHttp2 };

std::string wire_name(const testing::TestParamInfo<Wire>& info) {
  const std::array<const char*, 3> names = {"Http1", "TlsHttp1", "TlsHttp2"};
  return names[static_cast<std::size_t>(info.param)];
}

// A simulator, and a reactor that trusts it.
class WireTest : public testing::TestWithParam<Wire> {
 protected:
  ~WireTest() override { std::filesystem::remove(certificate_file()); }

  void serve(const Weather& weather) {
    SimOptions options;
    options.weather = weather;
    options.weather.stall_ms = 1e9;
    if (GetParam() != Wire::kHttp1) options.tls = certificate_file();
    options.http2 = GetParam() == Wire::kTlsHttp2;
    auto server = SimServer::start(options);
    ASSERT_TRUE(server) << server.error().message;
    server_ = *std::move(server);
    const Variable trust("SSL_CERT_FILE", certificate_file());
    reactor_.emplace();
  }

  Request ask(std::string_view prompt, std::string_view more = "") const {
    return ask_at(server_->url(), prompt, more);
  }

  static Request ask_at(const std::string& url, std::string_view prompt, std::string_view more = "") {
    Request request{.url = url + "/v1/chat/completions"};
    request.body =
        fmt::format(R"({{"model":"m","messages":[{{"role":"user","content":"{}"}}]{}}})", prompt, more);
    request.headers.add("authorization", "Bearer secret");
    return request;
  }

  std::unique_ptr<SimServer> server_;
  std::optional<Reactor> reactor_;
};

INSTANTIATE_TEST_SUITE_P(Over, WireTest, testing::Values(Wire::kHttp1, Wire::kTlsHttp1, Wire::kTlsHttp2),
                         wire_name);

TEST_P(WireTest, AnswersAndIsSpokenToInItsVersion) {
  serve(fixed_latency(0));
  const Result<Response> response = wait_for(*reactor_, ask("[one of: yes]"));
  ASSERT_TRUE(response) << to_string(response.error());
  EXPECT_EQ(response->status, 200);
  EXPECT_THAT(response->body, HasSubstr(R"("content":"yes")"));
  EXPECT_TRUE(response->headers.find("x-request-id"));
  EXPECT_EQ(server_->stats().http2_requests, GetParam() == Wire::kTlsHttp2 ? 1U : 0U);
}

TEST_P(WireTest, ManyRequestsAtOnceAreEachAnsweredAsTheyWouldBeAlone) {
  constexpr int kCount = 300;
  serve(fixed_latency(20));
  std::vector<std::promise<std::string>> answers(kCount);
  std::vector<net::Handle> handles;
  for (int i = 0; i < kCount; ++i) {
    handles.push_back(reactor_->start(ask(fmt::format("[one of: n{}]", i)), {[&answers, i](auto result) {
                                        answers[i].set_value(result ? result->body
                                                                    : to_string(result.error()));
                                        return std::nullopt;
                                      }}));
  }
  for (int i = 0; i < kCount; ++i) {
    EXPECT_THAT(answers[i].get_future().get(), HasSubstr(fmt::format(R"("content":"n{}")", i)));
  }
  const SimStats stats = server_->stats();
  EXPECT_EQ(stats.requests, static_cast<std::uint64_t>(kCount));
  EXPECT_EQ(stats.duplicates, 0U);
  if (GetParam() == Wire::kTlsHttp2) {
    EXPECT_LE(stats.connections_accepted, 6U) << "streams share connections";
  }
}

TEST_P(WireTest, StreamsPieceByPiece) {
  serve(fixed_latency(0));
  std::string text;
  std::promise<int> status;
  net::Handler handler{[&](Result<Response> result) {
    status.set_value(result ? result->status : 0);
    return std::nullopt;
  }};
  handler.on_piece = [&](std::string_view piece) -> Result<void> {
    text += piece;
    return {};
  };
  const net::Handle handle = reactor_->start(ask("[one of: yes]", R"(,"stream":true)"), std::move(handler));
  EXPECT_EQ(status.get_future().get(), 200);
  EXPECT_TRUE(text.ends_with("data: [DONE]\n\n")) << text;
}

TEST_P(WireTest, ALargeAnswerArrivesWhole) {
  serve(fixed_latency(0));
  Request request{.url = server_->url() + "/v1/embeddings"};
  request.body = R"({"model":"m","encoding_format":"base64","input":["x")";
  for (int i = 1; i < 1000; ++i) request.body += R"(,"x")";
  request.body += "]}";
  const Result<Response> response = wait_for(*reactor_, std::move(request));
  ASSERT_TRUE(response) << to_string(response.error());
  EXPECT_GT(response->body.size(), 8'000'000U);
  EXPECT_EQ(response->headers.find("content-length"), std::to_string(response->body.size()));
}

TEST_P(WireTest, SilenceMeetsTheTimeoutOfItsPhase) {
  serve(fixed_latency(0));
  for (const auto& [fault, code] :
       {std::pair("black_hole", "net.first_byte_timeout"), std::pair("late", "net.first_byte_timeout"),
        std::pair("stall", "net.idle_timeout"), std::pair("trickle", "net.first_byte_timeout")}) {
    Request request = ask(fmt::format("[fault {}] [about 50 words]", fault));
    request.timeouts.first_byte = 50ms;
    request.timeouts.idle = 50ms;
    EXPECT_EQ(wait_for_error(*reactor_, std::move(request)).code, code) << fault;
  }
  const Result<Response> after = wait_for(*reactor_, ask("[one of: yes]"));
  ASSERT_TRUE(after) << to_string(after.error());
  EXPECT_THAT(after->body, HasSubstr("yes"));
}

TEST_P(WireTest, AnAnswerThatBreaksOffIsAFailureThatPasses) {
  serve(fixed_latency(0));
  for (const char* fault : {"reset", "truncated"}) {
    for (const char* more : {"", R"(,"stream":true)"}) {
      const Error error =
          wait_for_error(*reactor_, ask(fmt::format("[fault {}] {}", fault, *more == 0), more));
      EXPECT_EQ(error.kind, ErrorKind::kTransient);
      EXPECT_EQ(error.code, "net.broken") << fault << more;
    }
  }
  EXPECT_TRUE(wait_for(*reactor_, ask("[one of: yes]")));
  EXPECT_EQ(server_->stats().in_flight, 0U);
}

TEST_P(WireTest, ErrorAnswersArriveAsTheyAre) {
  serve(fixed_latency(0));
  for (const auto& [fault, status] : {std::pair("overloaded", 503), std::pair("bad_gateway", 502),
                                      std::pair("slow_down", 429), std::pair("malformed", 200)}) {
    const Result<Response> response = wait_for(*reactor_, ask(fmt::format("[fault {}]", fault)));
    ASSERT_TRUE(response) << to_string(response.error());
    EXPECT_EQ(response->status, status);
  }
}

TEST_P(WireTest, ACancelledRequestIsAbandonedAtOnce) {
  serve(fixed_latency(0));
  auto handle = reactor_->start(ask("[fault black_hole]"), {[](auto) { return std::nullopt; }});
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (server_->stats().in_flight == 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  handle.reset();
  while (server_->stats().abandoned == 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_EQ(server_->stats().abandoned, 1U);
}

TEST_P(WireTest, ASlowReaderOfRequestsGetsThemWhole) {
  Weather weather = fixed_latency(0);
  weather.slow_read_rate = 1;
  weather.slow_read_bytes = 1'000'000;
  serve(weather);
  const Result<Response> response = wait_for(*reactor_, ask("[one of: yes] " + std::string(100'000, 'x')));
  ASSERT_TRUE(response) << to_string(response.error());
  EXPECT_EQ(response->status, 200);
}

// A network that drops everything without a word: what is in flight is lost, but nothing that comes later.
TEST_P(WireTest, ADeadConnectionIsNotUsedAgain) {
  serve(fixed_latency(0));
  Relay network(Relay::Kind::kPlain, server_->port());
  const std::string url =
      fmt::format("{}://127.0.0.1:{}", GetParam() == Wire::kHttp1 ? "http" : "https", network.port());
  ASSERT_TRUE(wait_for(*reactor_, ask_at(url, "before")));
  network.go_dark();
  Request lost = ask_at(url, "lost");
  lost.timeouts.first_byte = 50ms;
  EXPECT_EQ(wait_for_error(*reactor_, std::move(lost)).code, "net.first_byte_timeout");
  const Result<Response> after = wait_for(*reactor_, ask_at(url, "[one of: yes]"));
  ASSERT_TRUE(after) << to_string(after.error());
  EXPECT_THAT(after->body, HasSubstr("yes"));
  EXPECT_EQ(network.connections(), 2);
}

class TlsTest : public WireTest {};
INSTANTIATE_TEST_SUITE_P(Over, TlsTest, testing::Values(Wire::kTlsHttp2), wire_name);

TEST_P(TlsTest, ACertificateThatNobodyVouchesForIsRefusedBeforeAnyRequest) {
  serve(fixed_latency(0));
  Reactor suspicious;
  const Error error = wait_for_error(suspicious, ask("x"));
  EXPECT_EQ(error.kind, ErrorKind::kUsage);
  EXPECT_EQ(error.code, "net.certificate");
  EXPECT_THAT(error.message, HasSubstr("SSL_CERT_FILE"));
  EXPECT_THAT(error.message, Not(HasSubstr("secret")));
  EXPECT_EQ(server_->stats().requests, 0U);
}

TEST_P(TlsTest, GoesThroughAProxyWhichDoesNotSeeTheKey) {
  serve(fixed_latency(0));
  Relay proxy(Relay::Kind::kConnect, server_->port());
  const Variable named("HTTPS_PROXY", fmt::format("http://127.0.0.1:{}", proxy.port()));
  const Result<Response> response = wait_for(*reactor_, ask("[one of: yes]"));
  ASSERT_TRUE(response) << to_string(response.error());
  EXPECT_THAT(response->body, HasSubstr("yes"));
  const std::vector<std::string> seen = proxy.requests();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_THAT(seen[0],
              testing::StartsWith(fmt::format("CONNECT 127.0.0.1:{} HTTP/1.1\r\n", server_->port())));
  EXPECT_THAT(seen[0], Not(HasSubstr("secret")));
  EXPECT_EQ(server_->stats().http2_requests, 1U);
}

TEST_P(TlsTest, GoesRoundAProxyForHostsThatNeedNone) {
  serve(fixed_latency(0));
  const Variable named("HTTPS_PROXY", fmt::format("http://127.0.0.1:{}", net::testing::unused_port()));
  const Variable none("NO_PROXY", "localhost,127.0.0.1");
  const Result<Response> response = wait_for(*reactor_, ask("x"));
  EXPECT_TRUE(response) << to_string(response.error());
}

TEST_P(TlsTest, AProxyThatIsNotThereIsNamed) {
  serve(fixed_latency(0));
  const int nobody = net::testing::unused_port();
  const Variable named("HTTPS_PROXY", fmt::format("http://127.0.0.1:{}", nobody));
  const Error error = wait_for_error(*reactor_, ask("x"));
  EXPECT_EQ(error.kind, ErrorKind::kTransient);
  EXPECT_EQ(error.code, "net.connect");
  EXPECT_THAT(error.message, HasSubstr(std::to_string(nobody)));
}

TEST(SimServer, SaysWhyItCannotServeTls) {
  SimOptions options;
  options.tls = "/nowhere/certificate.pem";
  const auto server = SimServer::start(options);
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code, "sim.tls");
  EXPECT_EQ(server.error().message, "cannot write a certificate to /nowhere/certificate.pem");
}

}  // namespace
}  // namespace xcs::sim
