#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sim/api_error.h"

namespace xcs::sim {

// What goes wrong with one request.
enum class Fault : std::uint8_t {
  kNone,
  kServerError,  // 500
  kOverloaded,   // 503 from OpenAI, 529 from Anthropic
  kRateLimit,    // 429 that a later attempt can pass, with a retry-after
  kSlowDown,     // 429 that asks for a lower rate of new requests
  kQuota,        // out of credit: waiting does not help
  kSpendLimit,   // 429, but waiting does not help
  kBlackHole,    // no answer, ever
  kReset,        // the connection is reset: before a whole answer, inside a streamed one
  kStreamError,  // a stream ends with an error event; a whole answer is spared
  kTruncated,    // the connection is closed in the middle of the answer
  kMalformed,    // the answer's JSON breaks off, but its frame is in order
  kStall,        // the answer pauses in the middle
};

inline constexpr std::size_t kFaultCount = 13;

// "server_error", "overloaded", ...: as scripts and the counters call it; "none" for kNone.
std::string_view fault_name(Fault fault);

// The provider's error, for a fault that is an error answer; none for the others.
std::optional<ApiError> fault_error(Provider provider, Fault fault);

// The fault that the prompt's last "[fault NAME]" asks for at the attempt number `ordinal` (from 0): the
// first attempt meets it; with "[fault NAME xN]" the first N do, with "[fault NAME always]" all. kNone if
// there is no such directive.
Fault scripted_fault(std::string_view prompt, std::uint64_t ordinal);

}  // namespace xcs::sim
