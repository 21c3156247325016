#include "llm/account.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "llm/price.h"

namespace xcs::llm {
namespace {

// How soon to look again whether others have cost less than they had reserved.
constexpr Duration kLookAgain = std::chrono::milliseconds(20);

}  // namespace

Usage with_cached_input(Provider provider, Usage usage) {
  if (provider == Provider::kAnthropic)
    usage.input_tokens += usage.cached_input_tokens + usage.cache_write_tokens;
  return usage;
}

Result<std::unique_ptr<Account>> Account::open(const ChatRequest& request, Provider provider,
                                               std::size_t body_bytes, std::optional<double> max_output) {
  const auto refuse = [](std::string_view code, std::string message) {
    return std::unexpected(
        Error{.kind = ErrorKind::kUsage, .code = std::string(code), .message = std::move(message)});
  };
  double most = 0;
  if (request.budget != nullptr) {
    if (!request.price) {
      return refuse("llm.price",
                    fmt::format("the price of the model {} is not known, so that no budget can hold: name "
                                "it with xcs.set_price",
                                request.model));
    }
    if (!max_output) {
      return refuse("llm.max_tokens", "a call under a budget has to bound its answer: give max_tokens");
    }
    most = most_cost_of(body_bytes, *max_output, *request.price);
  }
  return std::unique_ptr<Account>(new Account(request, provider, most));
}

Account::~Account() {
  if (under_way_) end(Charge::kMost, {});
  release();
}

Result<Duration> Account::try_reserve() {
  if (budget_ == nullptr || reserved_) return Duration::zero();
  switch (budget_->try_reserve(most_)) {
    case Budget::Verdict::kReserved:
      reserved_ = true;
      break;
    case Budget::Verdict::kWait:
      return kLookAgain;
    case Budget::Verdict::kTooMuch:
      return std::unexpected(Error{
          .kind = ErrorKind::kUsage,
          .code = "llm.budget",
          .message = fmt::format("the budget of ${:.6g} does not allow this call, which may cost ${:.6g}: "
                                 "${:.6g} are spent",
                                 budget_->limit(), most_, budget_->spent())});
  }
  return Duration::zero();
}

void Account::release() {
  if (std::exchange(reserved_, false)) budget_->settle(most_, 0);
}

void Account::begin() { under_way_ = true; }

void Account::end(Charge charge, const Usage& usage) {
  if (!std::exchange(under_way_, false)) return;
  if (meter_ != nullptr) {
    meter_->add({.attempts = 1,
                 .lost = charge == Charge::kMost ? 1u : 0u,
                 .usage = with_cached_input(provider_, usage)});
  }
  if (!std::exchange(reserved_, false)) return;
  const double spent = charge == Charge::kNothing ? 0
                       : charge != Charge::kUsage ? most_
                                                  : cost_of(provider_, usage, price_);
  budget_->settle(most_, spent);
}

}  // namespace xcs::llm
