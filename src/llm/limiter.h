// When a call of one group may be sent: pure decisions, from what the provider has said so far.
#pragma once

#include <array>
#include <cstddef>
#include <expected>
#include <optional>
#include <type_traits>

#include "base/clock.h"
#include "llm/concurrency.h"
#include "llm/limit_headers.h"
#include "llm/pace.h"

namespace xcs::llm {

// What a call takes from each limit, by Dimension, as far as that can be told before it is answered.
using Need = std::array<double, kDimensions>;

// A call that has begun: what the limiter wants to hear again when it is over.
struct Begun {
  TimePoint at{};
  Need charged{};         // by all calls up to this one
  Need charged_before{};  // by those that had surely arrived when this one did
};

// What became of a call that had begun.
enum class Outcome {
  kSuccess,
  kRateLimit,   // refused: too many requests or tokens in too short a time
  kSlowDown,    // refused: the rate of requests grows too fast
  kTooMany,     // refused: too many in flight at once
  kTrouble,     // the server failed, is overloaded or did not answer
  kUnanswered,  // given up by whoever waited for it
  kOther,       // refused for reasons of its own
};

// Note [what remains]
// Between reports, a level is what it was, less what calls have been charged, plus what has come back. A
// response's headers tell what remained when the provider admitted the call, soon after it was sent; by the
// time they arrive, others have been sent and some of the limit has come back. Nobody knows in which order
// the provider admitted calls that were sent at nearly the same time. So a report gives two bounds: at most
// what remained less what was charged after this call; at least that less what was charged in the moment
// before it (kDoubt), with as much less come back. The level is moved into these bounds, and stays as it is
// when it lies within. A report on an older call than the last one applied is dropped.

// Note [short windows]
// Nearly all providers name their limits per minute, whatever they let one save up: "3000, 40 remaining, full
// again in 0.2 s" is such a limit, with 50 saved up at the most. Read as the window that it seems to be, it
// would be 3000 calls every 0.2 s. A limit that really is one per second tells by its reports: however much
// is missing, it comes back in proportion. So a window below a minute is believed when two reports in a row,
// with different amounts missing, agree on it, and until one disagrees. Where only one call fits there is no
// saving up, and one report is enough.

// One limiter serves a group: calls for which a provider counts together. No clock: every function takes the
// time, which never goes back. A value without pointers, so that processes can share one.
class Limiter {
 public:
  // Either the call may go, and has begun, or it has to wait this long; Duration::max() is until a call is
  // over.
  std::expected<Begun, Duration> try_begin(const Need& need, TimePoint now);

  // The limits that the response to a call named.
  void learn(const Begun& begun, const LimitReports& reports, TimePoint now);

  struct End {
    Outcome outcome = Outcome::kOther;
    bool first_attempt = true;
    std::optional<Duration> server_delay = std::nullopt;
    bool own_network = false;  // the server is in the user's own network
  };
  // A call that had begun is over. A report on it is learnt before.
  void end(const End& end, TimePoint now);

  void expect(int in_flight) { concurrency_.expect(in_flight); }

  // Calls that had begun are over, and nobody knows how they ended.
  void give_up(int calls) { in_flight_ = calls < in_flight_ ? in_flight_ - calls : 0; }

  // The account has nothing left to spend: one call at a time finds out when that has changed.
  void start_over() { concurrency_.start_over(); }

  int in_flight() const { return in_flight_; }
  int concurrency_limit() const { return concurrency_.limit(); }
  TimePoint cool_until() const { return cool_until_; }

 private:
  struct Bucket {
    bool known = false;
    double limit = 0;
    double level = 0;
    double window = 60;   // seconds in which the whole limit comes back
    double burst = 60;    // seconds of coming back that can be saved up
    double seen_low = 0;  // windows that the last reports allow
    double seen_high = 0;
    double seen_missing = 0;  // of the limit, when the last of these came
    double last_need = 0;     // of the call that was charged last
    double charged = 0;       // by all calls so far
    double charged_then = 0;  // as it was at least kDoubt ago
    double charged_mark = 0;  // as it was at marked
    TimePoint marked{};
    TimePoint at{};                         // when level was right
    TimePoint reported = TimePoint::min();  // when the call began whose report was applied last

    double per_second() const { return limit / window; }
    double capacity() const;
    void advance(TimePoint now);
    Duration wait(double need) const;
    void believe_window(const LimitReport& report);
    void believe_burst(const LimitReport& report);
    void believe_short_window(double scaled, double missing, double least_missing);
    void charge(double need, TimePoint now);
    void apply(const LimitReport& report, TimePoint begun, double charged_after, double charged_around,
               TimePoint now);
  };

  Duration wait(const Need& need, TimePoint now);
  void cool_down(Duration pause, TimePoint now);
  void on_rate_limit(const End& end, TimePoint now);
  bool explained(TimePoint now);

  Concurrency concurrency_;
  std::array<Bucket, kDimensions> buckets_;
  Pace pace_;
  int in_flight_ = 0;
  int refusals_in_a_row_ = 0;
  TimePoint cool_until_ = TimePoint::min();
};
static_assert(std::is_trivially_copyable_v<Limiter>);

}  // namespace xcs::llm
