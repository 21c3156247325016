#include "sim/sim_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <vector>

#include "sim/descriptor.h"

namespace xcs::sim {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

std::string request(std::string_view text, std::string_view more = "") {
  const std::string body = R"({"model":"m","messages":[{"role":"user","content":")" + std::string(text) +
                           R"("}])" + std::string(more) + "}";
  return "POST /v1/chat/completions HTTP/1.1\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

// A blocking client on one connection. A server that does not answer within a minute fails the test.
class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{60, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ASSERT_GT(count, 0);
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  // One response with a Content-Length, head and body.
  std::string receive() {
    std::size_t head = std::string::npos;
    while ((head = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive_more()) return std::exchange(received_, {});
    }
    const std::size_t length = received_.find("content-length: ");
    const std::size_t size = head + 4 + std::stoul(received_.substr(length + 16));
    while (received_.size() < size && receive_more()) continue;
    std::string response = received_.substr(0, size);
    received_.erase(0, size);
    return response;
  }

  // Everything until the server closes the connection.
  std::string receive_all() {
    while (receive_more()) continue;
    return std::exchange(received_, {});
  }

  // The error that ended the last receive; 0 for an orderly end.
  int error() const { return error_; }

 private:
  bool receive_more() {
    char buffer[16384];
    const ssize_t count = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    error_ = count < 0 ? errno : 0;
    if (count > 0) received_.append(buffer, static_cast<std::size_t>(count));
    return count > 0;
  }

  Descriptor socket_;
  std::string received_;
  int error_ = 0;
};

std::unique_ptr<SimServer> serve(const Weather& weather) {
  SimOptions options;
  options.weather = weather;
  auto server = SimServer::start(options);
  EXPECT_TRUE(server) << server.error().message;
  return *std::move(server);
}

// Waits until the counters say so; a minute without it fails the test.
template <typename Predicate>
SimStats wait_for(const SimServer& server, Predicate predicate) {
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  SimStats stats = server.stats();
  while (!predicate(stats) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
    stats = server.stats();
  }
  EXPECT_TRUE(predicate(stats));
  return stats;
}

TEST(SimServer, AnswersRequestsOneAfterTheOtherOnOneConnection) {
  const auto server = serve(fixed_latency(0));
  Client client(server->port());
  for (const char* word : {"one", "two", "three"}) {
    client.send(request(std::string("[one of: ") + word + "]"));
    EXPECT_THAT(client.receive(), HasSubstr("\"content\":\"" + std::string(word) + "\""));
  }
  EXPECT_EQ(server->stats().connections_accepted, 1U);
  EXPECT_EQ(server->url(), "http://127.0.0.1:" + std::to_string(server->port()));
}

TEST(SimServer, AnswersPipelinedRequestsInOrderWithLatencyAndWithout) {
  for (const double ms : {0.0, 1.0}) {
    const auto server = serve(fixed_latency(ms));
    Client client(server->port());
    std::string all;
    for (int i = 0; i < 50; ++i) all += request("[one of: " + std::to_string(i) + "]");
    client.send(all);
    for (int i = 0; i < 50; ++i) {
      EXPECT_THAT(client.receive(), HasSubstr("\"content\":\"" + std::to_string(i) + "\""));
    }
  }
}

TEST(SimServer, ReadsARequestThatArrivesInPieces) {
  const auto server = serve(fixed_latency(0));
  Client client(server->port());
  const std::string bytes = request("[one of: whole]");
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    client.send(std::string_view(bytes).substr(i, 1));
    const std::size_t arrived = i + 1;
    wait_for(*server, [&](const SimStats& stats) { return stats.bytes_received >= arrived; });
  }
  EXPECT_THAT(client.receive(), HasSubstr("\"content\":\"whole\""));
}

TEST(SimServer, HoldsAnAnswerBackForItsLatency) {
  const auto server = serve(fixed_latency(30));
  Client client(server->port());
  const auto start = std::chrono::steady_clock::now();
  client.send(request("x"));
  EXPECT_THAT(client.receive(), StartsWith("HTTP/1.1 200"));
  EXPECT_GE(std::chrono::steady_clock::now() - start, 30ms);
}

TEST(SimServer, HoldsManyRequestsInFlightAtOnce) {
  constexpr std::uint64_t kClientCount = 500;
  const auto server = serve(fixed_latency(300));
  std::vector<Client> clients;
  for (std::uint64_t i = 0; i < kClientCount; ++i) {
    clients.emplace_back(server->port());
    clients.back().send(request(std::to_string(i)));
  }
  for (Client& client : clients) EXPECT_THAT(client.receive(), StartsWith("HTTP/1.1 200"));
  const SimStats stats = server->stats();
  EXPECT_EQ(stats.requests, kClientCount);
  EXPECT_GT(stats.peak_in_flight, 1U);
  EXPECT_EQ(stats.in_flight, 0U);
}

