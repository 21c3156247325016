// What calls took, and a bound on what they may cost.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/mutex.h"
#include "llm/chat.h"

namespace xcs::llm {

// What the calls of one place took, every attempt counted.
struct Spend {
  std::uint64_t calls = 0;
  std::uint64_t attempts = 0;
  std::uint64_t failed = 0;  // calls
  // Attempts that may have been paid for without an answer: the connection broke, or nobody waited any
  // longer.
  std::uint64_t lost = 0;
  Usage usage = {};              // input tokens with those of the cache, whoever the provider
  std::uint64_t hedges = 0;      // calls that were sent a second time because they were slow
  std::uint64_t hedges_won = 0;  // answered by their second request
  Duration hedge_saved = {};     // how much longer slower calls have taken than these, on the average
  Usage hedge_usage = {};        // of the answers to hedged calls: their other requests may have cost as much
};

// Safe from any thread.
class Meter {
 public:
  void add(const Spend& spend) {
    const MutexLock lock(mutex_);
    total_.calls += spend.calls;
    total_.attempts += spend.attempts;
    total_.failed += spend.failed;
    total_.lost += spend.lost;
    total_.usage += spend.usage;
    total_.hedges += spend.hedges;
    total_.hedges_won += spend.hedges_won;
    total_.hedge_saved += spend.hedge_saved;
    total_.hedge_usage += spend.hedge_usage;
  }
  Spend total() const {
    const MutexLock lock(mutex_);
    return total_;
  }

 private:
  mutable Mutex mutex_;
  Spend total_ XCS_GUARDED_BY(mutex_);
};

// Dollars that a number of calls may cost together. What a call may cost at the most is reserved before it is
// sent, so that the sum of what is spent and reserved never exceeds the limit. Safe from any thread.
class Budget {
 public:
  explicit Budget(double limit) : limit_(limit) {}

  enum class Verdict {
    kReserved,
    kWait,     // others may turn out to cost less than they have reserved
    kTooMuch,  // it does not fit, whatever the others cost
  };
  Verdict try_reserve(double dollars) {
    const MutexLock lock(mutex_);
    if (spent_ + dollars > limit_) return Verdict::kTooMuch;
    if (spent_ + reserved_ + dollars > limit_) return Verdict::kWait;
    reserved_ += dollars;
    return Verdict::kReserved;
  }
  // What was reserved has cost `spent`.
  void settle(double reserved, double spent) {
    const MutexLock lock(mutex_);
    reserved_ -= reserved;
    spent_ += spent;
  }

  double limit() const { return limit_; }
  double spent() const {
    const MutexLock lock(mutex_);
    return spent_;
  }

 private:
  const double limit_;
  mutable Mutex mutex_;
  double spent_ XCS_GUARDED_BY(mutex_) = 0;
  double reserved_ XCS_GUARDED_BY(mutex_) = 0;
};

}  // namespace xcs::llm
