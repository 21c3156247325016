#include "sim/limit_report.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <initializer_list>
#include <iterator>
#include <string_view>

#include "sim/fault.h"

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

// OpenAI counts input and output together and tells nothing of either alone.
std::string openai_headers(Limiter& limiter, TimePoint now) {
  std::string out;
  if (auto& bucket = limiter.bucket(LimitKind::kRequests)) openai_triple(out, "requests", *bucket, now);
  if (auto& bucket = limiter.bucket(LimitKind::kTokens)) openai_triple(out, "tokens", *bucket, now);
  return out;
}

// Of several limits that a header could tell, Anthropic tells the tightest.
std::string anthropic_headers(Limiter& limiter, TimePoint now, system_clock::time_point wall) {
  using enum LimitKind;
  std::string out;
  const auto tell = [&](std::string_view what, std::initializer_list<LimitKind> kinds, bool round) {
    Bucket* tightest = nullptr;
    for (const LimitKind kind : kinds) {
      auto& bucket = limiter.bucket(kind);
      if (bucket && (tightest == nullptr || bucket->remaining(now) < tightest->remaining(now)))
        tightest = &*bucket;
    }
    if (tightest == nullptr) return;
    const std::int64_t left = tightest->remaining(now);
    anthropic_triple(out, what, tightest->per_minute(), round ? rounded(left) : left,
                     rfc3339(wall + std::chrono::ceil<std::chrono::seconds>(tightest->until_full(now))));
  };
  tell("requests", {kRequests}, false);
  tell("tokens", {kTokens, kInputTokens, kOutputTokens}, true);
  tell("input-tokens", {kTokens, kInputTokens}, true);
  tell("output-tokens", {kTokens, kOutputTokens}, true);
  return out;
}

// What a limit is called in messages.
std::string_view anthropic_unit(LimitKind kind) {
  switch (kind) {
    case LimitKind::kTokens:
      return "tokens per minute";
    case LimitKind::kInputTokens:
      return "input tokens per minute";
    case LimitKind::kOutputTokens:
      return "output tokens per minute";
    case LimitKind::kRequestsPerSecond:
      return "requests per second";
    case LimitKind::kRequests:
    case LimitKind::kRamp:
    case LimitKind::kConcurrency:
      break;
  }
  return "requests per minute";
}

std::string_view openai_unit(LimitKind kind) {
  switch (kind) {
    case LimitKind::kTokens:
      return "tokens per min (TPM)";
    case LimitKind::kInputTokens:
      return "input tokens per min";
    case LimitKind::kOutputTokens:
      return "output tokens per min";
    case LimitKind::kRequestsPerSecond:
      return "requests per second (RPS)";
    case LimitKind::kRequests:
    case LimitKind::kRamp:
    case LimitKind::kConcurrency:
      break;
  }
  return "requests per min (RPM)";
}

ApiError anthropic_error(const Refusal& refusal, std::string_view model) {
  if (refusal.kind == LimitKind::kConcurrency) {
    return {.status = 429,
            .message = fmt::format("Number of concurrent connections has exceeded your rate limit of {}.",
                                   refusal.limit)};
  }
  return {.status = 429,
          .message = fmt::format("This request would exceed the rate limit of {} {} for {}.", refusal.limit,
                                 anthropic_unit(refusal.kind), model)};
}

ApiError openai_error(const Refusal& refusal, std::string_view model) {
  if (refusal.kind == LimitKind::kConcurrency) {
    return {.status = 429,
            .message = fmt::format("Too many requests in flight: Limit {}.", refusal.limit),
            .type = "requests",
            .code = "rate_limit_exceeded"};
  }
  const std::string_view unit = openai_unit(refusal.kind);
  const bool tokens = unit.find("tokens") != std::string_view::npos;
  ApiError error{.status = 429, .type = tokens ? "tokens" : "requests", .code = "rate_limit_exceeded"};
  error.message = refusal.retry_after
                      ? fmt::format("Rate limit reached for {} on {}: Limit {}. Please try again in {}.",
                                    model, unit, refusal.limit, go_duration(*refusal.retry_after))
                      : fmt::format(
                            "Request too large for {} on {}: Limit {}. The input or output tokens must be "
                            "reduced in order to run successfully.",
                            model, unit, refusal.limit);
  return error;
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

ApiError limit_error(Provider provider, const Refusal& refusal, std::string_view model) {
  if (refusal.kind == LimitKind::kRamp) return *fault_error(provider, Fault::kSlowDown);
  return provider == Provider::kAnthropic ? anthropic_error(refusal, model) : openai_error(refusal, model);
}

}  // namespace xcs::sim
