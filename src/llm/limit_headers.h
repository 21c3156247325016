// What a response says about the provider's limits: pure reading of its headers.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "net/transport.h"

namespace xcs::llm {

using WallTime = std::chrono::system_clock::time_point;

// What providers count. OpenAI counts input and output together, as tokens; Anthropic both apart.
enum class Dimension : std::size_t { kRequests, kTokens, kInputTokens, kOutputTokens };
inline constexpr std::size_t kDimensions = 4;

// One limit: how much fits into it, what is left, and how long until all of it is there again.
struct LimitReport {
  double limit = 0;
  double remaining = 0;
  std::optional<Duration> full_after = std::nullopt;
  Duration resolution = {};  // of full_after, which may be rounded by as much
  double grain = 1;          // of remaining, likewise
};

using LimitReports = std::array<std::optional<LimitReport>, kDimensions>;

// The limits in OpenAI's (x-ratelimit-*) or Anthropic's (anthropic-ratelimit-*) headers; what is missing or
// cannot be understood is left out. Of OpenAI's two limits on tokens the tighter one counts.
LimitReports read_limits(const net::Headers& headers, WallTime now);

// "1h2m3.5s", "6m0s", "120ms": a duration as Go writes it, or a plain number of seconds. Nothing for other
// text.
std::optional<Duration> parse_go_duration(std::string_view text);

// "2026-11-25T01:02:03Z", with an optional fraction and with "Z" or an offset like "+01:00".
std::optional<WallTime> parse_rfc3339(std::string_view text);

// "Sun, 06 Nov 1994 08:49:37 GMT".
std::optional<WallTime> parse_http_date(std::string_view text);

// The whole text as a finite number.
std::optional<double> parse_number(std::string_view text);

// A duration that fits, whatever the server wrote: from nothing to a day.
Duration bounded(std::chrono::duration<double> delay);

}  // namespace xcs::llm
