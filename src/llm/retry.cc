#include "llm/retry.h"

#include <algorithm>
#include <cmath>

#include "llm/limit_headers.h"

namespace xcs::llm {
namespace {

using FloatSeconds = std::chrono::duration<double>;

constexpr FloatSeconds kFirstBackoff{0.5};
constexpr FloatSeconds kLongestBackoff{8};

bool should_retry(const Error& error, const net::Headers& headers) {
  if (error.kind == ErrorKind::kCancelled || error.kind == ErrorKind::kInternal) return false;
  if (error.code == "llm.billing" || error.code == "llm.malformed") return false;
  if (const auto wish = headers.find("x-should-retry"); wish == "true" || wish == "false")
    return wish == "true";
  return error.kind == ErrorKind::kTransient;
}

}  // namespace

std::optional<Duration> server_delay(const net::Headers& headers, WallTime now) {
  if (const auto value = headers.find("retry-after-ms")) {
    if (const auto count = parse_number(*value))
      return bounded(std::chrono::duration<double, std::milli>(*count));
  }
  const auto value = headers.find("retry-after");
  if (!value) return std::nullopt;
  if (const auto count = parse_number(*value)) return bounded(FloatSeconds(*count));
  if (const auto date = parse_http_date(*value)) return bounded(*date - now);
  return std::nullopt;
}

bool is_hopeless(const Error& error, std::optional<Duration> server_delay) {
  const bool limited = error.code == "llm.rate_limit" && server_delay && *server_delay > kLongestServerDelay;
  return limited || error.code == "llm.billing";
}

std::optional<Duration> delay_before_retry(const FailedAttempt& attempt) {
  if (attempt.retries_left <= 0) return std::nullopt;
  if (!should_retry(attempt.error, attempt.headers)) return std::nullopt;
  const std::optional<Duration> asked = server_delay(attempt.headers, attempt.now);
  if (asked && *asked > kLongestServerDelay) return std::nullopt;
  if (asked && *asked > Duration::zero()) return asked;
  const double doublings = std::min(attempt.retries_done, 16);
  const FloatSeconds backoff = std::min(kFirstBackoff * std::exp2(doublings), kLongestBackoff);
  return bounded(backoff * (1 - (0.25 * attempt.random)));
}

}  // namespace xcs::llm
