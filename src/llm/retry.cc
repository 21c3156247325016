#include "llm/retry.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iomanip>
#include <locale>
#include <sstream>
#include <string>

namespace xcs::llm {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using FloatSeconds = std::chrono::duration<double>;

constexpr Duration kLongestServerDelay = seconds(120);
constexpr FloatSeconds kFirstBackoff{0.5};
constexpr FloatSeconds kLongestBackoff{8};

std::optional<double> parse_number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

// "Sun, 06 Nov 1994 08:49:37 GMT".
std::optional<WallTime> parse_http_date(std::string_view text) {
  std::istringstream in{std::string(text)};
  in.imbue(std::locale::classic());
  std::tm parts{};
  in >> std::get_time(&parts, "%a, %d %b %Y %H:%M:%S GMT");
  if (in.fail()) return std::nullopt;
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

// A duration that fits, whatever the server wrote.
Duration bounded(FloatSeconds delay) {
  constexpr FloatSeconds kDay = std::chrono::hours(24);
  return std::chrono::duration_cast<Duration>(std::clamp(delay, FloatSeconds::zero(), kDay));
}

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

std::optional<Duration> delay_before_retry(const FailedAttempt& attempt) {
  if (attempt.retries_done >= attempt.max_retries) return std::nullopt;
  if (!should_retry(attempt.error, attempt.headers)) return std::nullopt;
  const std::optional<Duration> asked = server_delay(attempt.headers, attempt.now);
  if (asked && *asked > kLongestServerDelay) return std::nullopt;
  if (asked && *asked > Duration::zero()) return asked;
  const double doublings = std::min(attempt.retries_done, 16);
  const FloatSeconds backoff = std::min(kFirstBackoff * std::exp2(doublings), kLongestBackoff);
  return bounded(backoff * (1 - 0.25 * attempt.random));
}

}  // namespace xcs::llm
