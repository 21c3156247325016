#include "llm/limiter.h"

#include <algorithm>
#include <cmath>

namespace xcs::llm {
namespace {

using FloatSeconds = std::chrono::duration<double>;

constexpr double kDoubt = 0.25;   // seconds; see Note [what remains]
constexpr double kMargin = 0.01;  // share of a limit that is left alone
constexpr double kUsedUp = 0.05;
constexpr double kShortestBurst = 1;
constexpr FloatSeconds kFirstPause{1};
constexpr FloatSeconds kLongestPause{60};
// A window is believed when the provider's rounding changes it by little.
constexpr double kRoundings = 10;
// A longer time until a limit is whole again cannot be that of a limit per minute.
constexpr double kLongerThanAMinute = 90;
// A shorter time is that of a provider that names its limit per minute and keeps less than that in store.
constexpr double kMinute = 60;
constexpr double kDay = 24 * 3600;
// How far windows that are the same may seem to be apart, and amounts that tell are.
constexpr double kSlack = 1.05;
constexpr double kTellingChange = 1.4;
constexpr Pace::Hold kSlowDown = {.share = 0.5, .shortest_growth = 15 * 60, .longest_growth = 15 * 60};
constexpr Pace::Hold kRateLimit = {.share = 0.9, .shortest_growth = 60, .longest_growth = 5 * 60};

double seconds(Duration d) { return FloatSeconds(d).count(); }

// How far what remains may be from what the report says, once that is rounded to more than whole calls.
double half_grain(const LimitReport& report) { return report.grain > 1 ? report.grain / 2 : 0; }

Duration duration(double s) { return bounded(FloatSeconds(s)); }

}  // namespace

double Limiter::Bucket::capacity() const { return std::min(limit, std::max(1.0, per_second() * burst)); }

void Limiter::Bucket::advance(TimePoint now) {
  level = std::min(capacity(), level + (seconds(now - at) * per_second()));
  at = now;
}

// A need larger than the bucket waits for a full one.
Duration Limiter::Bucket::wait(double need) const {
  if (!known) return {};
  const double most = capacity();
  const double margin = most >= 1 / kMargin ? kMargin * most : 0;
  const double missing = std::min(need + margin, most) - level;
  constexpr double kRounding = 1e-6;
  return missing <= kRounding * most ? Duration::zero()
                                     : duration(missing / per_second()) + std::chrono::microseconds(1);
}

void Limiter::Bucket::believe_window(const LimitReport& report) {
  if (!report.full_after) return;
  const double full_after = seconds(*report.full_after);
  const double missing = limit - report.remaining;
  const bool exact = *report.full_after >= kRoundings * report.resolution;
  if (exact && missing >= kRoundings * report.grain &&
      full_after * limit >= kMinute * (missing - report.grain))
    window = std::min(full_after * limit / (missing - report.grain), kDay);
  else if (full_after > kLongerThanAMinute)
    window = std::min(full_after * limit / std::max(missing, report.grain), kDay);
  else if (exact && missing >= (limit < 2 ? 1 : 2) * report.grain)
    believe_short_window(full_after * limit, missing, limit < 2 ? missing : missing - report.grain);
}

// See Note [short windows]. What is missing may be rounded, so a report tells a range of windows.
void Limiter::Bucket::believe_short_window(double scaled, double missing, double least_missing) {
  double low = scaled / missing;
  double high = scaled / least_missing;
  if (low >= kMinute) return;
  const bool agrees = low <= kSlack * seen_high && seen_low <= kSlack * high;
  const bool tells = missing > kTellingChange * seen_missing || seen_missing > kTellingChange * missing;
  if (agrees && !tells && limit >= 2) return;
  if (agrees) {
    low = std::max(low, seen_low);
    high = std::max(low, std::min(high, seen_high));
  }
  window = agrees || limit < 2 ? std::min(high, kMinute) : kMinute;
  seen_low = low;
  seen_high = high;
  seen_missing = missing;
}

void Limiter::Bucket::charge(double need, TimePoint now) {
  if (seconds(now - marked) >= kDoubt) {
    charged_then = seconds(now - marked) >= 2 * kDoubt ? charged : charged_mark;
    charged_mark = charged;
    marked = now;
  }
  level -= need;
  charged += need;
  last_need = need;
}

// "3000, 40 remaining, full again in 0.2 s": no more than 50 are saved up. Times are rounded up, so the
// shortest that any report tells is the nearest.
void Limiter::Bucket::believe_burst(const LimitReport& report) {
  if (!report.full_after) return;
  const double saved = report.remaining / per_second();
  burst = std::clamp(saved + seconds(*report.full_after), kShortestBurst, burst);
}

// `charged_after`: since the call was sent; `charged_around`: since the moment before that, including itself.
void Limiter::Bucket::apply(const LimitReport& report, TimePoint begun, double charged_after,
                            double charged_around, TimePoint now) {
  if (begun < reported) return;
  reported = begun;
  if (limit != report.limit) {
    window = kMinute;
    burst = kMinute;
    seen_low = seen_high = seen_missing = 0;
  }
  limit = report.limit;
  believe_window(report);
  believe_burst(report);
  const double passed = seconds(now - begun);
  const double doubt = half_grain(report);
  const double most = report.remaining + doubt - charged_after + (passed * per_second());
  const double least =
      report.remaining - doubt - charged_around + (std::max(0.0, passed - kDoubt) * per_second());
  level = std::min(capacity(), known ? std::clamp(level, least, most) : least);
  at = now;
  known = true;
}

std::expected<Begun, Duration> Limiter::try_begin(const Need& need, TimePoint now) {
  if (in_flight_ >= concurrency_.limit()) return std::unexpected(Duration::max());
  if (now < cool_until_) return std::unexpected(cool_until_ - now);
  if (const Duration left = wait(need, now); left > Duration::zero()) return std::unexpected(left);
  Begun begun{.at = now};
  for (std::size_t d = 0; d < kDimensions; ++d) {
    buckets_[d].charge(need[d], now);
    begun.charged[d] = buckets_[d].charged;
    begun.charged_before[d] = buckets_[d].charged_then;
  }
  pace_.on_begin(now);
  concurrency_.on_begin(++in_flight_);
  return begun;
}

Duration Limiter::wait(const Need& need, TimePoint now) {
  Duration longest = pace_.wait(now);
  for (std::size_t d = 0; d < kDimensions; ++d) {
    if (!buckets_[d].known) continue;
    buckets_[d].advance(now);
    longest = std::max(longest, buckets_[d].wait(need[d]));
  }
  return longest;
}

void Limiter::learn(const Begun& begun, const LimitReports& reports, TimePoint now) {
  for (std::size_t d = 0; d < kDimensions; ++d) {
    if (!reports[d]) continue;
    Bucket& bucket = buckets_[d];
    bucket.advance(now);
    bucket.apply(*reports[d], begun.at, bucket.charged - begun.charged[d],
                 bucket.charged - begun.charged_before[d], now);
  }
}

void Limiter::end(const End& end, TimePoint now) {
  switch (end.outcome) {
    case Outcome::kSuccess:
      refusals_in_a_row_ = 0;
      concurrency_.on_success(end.first_attempt, buckets_[0].known || end.own_network, now);
      break;
    case Outcome::kSlowDown:
    case Outcome::kRateLimit:
      on_rate_limit(end, now);
      break;
    case Outcome::kTooMany:
      concurrency_.on_too_many(in_flight_);
      break;
    case Outcome::kTrouble:
      concurrency_.on_server_trouble();
      if (end.server_delay) cool_down(*end.server_delay, now);
      break;
    case Outcome::kUnanswered:
    case Outcome::kOther:
      break;
  }
  --in_flight_;
}

// One for a limit that is known, and one that is rare, ask for a pause and no more. Others tell that the
// provider does not let one save up as much, or that it has another limit.
void Limiter::on_rate_limit(const End& end, TimePoint now) {
  const FloatSeconds doubled =
      std::min(kFirstPause * std::exp2(std::min(refusals_in_a_row_, 16)), kLongestPause);
  const Duration pause = end.server_delay.value_or(bounded(doubled));
  cool_down(pause, now);
  pace_.on_refused();
  const bool known = explained(now);
  if (end.outcome == Outcome::kSlowDown) {
    pace_.hold(kSlowDown, now);
  } else if (known || !pace_.is_refused_often()) {
    concurrency_.rest(pause, now);
    return;
  } else {
    pace_.hold(kRateLimit, now);
    Bucket& requests = buckets_[static_cast<std::size_t>(Dimension::kRequests)];
    requests.burst = std::max(kShortestBurst, requests.burst / 2);
  }
  if (concurrency_.on_rate_limit(pause, now)) ++refusals_in_a_row_;
}

// Whether a limit that is known is used up.
bool Limiter::explained(TimePoint now) {
  return std::ranges::any_of(buckets_, [now](Bucket& bucket) {
    if (!bucket.known) return false;
    bucket.advance(now);
    return bucket.level < std::max(kUsedUp * bucket.capacity(), bucket.last_need);
  });
}

void Limiter::cool_down(Duration pause, TimePoint now) { cool_until_ = std::max(cool_until_, now + pause); }

}  // namespace xcs::llm
