// One call's part of a meter and of a budget.
#pragma once

#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "llm/chat.h"
#include "llm/meter.h"

namespace xcs::llm {

// As meters count it: the tokens of the cache among those of the input, whoever the provider.
Usage with_cached_input(Provider provider, Usage usage);

// Used by one thread at a time. Destroying it in the middle of an attempt counts that as lost.
class Account {
 public:
  // Fails when a budget cannot hold: without a price, or without a bound on the answer's length.
  static Result<std::unique_ptr<Account>> open(const ChatRequest& request, Provider provider,
                                               std::size_t body_bytes, std::optional<double> max_output);
  ~Account();
  Account(const Account&) = delete;
  Account& operator=(const Account&) = delete;

  // Reserves for an attempt. Zero: done, else how long to wait before asking again. Fails when the budget is
  // used up.
  Result<Duration> try_reserve();
  // The attempt was not made after all.
  void release();
  // The attempt has been sent.
  void begin();

  enum class Charge {
    kNothing,  // refused
    kUsage,    // answered
    kUnknown,  // answered, and the provider does not say what it took
    kMost,     // nobody knows
  };
  // The attempt has ended.
  void end(Charge charge, const Usage& usage);

 private:
  Account(const ChatRequest& request, Provider provider, double most)
      : meter_(request.meter),
        budget_(request.budget),
        price_(request.price.value_or(Price{})),
        provider_(provider),
        most_(most) {}

  const std::shared_ptr<Meter> meter_;
  const std::shared_ptr<Budget> budget_;
  const Price price_;
  const Provider provider_;
  const double most_;  // that an attempt may cost
  bool reserved_ = false;
  bool under_way_ = false;
};

}  // namespace xcs::llm
