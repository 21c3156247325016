#include "sim/fault.h"

#include <charconv>
#include <limits>

namespace xcs::sim {

namespace {

constexpr std::array<std::string_view, kFaultCount> kNames = {
    "none",  "server_error", "overloaded", "rate_limit", "slow_down", "quota", "spend_limit", "black_hole",
    "reset", "stream_error", "truncated",  "malformed",  "stall",     "late",  "trickle",     "bad_gateway"};

std::optional<ApiError> openai_error(Fault fault) {
  switch (fault) {
    case Fault::kServerError:
      return ApiError{.status = 500,
                      .message = "The server had an error while processing your request. Sorry about that!",
                      .code = "server_error"};
    case Fault::kOverloaded:
      return ApiError{.status = 503,
                      .message = "The server is currently overloaded with other requests. Sorry about that!",
                      .code = "server_is_overloaded"};
    case Fault::kRateLimit:
      return ApiError{.status = 429,
                      .message = "Rate limit reached. Please try again.",
                      .type = "requests",
                      .code = "rate_limit_exceeded"};
    case Fault::kSlowDown:
      return ApiError{.status = 429,
                      .message = "You are sending requests too quickly. Please slow down.",
                      .type = "rate_limit_error",
                      .code = "slow_down"};
    case Fault::kQuota:
      return ApiError{.status = 429,
                      .message = "You have no credit left. Please check your plan and billing details.",
                      .type = "insufficient_quota",
                      .code = "credit_balance_exhausted"};
    case Fault::kSpendLimit:
      return ApiError{.status = 429,
                      .message = "Your organization has reached its spend limit.",
                      .type = "insufficient_quota",
                      .code = "organization_spend_limit_exceeded"};
    default:
      return std::nullopt;
  }
}

std::optional<ApiError> anthropic_error(Fault fault) {
  switch (fault) {
    case Fault::kServerError:
      return ApiError{.status = 500, .message = "Internal server error"};
    case Fault::kOverloaded:
      return ApiError{.status = 529, .message = "Overloaded"};
    case Fault::kRateLimit:
      return ApiError{.status = 429, .message = "This request would exceed your rate limit."};
    case Fault::kSlowDown:
      return ApiError{.status = 429,
                      .message = "Your rate of requests grows too quickly.",
                      .code = "ramp_limit_exceeded"};
    case Fault::kQuota:
      return ApiError{.status = 402, .message = "Your credit balance is too low to access the API."};
    case Fault::kSpendLimit:
      return ApiError{.status = 429,
                      .message = "Your organization has reached its spend limit.",
                      .code = "enforced_spend_limit_reached"};
    default:
      return std::nullopt;
  }
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return count;
}

std::optional<Fault> find_fault(std::string_view name) {
  for (std::size_t i = 1; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Fault>(i);
  }
  return std::nullopt;
}

// How many attempts the rest of a directive names: "" is one; none if it is malformed.
std::optional<std::uint64_t> attempts(std::string_view rest) {
  if (rest.empty()) return 1;
  if (rest == " always") return std::numeric_limits<std::uint64_t>::max();
  if (!rest.starts_with(" x")) return std::nullopt;
  return parse_count(rest.substr(2));
}

std::optional<ScheduledFault> parse_scheduled(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return std::nullopt;
  const auto fault = find_fault(text.substr(0, at));
  const std::string_view range = text.substr(at + 1);
  const std::size_t dash = range.find('-');
  const auto first = parse_count(range.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_count(range.substr(dash + 1));
  if (!fault || !first || !last || *first == 0 || *last < *first) return std::nullopt;
  return ScheduledFault{*fault, *first, *last};
}

}  // namespace

std::string_view fault_name(Fault fault) { return kNames[static_cast<std::size_t>(fault)]; }

std::optional<ApiError> fault_error(Provider provider, Fault fault) {
  return provider == Provider::kOpenAi ? openai_error(fault) : anthropic_error(fault);
}

Fault scripted_fault(std::string_view prompt, std::uint64_t ordinal) {
  constexpr std::string_view kOpening = "[fault ";
  const std::size_t open = prompt.rfind(kOpening);
  if (open == std::string_view::npos) return Fault::kNone;
  std::string_view inside = prompt.substr(open + kOpening.size());
  const std::size_t close = inside.find(']');
  if (close == std::string_view::npos) return Fault::kNone;
  inside = inside.substr(0, close);
  const std::size_t name_end = inside.find(' ');
  const auto fault = find_fault(inside.substr(0, name_end));
  const auto count = attempts(name_end == std::string_view::npos ? "" : inside.substr(name_end));
  return fault && count && ordinal < *count ? *fault : Fault::kNone;
}

std::optional<std::vector<ScheduledFault>> parse_fault_schedule(std::string_view text) {
  std::vector<ScheduledFault> schedule;
  while (true) {
    const std::size_t comma = text.find(',');
    const auto scheduled = parse_scheduled(text.substr(0, comma));
    if (!scheduled) return std::nullopt;
    schedule.push_back(*scheduled);
    if (comma == std::string_view::npos) return schedule;
    text.remove_prefix(comma + 1);
  }
}

Fault scheduled_fault(std::span<const ScheduledFault> schedule, std::uint64_t arrival) {
  for (const ScheduledFault& scheduled : schedule) {
    if (scheduled.first <= arrival && arrival <= scheduled.last) return scheduled.fault;
  }
  return Fault::kNone;
}

}  // namespace xcs::sim
