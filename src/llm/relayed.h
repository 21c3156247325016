// A request that somebody else has written, on its way past the limits of the provider that it goes to.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>

#include "base/clock.h"
#include "base/error.h"
#include "llm/turns.h"
#include "llm/wire_request.h"
#include "net/transport.h"

namespace xcs::llm {

// The response, whatever its status, or why there is none; and how long ago the request was first sent.
using OnResponse = std::move_only_function<void(Result<net::Response>, Duration took)>;

// Note [relayed requests]
// Who wrote the request also reads its response: an error's body is handed on as it came. What waits while
// the provider refuses another request for good is never sent, and gets the response of the other. Where
// nothing is gained by sending again, the response says x-should-retry: false, which the SDKs that retry by
// themselves obey.

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
  Relayed(Parts parts, OnResponse done);

  Result<Duration> on_turn();
  std::optional<Duration> on_done(Result<net::Response> response);

 private:
  std::optional<Duration> delay_after(const Error& error, const net::Headers& headers);

  const Parts parts_;
  std::minstd_rand random_;
  OnResponse done_;
  std::optional<TimePoint> sent_at_;
};

}  // namespace xcs::llm
