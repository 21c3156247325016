// How many calls of one group may be in flight: pure decisions.
#pragma once

#include <type_traits>

#include "base/clock.h"

namespace xcs::llm {

// Starts small and grows while the provider keeps up. (A server that asks for no key has no account to count
// against: there, as many may be in flight at first as a run has by default.)
// - A round is as many successes as calls were allowed in flight when it began, at least four. Until the
//   provider first refuses, each success adds one, so that a round doubles the limit; or three, `quickly`,
//   where the provider's limits are known, which bound the rate by themselves, or the server is near. Later a
//   whole round adds 5 %, at least one.
// - A round in which less than 80 % of what was allowed was in flight adds nothing.
// - A refusal for rate cuts the limit to 80 %; others before the episode is over, at least 15 s later, change
//   nothing. One that says nothing about the number in flight only stops the growth for its pause.
// - A refusal for concurrency says how many are too many: the limit is one fewer than were in flight. Each
//   time, twice as many rounds pass before more are tried.
// - A failing server begins the round anew and never cuts the limit.
// - A success after a retry, or during an episode, counts for nothing.
class Concurrency {
 public:
  static constexpr double kFirst = 20;
  static constexpr int kFirstWithoutKey = 1024;
  static constexpr double kMost = 100'000;

  int limit() const { return static_cast<int>(limit_); }

  // Somebody means to have this many in flight: until a refusal says otherwise, that is allowed.
  void expect(int in_flight);
  // A call has begun, and this many are in flight now.
  void on_begin(int in_flight) { peak_ = in_flight > peak_ ? in_flight : peak_; }
  void on_success(bool first_attempt, bool quickly, TimePoint now);
  // `pause`: how long the provider asks to wait. Returns whether this begins an episode.
  bool on_rate_limit(Duration pause, TimePoint now);
  // A refusal for rate that says nothing about the number in flight: it only does not grow for a while.
  void rest(Duration pause, TimePoint now);
  void on_too_many(int in_flight);
  void on_server_trouble() { successes_ = 0; }
  // After nothing could succeed at all: one call at a time has to prove that the provider works again.
  void start_over();

 private:
  bool used() const;
  void begin_round();

  double limit_ = kFirst;
  double round_ = kFirst;  // the limit when the round began
  double patience_ = 1;    // rounds before the limit grows, out of the slow start
  int successes_ = 0;      // in this round
  int peak_ = 0;           // most in flight in this round
  bool slow_start_ = true;
  bool starting_over_ = false;  // nothing has succeeded since
  TimePoint episode_ends_ = TimePoint::min();
  TimePoint grows_after_ = TimePoint::min();
};
static_assert(std::is_trivially_copyable_v<Concurrency>);

}  // namespace xcs::llm
