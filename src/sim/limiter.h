#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

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

// Limits on requests and tokens per minute; an absent one does not limit.
struct Limits {
  std::optional<double> requests_per_minute;
  std::optional<double> tokens_per_minute;
  std::optional<std::int64_t> concurrency;  // requests in flight at the server
  std::chrono::duration<double> burst{60};

  bool any_rate() const { return requests_per_minute || tokens_per_minute; }
};

enum class LimitKind { kRequests, kTokens };

struct Refusal {
  LimitKind kind;
  std::optional<std::chrono::nanoseconds> retry_after;  // none: the request can never pass
};

// The two buckets of one key and model.
class Limiter {
 public:
  Limiter(const Limits& limits, TimePoint now);

  // Takes one request and `charge` tokens if at least `required` tokens are there; otherwise takes nothing
  // and says which limit is in the way and for how long.
  std::optional<Refusal> admit(std::int64_t required, std::int64_t charge, TimePoint now);

  std::optional<Bucket>& requests() { return requests_; }
  std::optional<Bucket>& tokens() { return tokens_; }

 private:
  std::optional<Bucket> requests_;
  std::optional<Bucket> tokens_;
};

}  // namespace xcs::sim