TEST(SimServer, StreamsInChunksAndClosesWhenAsked) {
  const auto server = serve(fixed_latency(0));
  Client client(server->port());
  const std::string body =
      R"({"model":"m","stream":true,"messages":[{"role":"user","content":"[one of: x]"}]})";
  client.send("POST /v1/chat/completions HTTP/1.1\r\nconnection: close\r\ncontent-length: " +
              std::to_string(body.size()) + "\r\n\r\n" + body);
  const std::string response = client.receive_all();
  EXPECT_THAT(response, HasSubstr("transfer-encoding: chunked\r\n"));
  EXPECT_THAT(response, HasSubstr("data: [DONE]\n\n"));
  EXPECT_TRUE(response.ends_with("0\r\n\r\n"));
  EXPECT_EQ(client.error(), 0);
}

TEST(SimServer, SendsALargeAnswerToAClientThatReadsLate) {
  const auto server = serve(fixed_latency(0));
  Client client(server->port());
  std::string body = R"({"model":"m","encoding_format":"base64","input":["x")";
  for (int i = 1; i < 1000; ++i) body += R"(,"x")";
  body += "]}";
  const std::string large =
      "POST /v1/embeddings HTTP/1.1\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  client.send(large + request("[one of: after]"));
  wait_for(*server, [](const SimStats& stats) { return stats.embeddings == 1; });
  const std::string response = client.receive();
  EXPECT_GT(response.size(), 8'000'000U);
  EXPECT_TRUE(response.ends_with("}}"));
  EXPECT_THAT(client.receive(), HasSubstr("\"content\":\"after\""));
}

TEST(SimServer, TellsAClientThatWaitsToContinue) {
  const auto server = serve(fixed_latency(0));
  Client client(server->port());
  client.send(
      "POST /v1/chat/completions HTTP/1.1\r\nexpect: 100-continue\r\nconnection: close\r\ncontent-length: "
      "2\r\n\r\n");
  wait_for(*server, [](const SimStats& stats) { return stats.bytes_sent > 0; });
  client.send("{}");
  EXPECT_THAT(client.receive_all(), StartsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400"));
}

TEST(SimServer, RefusesWhatIsNotHttpAndCloses) {
  const auto server = serve(fixed_latency(0));
  Client client(server->port());
  client.send("hello\r\n\r\n");
  EXPECT_THAT(client.receive_all(), StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_EQ(server->stats().by_status.at(400), 1U);
}

TEST(SimServer, ResetsTheConnectionWhenThatIsTheFate) {
  Weather weather = fixed_latency(0);
  weather.rate(Fault::kReset) = 1;
  const auto server = serve(weather);
  Client client(server->port());
  client.send(request("x"));
  EXPECT_EQ(client.receive_all(), "");
  EXPECT_EQ(client.error(), ECONNRESET);
}

TEST(SimServer, ReadsSomeConnectionsSlowly) {
  Weather weather = fixed_latency(0);
  weather.slow_read_rate = 1;
  weather.slow_read_bytes = 100'000;
  const auto server = serve(weather);
  Client client(server->port());
  const auto start = std::chrono::steady_clock::now();
  client.send(request(std::string(10'000, 'x')));
  EXPECT_THAT(client.receive(), StartsWith("HTTP/1.1 200"));
  EXPECT_GE(std::chrono::steady_clock::now() - start, 90ms);
  EXPECT_EQ(server->stats().connections_slow, 1U);
}

TEST(SimServer, ClosesASlowlyReadConnectionWhoseClientLeaves) {
  Weather weather = fixed_latency(0);
  weather.slow_read_rate = 1;
  weather.slow_read_bytes = 1'000;
  const auto server = serve(weather);
  Client(server->port()).send("POST");
  wait_for(*server, [](const SimStats& stats) {
    return stats.connections_accepted == 1 && stats.connections_open == 0;
  });
}

TEST(SimServer, NoticesAClientThatLeavesBeforeItsAnswer) {
  Weather weather = fixed_latency(0);
  weather.rate(Fault::kBlackHole) = 1;
  const auto server = serve(weather);
  {
    Client client(server->port());
    client.send(request("x"));
    wait_for(*server, [](const SimStats& stats) { return stats.in_flight == 1; });
  }
  const SimStats stats = wait_for(*server, [](const SimStats& stats) { return stats.abandoned == 1; });
  EXPECT_EQ(stats.in_flight, 0U);
  EXPECT_EQ(stats.connections_open, 0U);
}

TEST(SimServer, ClosesWhatIsInFlightWhenItIsDestroyed) {
  auto server = serve(fixed_latency(1e9));
  Client client(server->port());
  client.send(request("x"));
  wait_for(*server, [](const SimStats& stats) { return stats.in_flight == 1; });
  server.reset();
  EXPECT_EQ(client.receive_all(), "");
}

TEST(SimServer, SaysWhyItCannotListen) {
  const auto server = serve(fixed_latency(0));
  SimOptions options;
  options.port = server->port();
  const auto second = SimServer::start(options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "sim.listen");
  EXPECT_EQ(second.error().message,
            "cannot listen on 127.0.0.1:" + std::to_string(server->port()) + ": Address already in use");
  options.host = "not an address";
  ASSERT_FALSE(SimServer::start(options));
}

TEST(SimServer, ListensOnIpv6) {
  SimOptions options;
  options.host = "::1";
  const auto server = SimServer::start(options);
  ASSERT_TRUE(server) << server.error().message;
  EXPECT_EQ((*server)->url(), "http://[::1]:" + std::to_string((*server)->port()));
}

}  // namespace
}  // namespace xcs::sim
