#include "sim/limit_report.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <iterator>
#include <string_view>

namespace xcs::sim {

namespace {

using std::chrono::system_clock;

std::int64_t ceil_ms(std::chrono::nanoseconds duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(duration).count();
}

void openai_triple(std::string& out, std::string_view what, Bucket& bucket, TimePoint now) {
  fmt::format_to(
      std::back_inserter(out),
      "x-ratelimit-limit-{0}: {1}\r\nx-ratelimit-remaining-{0}: {2}\r\nx-ratelimit-reset-{0}: {3}\r\n", what,
      bucket.per_minute(), bucket.remaining(now), go_duration(bucket.until_full(now)));
}

// Anthropic rounds what remains of tokens to thousands.
std::int64_t rounded(std::int64_t tokens) { return tokens < 1000 ? tokens : (tokens + 500) / 1000 * 1000; }

void anthropic_triple(std::string& out, std::string_view what, std::int64_t limit, std::int64_t remaining,
                      std::string_view reset) {
  fmt::format_to(std::back_inserter(out),
                 "anthropic-ratelimit-{0}-limit: {1}\r\nanthropic-ratelimit-{0}-remaining: {2}\r\n"
                 "anthropic-ratelimit-{0}-reset: {3}\r\n",
                 what, limit, remaining, reset);
}

std::string openai_headers(Limiter& limiter, TimePoint now) {
  std::string out;
  if (limiter.requests()) openai_triple(out, "requests", *limiter.requests(), now);
  if (limiter.tokens()) openai_triple(out, "tokens", *limiter.tokens(), now);
  return out;
}

std::string anthropic_headers(Limiter& limiter, TimePoint now, system_clock::time_point wall) {
  std::string out;
  if (auto& bucket = limiter.requests()) {
    anthropic_triple(out, "requests", bucket->per_minute(), bucket->remaining(now),
                     rfc3339(wall + std::chrono::ceil<std::chrono::seconds>(bucket->until_full(now))));
  }
  if (auto& bucket = limiter.tokens()) {
    const std::string reset =
        rfc3339(wall + std::chrono::ceil<std::chrono::seconds>(bucket->until_full(now)));
    for (const std::string_view what : {"tokens", "input-tokens", "output-tokens"}) {
      anthropic_triple(out, what, bucket->per_minute(), rounded(bucket->remaining(now)), reset);
    }
  }
  return out;
}

}  // namespace

std::string go_duration(std::chrono::nanoseconds duration) {
  const std::int64_t ms = ceil_ms(duration);
  if (ms == 0) return "0s";
  if (ms < 1000) return fmt::format("{}ms", ms);
  const std::int64_t minutes = ms / 60'000;
  const std::string seconds = fmt::format("{:g}s", static_cast<double>(ms % 60'000) / 1000.0);
  if (minutes == 0) return seconds;
  if (minutes < 60) return fmt::format("{}m{}", minutes, seconds);
  return fmt::format("{}h{}m{}", minutes / 60, minutes % 60, seconds);
}

std::string rfc3339(system_clock::time_point time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(system_clock::to_time_t(time)));
}

std::string limit_headers(Provider provider, Limiter& limiter, TimePoint now, system_clock::time_point wall) {
  return provider == Provider::kOpenAi ? openai_headers(limiter, now) : anthropic_headers(limiter, now, wall);
}

std::string retry_headers(Provider provider, std::chrono::nanoseconds wait) {
  const std::int64_t seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  std::string out = fmt::format("retry-after: {}\r\n", seconds);
  if (provider == Provider::kOpenAi) out += fmt::format("retry-after-ms: {}\r\n", ceil_ms(wait));
  return out;
}

ApiError limit_error(Provider provider, const Refusal& refusal, std::string_view model, std::int64_t limit) {
  const bool tokens = refusal.kind == LimitKind::kTokens;
  ApiError error{.status = 429};
  if (provider == Provider::kAnthropic) {
    error.message = fmt::format("This request would exceed the rate limit of {} {} per minute for {}.", limit,
                                tokens ? "tokens" : "requests", model);
    return error;
  }
  error.type = tokens ? "tokens" : "requests";
  error.code = "rate_limit_exceeded";
  error.message = refusal.retry_after
                      ? fmt::format("Rate limit reached for {} on {}: Limit {}. Please try again in {}.",
                                    model, tokens ? "tokens per min (TPM)" : "requests per min (RPM)", limit,
                                    go_duration(*refusal.retry_after))
                      : fmt::format(
                            "Request too large for {} on tokens per min (TPM): Limit {}. The input or output "
                            "tokens must be reduced in order to run successfully.",
                            model, limit);
  return error;
}

ApiError concurrency_error(Provider provider, std::int64_t limit) {
  if (provider == Provider::kAnthropic) {
    return {.status = 429,
            .message =
                fmt::format("Number of concurrent connections has exceeded your rate limit of {}.", limit)};
  }
  return {.status = 429,
          .message = fmt::format("Too many requests in flight: Limit {}.", limit),
          .type = "requests",
          .code = "rate_limit_exceeded"};
}

}  // namespace xcs::sim
