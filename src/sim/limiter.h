#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace xcs::sim {

// A token bucket that starts full and refills continuously.
class Bucket {
 public:
  // `per_minute` is the refill; the bucket holds what refills in `burst`, but at least 1.
  Bucket(double per_minute, std::chrono::duration<double> burst, TimePoint now);

  // How long until `amount` is there: 0 if it is now, none if it is more than the bucket ever holds.
  std::optional<std::chrono::nanoseconds> wait_for(double amount, TimePoint now);

  // Takes `amount` without a look at what is there; the bucket may owe afterwards.
  void take(double amount, TimePoint now);

  // What is there, not below 0, and how long until the bucket is full.
  std::int64_t remaining(TimePoint now);
  std::chrono::nanoseconds until_full(TimePoint now);

  std::int64_t per_minute() const { return static_cast<std::int64_t>(per_minute_); }

 private:
  void refill(TimePoint now);
  std::chrono::nanoseconds time_for(double amount) const;

  double per_minute_;
  double capacity_;
  double level_;
  TimePoint refilled_;
};

// What a server allows; an absent limit does not limit. Those per minute are told in the headers of answers,
// the others show only when they are exceeded.
struct Limits {
  std::optional<double> requests_per_minute;
  std::optional<double> tokens_per_minute;  // input and output together
  std::optional<double> input_tokens_per_minute;
  std::optional<double> output_tokens_per_minute;
  std::optional<double> requests_per_second;  // saved up for a second at most
  std::optional<std::int64_t> concurrency;    // requests in flight at the server
  std::chrono::duration<double> burst{60};    // how long those per minute are saved up

  // How quickly the number of requests may grow: in each stretch of `ramp_seconds` at most `ramp_percent`
  // more than in the one before, but always `ramp_floor`.
  std::optional<double> ramp_percent;
  double ramp_seconds = 60;
  double ramp_floor = 100;

  bool any_told() const {
    return requests_per_minute || tokens_per_minute || input_tokens_per_minute || output_tokens_per_minute;
  }
};

enum class LimitKind : std::uint8_t {
  kRequests,
  kTokens,
  kInputTokens,
  kOutputTokens,
  kRequestsPerSecond,
  kRamp,
  kConcurrency,
};
inline constexpr std::size_t kLimitKinds = 7;
// The kinds that are told in headers come first.
inline constexpr std::size_t kToldKinds = 4;

// "requests", "input_tokens", ...: as the counters call it.
std::string_view limit_name(LimitKind kind);

struct Refusal {
  LimitKind kind;
  std::int64_t limit = 0;                               // as it is configured
  std::optional<std::chrono::nanoseconds> retry_after;  // none: the request can never pass
};

// What a request asks of the limits of tokens: how many must be there to let it in, and how many it takes.
struct Demand {
  std::int64_t prompt = 0;
  std::int64_t required_output = 0;
  std::int64_t charged_output = 0;
};

// Keeps the number of requests from growing too quickly.
class Ramp {
 public:
  Ramp(const Limits& limits, TimePoint now);

  // How long until one more request is allowed; 0 if it is now.
  std::chrono::nanoseconds wait(TimePoint now);
  void take(TimePoint now);

 private:
  void move_on(TimePoint now);
  double allowed() const;

  double growth_;
  double floor_;
  std::chrono::nanoseconds stretch_;
  TimePoint begin_;    // of this stretch
  double before_ = 0;  // requests of the stretch before
  double taken_ = 0;   // requests of this one
};

// The limits of one key and model.
class Limiter {
 public:
  Limiter(const Limits& limits, TimePoint now);

  // Takes what the request asks for if all of it is there; otherwise takes nothing and says which limit is in
  // the way and for how long.
  std::optional<Refusal> admit(const Demand& demand, TimePoint now);

  // The bucket of a limit, if there is one.
  std::optional<Bucket>& bucket(LimitKind kind) { return buckets_[static_cast<std::size_t>(kind)]; }

  // When the first answer tells the client of the limits; later ones do not change it.
  void tell(TimePoint when) { told_ = std::min(told_, when); }
  bool told(TimePoint now) const { return told_ <= now; }

 private:
  std::array<std::optional<Bucket>, kLimitKinds> buckets_;
  std::optional<Ramp> ramp_;
  TimePoint told_ = TimePoint::max();
};

}  // namespace xcs::sim
