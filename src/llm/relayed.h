// A request that somebody else has written, on its way past the limits of the provider that it goes to.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "llm/stream.h"
#include "llm/turns.h"
#include "llm/wire_request.h"
#include "net/transport.h"

namespace xcs::llm {

// The response, whatever its status, or why there is none; and how long ago the request was first sent.
using OnResponse = std::move_only_function<void(Result<net::Response>, Duration took)>;

// Who receives a response piece by piece, as net::Handler's functions of these names do; OnResponse then gets
// it without its body.
struct OnStream {
  std::move_only_function<void(const net::Response& head)> on_head = {};
  std::move_only_function<void(std::string_view piece)> on_piece = {};
};

// Note [relayed requests]
// Who wrote the request also reads its response: an error's body is handed on as it came. What waits while
// the provider refuses another request for good is never sent, and gets the response of the other. Where
// nothing is gained by sending again, the response says x-should-retry: false, which the SDKs that retry by
// themselves obey. A response is not asked for again once a piece of it has been handed on.

// Lives in the handler, on the transport's thread.
class Relayed {
 public:
  struct Parts {
    WireRequest wire;
    std::unique_ptr<Turns> turns;
    std::shared_ptr<Meter> meter;
    int max_retries = 0;
    std::uint64_t seed = 0;
  };
  Relayed(Parts parts, OnStream on_stream, OnResponse done);
  // Who has read an answer to its last event need not wait for the end of the response.
  ~Relayed();
  Relayed(const Relayed&) = delete;
  Relayed& operator=(const Relayed&) = delete;

  Result<Duration> on_turn();
  std::optional<Duration> on_done(Result<net::Response> response);
  void on_head(const net::Response& head) { on_stream_.on_head(head); }
  void on_piece(std::string_view piece);

 private:
  Result<ChatAnswer> read(const Result<net::Response>& response);
  std::optional<Duration> delay_after(const Error& error, const net::Headers& headers);

  const Parts parts_;
  std::minstd_rand random_;
  OnStream on_stream_;
  OnResponse done_;
  std::optional<AnswerStream> stream_;  // of the present attempt
  Result<void> readable_;               // whether it could be read so far
  bool delivered_ = false;              // a piece has been handed on
  std::optional<TimePoint> sent_at_;
};

}  // namespace xcs::llm
