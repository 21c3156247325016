#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

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
  kLate,         // the answer pauses before it begins
  kTrickle,      // the answer's body comes in small pieces, slowly
  kBadGateway,   // 502 with a page of HTML, from a machine before the provider's
};

inline constexpr std::size_t kFaultCount = 16;

// "server_error", "overloaded", ...: as scripts and the counters call it; "none" for kNone.
std::string_view fault_name(Fault fault);

// The provider's error, for a fault that is an error answer; none for the others.
std::optional<ApiError> fault_error(Provider provider, Fault fault);

// The fault that the prompt's last "[fault NAME]" asks for at the attempt number `ordinal` (from 0): the
// first attempt meets it; with "[fault NAME xN]" the first N do, with "[fault NAME always]" all. kNone if
// there is no such directive.
Fault scripted_fault(std::string_view prompt, std::uint64_t ordinal);

// A fault for some requests by the order in which they arrive.
struct ScheduledFault {
  Fault fault;
  std::uint64_t first;  // from 1
  std::uint64_t last;   // this one included
};

// "NAME@N" or "NAME@N-M", several separated by commas; none if the text is anything else.
std::optional<std::vector<ScheduledFault>> parse_fault_schedule(std::string_view text);

// The fault for the request number `arrival`, from 1; the first that applies, else kNone.
Fault scheduled_fault(std::span<const ScheduledFault> schedule, std::uint64_t arrival);

}  // namespace xcs::sim
