#include "llm/pace.h"

#include <algorithm>
#include <cmath>

#include "llm/limit_headers.h"

namespace xcs::llm {
namespace {

using FloatSeconds = std::chrono::duration<double>;

constexpr double kHalfLife = 10;
constexpr double kShortestMeasure = 1;  // seconds
constexpr double kFewestMeasured = 4;
constexpr double kLowest = 1.0 / 60;  // requests per second
constexpr double kGrowth = 1.5;
constexpr double kCallsPerGrowth = 800;
constexpr double kToleratedRefusals = 0.005;  // of all requests
constexpr double kEnd = 2;                    // times the rate at which the hold began
constexpr FloatSeconds kSameBurst{5};

}  // namespace

void Pace::measure(TimePoint now) {
  const double passed = measuring_ ? FloatSeconds(now - measured_).count() : 0;
  const double kept = std::exp2(-passed / kHalfLife);
  recent_ *= kept;
  refused_ *= kept;
  recent_seconds_ = recent_seconds_ * kept + passed;
  measured_ = now;
  measuring_ = true;
}

double Pace::rate(TimePoint now) const {
  return first_rate_ * std::pow(kGrowth, FloatSeconds(now - since_).count() / growth_seconds_);
}

Duration Pace::wait(TimePoint now) {
  if (held_ && rate(now) >= ceiling_) held_ = false;
  return held_ && next_ > now ? next_ - now : Duration::zero();
}

void Pace::on_begin(TimePoint now) {
  measure(now);
  recent_ += 1;
  if (held_) next_ = std::max(next_, now) + bounded(FloatSeconds(1 / rate(now)));
}

void Pace::on_refused() {
  recent_ = std::max(0.0, recent_ - 1);
  refused_ += 1;
}

bool Pace::is_refused_often() const { return refused_ > kToleratedRefusals * (recent_ + refused_); }

void Pace::hold(const Hold& hold, TimePoint now) {
  if (held_ && now - since_ < kSameBurst) return;
  measure(now);
  if (recent_ < kFewestMeasured) return;
  const double measured = recent_ / std::max(recent_seconds_, kShortestMeasure);
  // What was allowed last is as good a measure, if it was used.
  const double seen = std::max(held_ ? std::min(rate(now), measured) : measured, kLowest);
  first_rate_ = hold.share * seen;
  growth_seconds_ = std::clamp(kCallsPerGrowth / seen, hold.shortest_growth, hold.longest_growth);
  ceiling_ = kEnd * seen;
  since_ = now;
  next_ = now;
  held_ = true;
}

}  // namespace xcs::llm
