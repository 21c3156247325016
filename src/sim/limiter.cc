#include "sim/limiter.h"

#include <algorithm>
#include <cmath>

namespace xcs::sim {

namespace {
// Below this a missing amount is rounding, not debt: a bucket asked again after exactly the wait it named
// must agree.
constexpr double kSlack = 1e-6;
}  // namespace

Bucket::Bucket(double per_minute, std::chrono::duration<double> burst, TimePoint now)
    : per_minute_(per_minute),
      capacity_(std::max(1.0, per_minute * burst.count() / 60.0)),
      level_(capacity_),
      refilled_(now) {}

void Bucket::refill(TimePoint now) {
  const std::chrono::duration<double> passed = now - refilled_;
  level_ = std::min(capacity_, level_ + (passed.count() * per_minute_ / 60.0));
  refilled_ = now;
}

std::chrono::nanoseconds Bucket::time_for(double amount) const {
  if (amount <= kSlack) return std::chrono::nanoseconds(0);
  return std::chrono::nanoseconds(static_cast<std::int64_t>(std::ceil(amount * 60e9 / per_minute_)));
}

std::optional<std::chrono::nanoseconds> Bucket::wait_for(double amount, TimePoint now) {
  if (amount > capacity_) return std::nullopt;
  refill(now);
  return time_for(amount - level_);
}

void Bucket::take(double amount, TimePoint now) {
  refill(now);
  level_ -= amount;
}

std::int64_t Bucket::remaining(TimePoint now) {
  refill(now);
  return std::max<std::int64_t>(0, static_cast<std::int64_t>(level_ + kSlack));
}

std::chrono::nanoseconds Bucket::until_full(TimePoint now) {
  refill(now);
  return time_for(capacity_ - level_);
}

Limiter::Limiter(const Limits& limits, TimePoint now) {
  if (limits.requests_per_minute) requests_.emplace(*limits.requests_per_minute, limits.burst, now);
  if (limits.tokens_per_minute) tokens_.emplace(*limits.tokens_per_minute, limits.burst, now);
}

std::optional<Refusal> Limiter::admit(std::int64_t required, std::int64_t charge, TimePoint now) {
  constexpr std::chrono::nanoseconds at_once{0};
  if (requests_) {
    const auto wait = requests_->wait_for(1, now);
    if (wait != at_once) return Refusal{LimitKind::kRequests, wait};
  }
  if (tokens_) {
    const auto wait = tokens_->wait_for(static_cast<double>(required), now);
    if (wait != at_once) return Refusal{LimitKind::kTokens, wait};
    tokens_->take(static_cast<double>(charge), now);
  }
  if (requests_) requests_->take(1, now);
  return std::nullopt;
}

}  // namespace xcs::sim
