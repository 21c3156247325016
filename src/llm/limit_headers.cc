#include "llm/limit_headers.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>
#include <iomanip>
#include <locale>
#include <sstream>
#include <string>
#include <utility>

namespace xcs::llm {
namespace {

using FloatSeconds = std::chrono::duration<double>;

// The seconds in one Go unit at the front of the text, which is taken off it.
std::optional<double> take_unit(std::string_view& text) {
  constexpr std::array<std::pair<std::string_view, double>, 7> kUnits = {
      {{"ms", 1e-3}, {"us", 1e-6}, {"µs", 1e-6}, {"ns", 1e-9}, {"h", 3600}, {"m", 60}, {"s", 1}}};
  for (const auto& [unit, seconds] : kUnits) {
    if (!text.starts_with(unit)) continue;
    text.remove_prefix(unit.size());
    return seconds;
  }
  return std::nullopt;
}

// `digits` decimal digits at the front of the text, which are taken off it; -1 when they are not there.
int take_digits(std::string_view& text, std::size_t digits) {
  int number = 0;
  if (text.size() < digits) return -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, number);
  if (error != std::errc() || end != text.data() + digits || number < 0) return -1;
  text.remove_prefix(digits);
  return number;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || !any_of.contains(text.front())) return false;
  text.remove_prefix(1);
  return true;
}

// What follows the seconds of a time: a fraction, which is taken off.
std::optional<double> take_fraction(std::string_view& text) {
  if (!text.starts_with('.')) return 0;
  const std::size_t end = std::min(text.find_first_not_of("0123456789", 1), text.size());
  const auto fraction = parse_number("0" + std::string(text.substr(0, end)));
  text.remove_prefix(end);
  return fraction;
}

// "Z" or an offset from UTC, in seconds.
std::optional<int> parse_zone(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  const bool behind = text.starts_with('-');
  if (!take(text, "+-")) return std::nullopt;
  const int hours = take_digits(text, 2);
  if (!take(text, ":")) return std::nullopt;
  const int minutes = take_digits(text, 2);
  if (hours < 0 || minutes < 0 || !text.empty()) return std::nullopt;
  return (behind ? -1 : 1) * (hours * 3600 + minutes * 60);
}

// The clock counts nanoseconds and ends in 2262: what lies outside of what it can tell is moved to its
// bounds.
WallTime to_wall_time(std::time_t seconds) {
  constexpr std::time_t kLatest = 9'000'000'000;
  return std::chrono::system_clock::from_time_t(std::clamp<std::time_t>(seconds, 0, kLatest));
}

struct Style {
  std::string_view pattern;  // with {0} for the dimension and {1} for "limit", "remaining" or "reset"
  bool dated;                // whether "reset" is a point in time
};
// Anthropic rounds what remains of tokens to thousands.
constexpr double kAnthropicGrain = 1000;
constexpr Style kOpenAi = {"x-ratelimit-{1}-{0}", false};
constexpr Style kAnthropic = {"anthropic-ratelimit-{0}-{1}", true};

std::optional<LimitReport> read_limit(const net::Headers& headers, const Style& style, std::string_view what,
                                      WallTime now) {
  const auto value = [&](std::string_view part) {
    return headers.find(fmt::format(fmt::runtime(style.pattern), what, part));
  };
  const auto limit = value("limit");
  const auto remaining = value("remaining");
  if (!limit || !remaining) return std::nullopt;
  const auto size = parse_number(*limit);
  const auto left = parse_number(*remaining);
  if (!size || !left || !(*size > 0)) return std::nullopt;
  LimitReport report{.limit = *size, .remaining = std::clamp(*left, 0.0, *size)};
  report.resolution = style.dated ? Duration(std::chrono::seconds(1)) : std::chrono::milliseconds(1);
  if (style.dated && what.ends_with("tokens")) report.grain = kAnthropicGrain;
  const std::string_view reset = value("reset").value_or("");
  if (!style.dated) {
    report.full_after = parse_go_duration(reset);
  } else if (const auto at = parse_rfc3339(reset)) {
    report.full_after = bounded(*at - now);
  }
  return report;
}

}  // namespace

std::optional<double> parse_number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

Duration bounded(FloatSeconds delay) {
  constexpr FloatSeconds kDay = std::chrono::hours(24);
  return std::chrono::duration_cast<Duration>(std::clamp(delay, FloatSeconds::zero(), kDay));
}

std::optional<Duration> parse_go_duration(std::string_view text) {
  if (const auto seconds = parse_number(text)) return bounded(FloatSeconds(*seconds));
  double total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
    const auto count = parse_number(text.substr(0, end));
    text.remove_prefix(end);
    const auto unit = take_unit(text);
    if (!count || !unit) return std::nullopt;
    total += *count * *unit;
  }
  return bounded(FloatSeconds(total));
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  std::tm parts{};
  parts.tm_year = take_digits(text, 4) - 1900;
  if (parts.tm_year < 0 || !take(text, "-")) return std::nullopt;
  parts.tm_mon = take_digits(text, 2) - 1;
  if (!take(text, "-")) return std::nullopt;
  parts.tm_mday = take_digits(text, 2);
  if (!take(text, "Tt ")) return std::nullopt;
  parts.tm_hour = take_digits(text, 2);
  if (!take(text, ":")) return std::nullopt;
  parts.tm_min = take_digits(text, 2);
  if (!take(text, ":")) return std::nullopt;
  parts.tm_sec = take_digits(text, 2);
  const bool in_range = parts.tm_mon >= 0 && parts.tm_mon < 12 && parts.tm_mday > 0 && parts.tm_mday <= 31 &&
                        parts.tm_hour >= 0 && parts.tm_hour < 24 && parts.tm_min >= 0 && parts.tm_min < 60 &&
                        parts.tm_sec >= 0 && parts.tm_sec <= 60;
  const auto fraction = take_fraction(text);
  const auto zone = parse_zone(text);
  if (!in_range || !fraction || !zone) return std::nullopt;
  return to_wall_time(timegm(&parts) - *zone) +
         std::chrono::duration_cast<std::chrono::system_clock::duration>(FloatSeconds(*fraction));
}

std::optional<WallTime> parse_http_date(std::string_view text) {
  std::istringstream in{std::string(text)};
  in.imbue(std::locale::classic());
  std::tm parts{};
  in >> std::get_time(&parts, "%a, %d %b %Y %H:%M:%S GMT");
  if (in.fail()) return std::nullopt;
  return to_wall_time(timegm(&parts));
}

LimitReports read_limits(const net::Headers& headers, WallTime now) {
  LimitReports reports;
  const auto at = [&](Dimension d) -> auto& { return reports[static_cast<std::size_t>(d)]; };
  at(Dimension::kRequests) = read_limit(headers, kOpenAi, "requests", now);
  at(Dimension::kTokens) = read_limit(headers, kOpenAi, "tokens", now);
  const auto project = read_limit(headers, kOpenAi, "project-tokens", now);
  auto& tokens = at(Dimension::kTokens);
  if (project && (!tokens || project->remaining < tokens->remaining)) tokens = project;
  if (at(Dimension::kRequests) || tokens) return reports;
  at(Dimension::kRequests) = read_limit(headers, kAnthropic, "requests", now);
  at(Dimension::kInputTokens) = read_limit(headers, kAnthropic, "input-tokens", now);
  at(Dimension::kOutputTokens) = read_limit(headers, kAnthropic, "output-tokens", now);
  return reports;
}

}  // namespace xcs::llm
