#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "sim/api_error.h"
#include "sim/limiter.h"

namespace xcs::sim {

// A duration as OpenAI's reset headers spell it: "6ms", "1s", "1.5s", "1m30s", "1h0m0s"; rounded up to
// milliseconds.
std::string go_duration(std::chrono::nanoseconds duration);

// A point in time as Anthropic's reset headers spell it (RFC 3339, UTC, whole seconds).
std::string rfc3339(std::chrono::system_clock::time_point time);

// The header lines that tell a client where it stands with `limiter`. `wall` is the time of day at `now`.
std::string limit_headers(Provider provider, Limiter& limiter, TimePoint now,
                          std::chrono::system_clock::time_point wall);

// The header lines that tell a refused client when to come back.
std::string retry_headers(Provider provider, std::chrono::nanoseconds wait);

// The error of a request that `refusal` keeps out.
ApiError limit_error(Provider provider, const Refusal& refusal, std::string_view model);

}  // namespace xcs::sim
