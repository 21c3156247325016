#include "llm/relayed.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "llm/client.h"
#include "llm/testing/script_transport.h"

namespace xcs::llm {
namespace {

using testing::ScriptTransport;

net::Request request(std::string url, std::string body, std::string_view key_name = "Authorization",
                     std::string_view key = "Bearer sk-secret") {
  net::Request made{.url = std::move(url), .body = std::move(body)};
  made.headers.add(key_name, key);
  return made;
}

net::Request chat() { return request("http://server/v1/chat/completions", R"({"model":"m"})"); }

TEST(ReadForeign, FindsModelKeyAndBoundOfEachFormat) {
  const auto openai = read_foreign(
      request("http://server/v1/chat/completions", R"({"model":"m","max_completion_tokens":9,"n":2})"));
  ASSERT_TRUE(openai);
  EXPECT_EQ(openai->model, "m");
  EXPECT_EQ(openai->wire.api_key, "sk-secret");
  EXPECT_EQ(openai->wire.max_output, 18);
  EXPECT_FALSE(openai->again);
  const auto anthropic = read_foreign(
      request("http://server/v1/messages", R"({"model":"m","max_tokens":7})", "X-Api-Key", "sk-other"));
  ASSERT_TRUE(anthropic);
  EXPECT_EQ(anthropic->wire.provider, Provider::kAnthropic);
  EXPECT_EQ(anthropic->wire.api_key, "sk-other");
  EXPECT_EQ(anthropic->wire.max_output, 7);
  EXPECT_EQ(read_foreign(request("http://server/v1/responses", R"({"model":"m"})"))->wire.provider,
            Provider::kResponses);
}

TEST(ReadForeign, TakesTheAddressForTheModelWhereTheBodyNamesNone) {
  const std::string url = "http://azure/openai/deployments/d/chat/completions?api-version=1";
  const auto found = read_foreign(request(url, "{}", "api-key", "k"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->model, url);
  EXPECT_EQ(found->wire.api_key, "k");
}

TEST(ReadForeign, LeavesOtherRequestsAlone) {
  EXPECT_FALSE(read_foreign(request("http://server/v1/files", R"({"model":"m"})")));
  EXPECT_FALSE(read_foreign(request("http://server/v1/messages/count_tokens", R"({"model":"m"})")));
  EXPECT_FALSE(read_foreign(request("http://server/v1/messages", "[1]")));
  EXPECT_FALSE(read_foreign(request("http://server/v1/messages", "{")));
}

TEST(ReadForeign, KnowsThatAnSdkSendsItAgain) {
  net::Request again = chat();
  again.headers.add("x-stainless-retry-count", "1");
  EXPECT_TRUE(read_foreign(again)->again);
}

class RelayTest : public ::testing::Test {
 protected:
  Result<net::Response> relay(int max_retries) {
    std::optional<Result<net::Response>> outcome;
    const net::Handle handle =
        client_.relay(chat(), *read_foreign(chat()), {.model = "m", .max_retries = max_retries},
                      [&](Result<net::Response> response, Duration) { outcome = std::move(response); });
    return outcome.value();
  }

  ScriptTransport transport_;
  Client client_{transport_, transport_.clock(), 42};
};

TEST_F(RelayTest, HandsOnWhatCameAfterAsManyRepetitionsAsAllowed) {
  transport_.add(500, "first");
  transport_.add(429, "second");
  transport_.add(200, "not even JSON");
  EXPECT_EQ(relay(2)->body, "not even JSON");
  transport_.add(500, "only");
  const Result<net::Response> response = relay(0);
  EXPECT_EQ(response->body, "only");
  EXPECT_FALSE(response->headers.find("x-should-retry"));
  EXPECT_EQ(transport_.requests().size(), 4u);
}

TEST_F(RelayTest, TellsTheSdkNotToRepeatWhatTheAccountsOwnerHasToCure) {
  net::Headers headers;
  headers.add("X-Should-Retry", "true");
  headers.add("x-request-id", "r1");
  transport_.add(429, R"({"error":{"message":"pay","type":"insufficient_quota"}})", std::move(headers));
  const Result<net::Response> response = relay(2);
  EXPECT_EQ(transport_.requests().size(), 1u);
  EXPECT_EQ(response->headers.find("x-should-retry"), "false");
  EXPECT_EQ(response->headers.find("x-request-id"), "r1");
}

// Hands its requests' handlers over instead of sending anything.
struct Held final : net::Transport {
  net::Handle start(net::Request, net::Handler handler) override {
    handlers.push_back(std::move(handler));
    return nullptr;
  }
  std::vector<net::Handler> handlers;
};

TEST_F(RelayTest, AStreamIsHandedOnAsItIsAndCountedByWhatItSays) {
  Held transport;
  Client client(transport, transport_.clock(), 42);
  const auto meter = std::make_shared<Meter>();
  std::string heard;
  std::optional<Result<net::Response>> outcome;
  std::ignore = client.relay_stream(
      chat(), *read_foreign(chat()), {.model = "m", .max_retries = 2, .meter = meter},
      {.on_head = [&](const net::Response& head) { heard += std::to_string(head.status) + " "; },
       .on_piece = [&](std::string_view piece) { heard += piece; }},
      [&](Result<net::Response> response, Duration) { outcome = std::move(response); });
  net::Handler& handler = transport.handlers[0];
  ASSERT_EQ(handler.on_turn(), Duration::zero());
  handler.on_head({.status = 200, .headers = {}, .body = {}});
  const std::string first =
      "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n\n";
  const std::string last =
      "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";
  EXPECT_TRUE(handler.on_piece(first));
  EXPECT_TRUE(handler.on_piece(last));
  EXPECT_FALSE(handler.on_done(net::Response{.status = 200, .headers = {}, .body = {}}));
  EXPECT_EQ(heard, "200 " + first + last);
  EXPECT_TRUE(outcome.value());
  EXPECT_EQ(meter->total().calls, 1u);
  EXPECT_EQ(meter->total().failed, 0u);
  EXPECT_EQ(meter->total().usage.input_tokens, 3);
  EXPECT_EQ(meter->total().usage.output_tokens, 2);
}

TEST_F(RelayTest, AStreamThatIsLeftAfterItsLastEventIsAnAnswer) {
  Held transport;
  Client client(transport, transport_.clock(), 42);
  const auto meter = std::make_shared<Meter>();
  for (const std::string_view end : {"", "data: [DONE]\n\n"}) {
    std::ignore =
        client.relay_stream(chat(), *read_foreign(chat()), {.model = "m", .meter = meter},
                            {.on_head = [](const net::Response&) {}, .on_piece = [](std::string_view) {}},
                            [](const Result<net::Response>&, Duration) {});
    net::Handler& handler = transport.handlers.back();
    ASSERT_EQ(handler.on_turn(), Duration::zero());
    EXPECT_TRUE(handler.on_piece("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3}}\n\n"));
    EXPECT_TRUE(handler.on_piece(end));
    transport.handlers.clear();
  }
  EXPECT_EQ(meter->total().calls, 1u);
  EXPECT_EQ(meter->total().attempts, 2u);
  EXPECT_EQ(meter->total().lost, 1u);
  EXPECT_EQ(meter->total().usage.input_tokens, 3);
}

TEST_F(RelayTest, AStreamThatBreaksIsNotAskedForAgainOnceAPieceWasHandedOn) {
  Held transport;
  Client client(transport, transport_.clock(), 42);
  std::ignore =
      client.relay_stream(chat(), *read_foreign(chat()), {.model = "m", .max_retries = 2},
                          {.on_head = [](const net::Response&) {}, .on_piece = [](std::string_view) {}},
                          [](const Result<net::Response>&, Duration) {});
  const Error broken{.kind = ErrorKind::kTransient, .code = "net.broken"};
  net::Handler& handler = transport.handlers[0];
  ASSERT_EQ(handler.on_turn(), Duration::zero());
  EXPECT_TRUE(handler.on_done(std::unexpected(broken)));
  ASSERT_EQ(handler.on_turn(), Duration::zero());
  EXPECT_TRUE(handler.on_piece("data: not JSON\n\n"));
  EXPECT_FALSE(handler.on_done(std::unexpected(broken)));
}

TEST_F(RelayTest, ARequestThatWaitedWhileAnotherWasRefusedGetsItsResponse) {
  // The first request is refused before the second has had its turn.
  Held transport;
  Client client(transport, transport_.clock(), 42);
  std::vector<Result<net::Response>> outcomes;
  for (int i = 0; i < 2; ++i) {
    std::ignore = client.relay(chat(), *read_foreign(chat()), {.model = "m", .max_retries = 2},
                               [&](Result<net::Response> r, Duration) { outcomes.push_back(std::move(r)); });
  }
  ASSERT_EQ(transport.handlers[0].on_turn(), Duration::zero());
  const std::string body = R"({"error":{"message":"pay","code":"credit_balance_exhausted"}})";
  EXPECT_FALSE(transport.handlers[0].on_done(net::Response{.status = 429, .headers = {}, .body = body}));
  const Result<Duration> turn = transport.handlers[1].on_turn();
  ASSERT_FALSE(turn);
  EXPECT_FALSE(transport.handlers[1].on_done(std::unexpected(turn.error()))) << "not asked again";
  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_EQ(outcomes[1]->status, 429);
  EXPECT_EQ(outcomes[1]->body, body);
}

}  // namespace
}  // namespace xcs::llm
