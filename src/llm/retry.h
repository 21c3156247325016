// When a failed request is sent again, and after how long: pure decisions.
#pragma once

#include <chrono>
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "llm/limit_headers.h"
#include "net/transport.h"

namespace xcs::llm {

// A provider that asks for a longer pause asks to come back another day.
inline constexpr Duration kLongestServerDelay = std::chrono::seconds(120);

// What is known when an attempt has failed.
struct FailedAttempt {
  const Error& error;
  const net::Headers& headers;  // of the response; empty when there was none
  int retries_done = 0;
  int retries_left = 0;
  WallTime now = {};
  double random = 0;  // from [0, 1): spreads calls that failed together
};

// How long to wait before the request is sent again, or nullopt when it is not:
// - Errors of the transport of kind transient, and the statuses 408, 409, 429 and 500 and above are
//   repeated; the header x-should-retry decides otherwise, in either direction.
// - Never repeated: code "llm.billing", because only the account's owner can cure it, and "llm.malformed",
//   because the answer was produced and may have been paid for.
// - The server's delay (retry-after-ms, retry-after in seconds or as a date) is obeyed up to two minutes;
//   a longer one means that waiting is pointless, and the request is not repeated.
// - Else 0.5 s, doubled each time up to 8 s, less a random quarter.
std::optional<Duration> delay_before_retry(const FailedAttempt& attempt);

// Whether the refusal holds for as long as anybody would wait: the account has to be settled, or the limit
// comes back another day.
bool is_hopeless(const Error& error, std::optional<Duration> server_delay);

// The delay the server asks for; nullopt when it names none or none that can be understood.
std::optional<Duration> server_delay(const net::Headers& headers, WallTime now);

}  // namespace xcs::llm
