#include "llm/concurrency.h"

#include <algorithm>

namespace xcs::llm {
namespace {

constexpr double kCut = 0.8;
constexpr double kSteadyGrowth = 0.05;
constexpr double kUsed = 0.8;
constexpr double kSmallestRound = 4;
constexpr double kMostPatience = 64;
constexpr double kGrowthPerSuccess = 1;
constexpr double kQuickGrowthPerSuccess = 3;
constexpr Duration kShortestEpisode = std::chrono::seconds(15);

}  // namespace

bool Concurrency::used() const { return peak_ >= kUsed * static_cast<int>(round_); }

void Concurrency::begin_round() {
  round_ = limit_;
  successes_ = 0;
  peak_ = 0;
}

void Concurrency::expect(int in_flight) {
  if (!slow_start_ || starting_over_ || in_flight <= limit()) return;
  limit_ = std::min<double>(in_flight, kMost);
  begin_round();
}

void Concurrency::on_success(bool first_attempt, bool quickly, TimePoint now) {
  starting_over_ = false;
  if (!first_attempt || now < std::max(episode_ends_, grows_after_)) return;
  if (slow_start_ && used()) {
    limit_ = std::min(limit_ + (quickly ? kQuickGrowthPerSuccess : kGrowthPerSuccess), kMost);
  }
  if (++successes_ < std::max(kSmallestRound, round_) * patience_) return;
  if (!slow_start_ && used()) limit_ = std::min(limit_ + std::max(1.0, kSteadyGrowth * limit_), kMost);
  begin_round();
}

bool Concurrency::on_rate_limit(Duration pause, TimePoint now) {
  successes_ = 0;
  if (now < episode_ends_) return false;
  episode_ends_ = now + std::max(kShortestEpisode, pause);
  slow_start_ = false;
  limit_ = std::max(1.0, kCut * limit_);
  begin_round();
  return true;
}

void Concurrency::rest(Duration pause, TimePoint now) {
  successes_ = 0;
  grows_after_ = std::max(grows_after_, now + pause);
}

void Concurrency::on_too_many(int in_flight) {
  if (in_flight <= limit()) patience_ = std::min(2 * patience_, kMostPatience);
  slow_start_ = false;
  limit_ = std::clamp(static_cast<double>(in_flight - 1), 1.0, limit_);
  begin_round();
}

void Concurrency::start_over() {
  *this = Concurrency();
  limit_ = round_ = 1;
  starting_over_ = true;
}

}  // namespace xcs::llm
