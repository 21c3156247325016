// Typed calls to OpenAI- and Anthropic-compatible providers.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "llm/call.h"
#include "llm/chat.h"
#include "llm/limits.h"
#include "llm/relayed.h"
#include "net/transport.h"

namespace xcs::llm {

// Sends chat requests over a transport, no sooner than the provider's limits allow (see llm/limiter.h), and
// repeats those that failed for reasons that pass (see llm/retry.h). The transport outlives the client, and
// the clock both. Safe to use from any thread.
class Client {
 public:
  // The seed makes the jitter of the delays between attempts repeatable.
  explicit Client(net::Transport& transport, std::uint64_t seed = 0);
  // On a clock that is not the machine's, limits are shared with no other process.
  Client(net::Transport& transport, const Clock& clock, std::uint64_t seed = 0);

  // Both callbacks run on the transport's thread and must neither block nor throw; `done` runs exactly
  // once, unless the handle is destroyed before, and may run before start returns, as it does for requests
  // that cannot be sent (missing key, invalid JSON), which fail with a usage error. The handle is as in
  // net::Operation, except that it is empty when the request could not be sent.
  [[nodiscard]] net::Handle start(ChatRequest request, OnAnswer done);

  // As start, and `delta` receives the answer's text as it is produced. An attempt that has delivered text
  // is not repeated.
  [[nodiscard]] net::Handle start_stream(ChatRequest request, OnDelta delta, OnAnswer done);

  // Sends a request that somebody else has written, and that `foreign` was read from. It waits for its turn
  // as all others do, and is repeated after failures that pass, see Note [relayed requests]. Of the terms,
  // model, max_retries, meter, budget, price and in_flight count. `done` is as for start.
  [[nodiscard]] net::Handle relay(net::Request request, ForeignRequest foreign, const ChatRequest& terms,
                                  OnResponse done);
  // As relay, of a response that is taken piece by piece.
  [[nodiscard]] net::Handle relay_stream(net::Request request, ForeignRequest foreign,
                                         const ChatRequest& terms, OnStream on_stream, OnResponse done);

 private:
  static Result<std::unique_ptr<Turns>> turns_of(const std::shared_ptr<Group>& group, const WireRequest& wire,
                                                 std::size_t body_bytes, const ChatRequest& terms,
                                                 bool again);
  net::Handle start_hedged(net::Request http, Call::Parts parts, Call::Parts hedge,
                           const std::shared_ptr<Race>& race);

  Client(net::Transport& transport, const Clock& clock, std::uint64_t seed, std::string shared_limits);

  net::Transport& transport_;
  const std::uint64_t seed_;
  Limits limits_;
  std::atomic<std::uint64_t> started_ = 0;
};

}  // namespace xcs::llm
