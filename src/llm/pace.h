// A bound on how many requests begin per second, for limits that the provider does not name: pure decisions.
#pragma once

#include <type_traits>

#include "base/clock.h"

namespace xcs::llm {

// Measures the rate of accepted requests all the time. Once held, lets requests begin one after the other at
// a share of that rate, which then grows again.
class Pace {
 public:
  // How long the next request has to wait.
  Duration wait(TimePoint now);
  void on_begin(TimePoint now);
  // A request that had begun was refused after all.
  void on_refused();
  // Whether refusals are more than the rare one that says nothing about how much the provider takes.
  bool is_refused_often() const;

  struct Hold {
    double share;            // of the rate at this time
    double shortest_growth;  // seconds until the rate has grown by half
    double longest_growth;   // likewise, for slow rates: in between it takes kCallsPerGrowth calls
  };
  // Refusals soon after another belong to the same burst, and change nothing; nor does one before anything
  // was measured.
  void hold(const Hold& hold, TimePoint now);

 private:
  void measure(TimePoint now);
  double rate(TimePoint now) const;

  // Accepted beginnings, and the seconds in which they fell, both forgotten by half every kHalfLife seconds.
  double recent_ = 0;
  double refused_ = 0;  // likewise, refused ones
  double recent_seconds_ = 0;
  TimePoint measured_{};
  bool measuring_ = false;

  bool held_ = false;
  double first_rate_ = 0;  // requests per second, when the hold began
  double growth_seconds_ = 0;
  double ceiling_ = 0;  // the rate at which the hold ends
  TimePoint since_{};
  TimePoint next_{};  // when the next request may begin
};
static_assert(std::is_trivially_copyable_v<Pace>);

}  // namespace xcs::llm
