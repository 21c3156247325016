// The limiters of a process: one for each group of calls that a provider counts together.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/mutex.h"
#include "llm/chat.h"
#include "llm/latencies.h"
#include "llm/limiter.h"
#include "llm/shared_limiter.h"
#include "llm/wire_request.h"
#include "net/transport.h"

namespace xcs::llm {

// The models that a provider counts together with this one: the name without a date or "-latest" at its end
// and, of Anthropic's, without the minor version.
std::string model_group(std::string_view model);

// How many tokens calls of a group take, learnt from answers.
class TokenEstimate {
 public:
  // `max_output` is what the request allows; absent: no bound. OpenAI counts all of it, Anthropic what is
  // produced.
  Need need_of(Provider provider, std::size_t body_bytes, std::optional<double> max_output) const;
  void learn(std::size_t body_bytes, const Usage& usage);

 private:
  double input_per_byte_ = 0.3;
  double output_ = 0;  // of an answer
};

// What a provider has said that no wait within reason cures.
struct Refusal {
  Error error;
  std::optional<net::Response> response;  // in which it said so; nothing when the answer was read in pieces
};

// One group, shared by its calls. Safe from any thread.
class Group {
 public:
  // `shared`: the limiter that other processes use, too; null: it is this process's own.
  Group(std::uint64_t lane, Provider provider, const Clock& clock, std::unique_ptr<SharedLimiter> shared,
        bool in_own_network)
      : lane_(lane),
        provider_(provider),
        in_own_network_(in_own_network),
        clock_(clock),
        shared_(std::move(shared)) {}

  std::uint64_t lane() const { return lane_; }
  void expect(int in_flight) {
    const MutexLock lock(mutex_);
    with_limiter([&](Limiter& l) { l.expect(in_flight); });
  }

  struct Hedges {
    std::uint64_t sent = 0;
    std::uint64_t won = 0;  // answered sooner than the call that they stood in for
  };
  Hedges hedges() const {
    const MutexLock lock(mutex_);
    return hedges_;
  }

 private:
  friend class Admission;

  template <class F>
  void with_limiter(F f) XCS_REQUIRES(mutex_) {
    if (shared_ == nullptr) return f(limiter_);
    shared_->with_limiter(clock_.now(), f);
  }

  const std::uint64_t lane_;
  const Provider provider_;
  const bool in_own_network_;
  const Clock& clock_;
  mutable Mutex mutex_;
  const std::unique_ptr<SharedLimiter> shared_;
  Limiter limiter_ XCS_GUARDED_BY(mutex_);  // without shared_
  TokenEstimate estimate_ XCS_GUARDED_BY(mutex_);
  Latencies latencies_ XCS_GUARDED_BY(mutex_);
  Hedges hedges_ XCS_GUARDED_BY(mutex_);
  std::uint64_t attempts_ XCS_GUARDED_BY(mutex_) = 0;
  std::uint64_t joined_ XCS_GUARDED_BY(mutex_) = 0;  // calls so far
  // Why every call up to the one with this number is refused, if it has not begun.
  std::optional<Refusal> refusal_ XCS_GUARDED_BY(mutex_);
  std::uint64_t refused_up_to_ XCS_GUARDED_BY(mutex_) = 0;
};

// One call's way through its group, over all its attempts. Destroying it gives up the attempt under way.
class Admission {
 public:
  struct Size {
    std::size_t body_bytes = 0;
    std::optional<double> max_output = std::nullopt;
    int in_flight = 0;  // calls that the caller means to have in flight; 0: it did not say
    Hedge hedge = {};
    bool again = false;  // the caller has sent the same before, without success
  };
  Admission(std::shared_ptr<Group> group, const Size& size);
  ~Admission();
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // Zero: an attempt has begun. Else how long to wait before asking again; a day at the most. Fails when the
  // provider has refused another call of the group for a reason that holds for all that wait.
  Result<Duration> try_begin();

  // The attempt that has begun is over; does nothing if none is under way. `error` is null for an answer,
  // `response` when there was none.
  void end(const Error* error, const net::Response* response, const Usage& usage);

  // The response for which try_begin has failed, if that is known.
  std::optional<net::Response> refusal() const;

  // The time after which a call is slow, once that is known.
  std::optional<Duration> usual_latency();
  // Whether a slow call may be sent a second time; counted when it may.
  bool try_hedge();
  // Counts a hedge as won, and returns how much longer than this slower calls have taken.
  Duration win_hedge(Duration after);

  TimePoint now() const { return group_->clock_.now(); }

 private:
  void end_locked(const Limiter::End& end) XCS_REQUIRES(group_->mutex_);

  const std::shared_ptr<Group> group_;
  const Size size_;
  std::uint64_t number_ = 0;
  int attempts_ = 0;
  std::optional<Begun> begun_;
};

// All groups. Safe from any thread; groups live as long as somebody uses them, and as long as this.
class Limits {
 public:
  // `directory`: where processes share limiters; empty: this one shares none. What is on this machine itself
  // is shared only when the directory was chosen by the user.
  Limits(const Clock& clock, std::string directory, bool chosen)
      : clock_(clock), directory_(std::move(directory)), chosen_(chosen) {}

  // Calls with the same server, key and model group share a group.
  std::shared_ptr<Group> group_of(const WireRequest& request, std::string_view model);

 private:
  std::unique_ptr<SharedLimiter> share(const WireRequest& request, std::string_view name) const;

  const Clock& clock_;
  const std::string directory_;
  const bool chosen_;
  Mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Group>> groups_ XCS_GUARDED_BY(mutex_);
};

}  // namespace xcs::llm
