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

std::string_view limit_name(LimitKind kind) {
  constexpr std::array<std::string_view, kLimitKinds> kNames = {
      "requests", "tokens", "input_tokens", "output_tokens", "requests_per_second", "ramp", "concurrency"};
  return kNames[static_cast<std::size_t>(kind)];
}

Ramp::Ramp(const Limits& limits, TimePoint now)
    : growth_(1 + (*limits.ramp_percent / 100)),
      floor_(limits.ramp_floor),
      stretch_(
          std::chrono::ceil<std::chrono::nanoseconds>(std::chrono::duration<double>(limits.ramp_seconds))),
      begin_(now) {}

std::chrono::nanoseconds Ramp::wait(TimePoint now) {
  move_on(now);
  return taken_ + 1 <= allowed() ? std::chrono::nanoseconds(0) : begin_ + stretch_ - now;
}

void Ramp::take(TimePoint now) {
  move_on(now);
  ++taken_;
}

void Ramp::move_on(TimePoint now) {
  const std::int64_t passed = (now - begin_) / stretch_;
  if (passed <= 0) return;
  before_ = passed == 1 ? taken_ : 0;
  taken_ = 0;
  begin_ += passed * stretch_;
}

double Ramp::allowed() const { return std::max({1.0, floor_, before_ * growth_}); }

Limiter::Limiter(const Limits& limits, TimePoint now) {
  const auto add = [&](LimitKind kind, const std::optional<double>& per_minute) {
    if (per_minute) bucket(kind).emplace(*per_minute, limits.burst, now);
  };
  add(LimitKind::kRequests, limits.requests_per_minute);
  add(LimitKind::kTokens, limits.tokens_per_minute);
  add(LimitKind::kInputTokens, limits.input_tokens_per_minute);
  add(LimitKind::kOutputTokens, limits.output_tokens_per_minute);
  if (limits.requests_per_second) {
    bucket(LimitKind::kRequestsPerSecond)
        .emplace(*limits.requests_per_second * 60, std::chrono::seconds(1), now);
  }
  if (limits.ramp_percent) ramp_.emplace(limits, now);
}

std::optional<Refusal> Limiter::admit(const Demand& demand, TimePoint now) {
  struct Share {
    LimitKind kind;
    std::int64_t required;
    std::int64_t charge;
  };
  const std::array<Share, 5> shares = {{
      {LimitKind::kRequests, 1, 1},
      {LimitKind::kRequestsPerSecond, 1, 1},
      {LimitKind::kTokens, demand.prompt + demand.required_output, demand.prompt + demand.charged_output},
      {LimitKind::kInputTokens, demand.prompt, demand.prompt},
      {LimitKind::kOutputTokens, std::max<std::int64_t>(demand.required_output, 1), demand.charged_output},
  }};
  for (const auto& [kind, required, charge] : shares) {
    std::optional<Bucket>& bucket = this->bucket(kind);
    if (!bucket) continue;
    const auto wait = bucket->wait_for(static_cast<double>(required), now);
    const bool per_second = kind == LimitKind::kRequestsPerSecond;
    if (wait != std::chrono::nanoseconds(0))
      return Refusal{kind, bucket->per_minute() / (per_second ? 60 : 1), wait};
  }
  if (ramp_) {
    if (const auto wait = ramp_->wait(now); wait.count() > 0) return Refusal{LimitKind::kRamp, 0, wait};
    ramp_->take(now);
  }
  for (const auto& [kind, required, charge] : shares) {
    if (auto& bucket = this->bucket(kind)) bucket->take(static_cast<double>(charge), now);
  }
  return std::nullopt;
}

}  // namespace xcs::sim
