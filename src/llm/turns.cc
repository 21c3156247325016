#include "llm/turns.h"

namespace xcs::llm {
namespace {

// What an attempt that failed may have cost. A status other than 200 means that no answer was made.
Account::Charge charge_of(const Error& error) {
  if (error.kind == ErrorKind::kUsage && !error.http_status) return Account::Charge::kNothing;
  const bool never_sent = error.code == "net.connect" || error.code == "net.resolve" ||
                          error.code == "net.proxy" || error.code == "net.tls" ||
                          error.code == "net.connect_timeout";
  if (never_sent) return Account::Charge::kNothing;
  return error.http_status && *error.http_status / 100 != 2 ? Account::Charge::kNothing
                                                            : Account::Charge::kMost;
}

}  // namespace

Result<Duration> Turns::try_begin() {
  Result<Duration> reserved = account_->try_reserve();
  if (!reserved || *reserved > Duration::zero()) return reserved;
  Result<Duration> turn = admission_->try_begin();
  if (!turn || *turn > Duration::zero()) {
    account_->release();
    return turn;
  }
  account_->begin();
  ++attempts_;
  under_way_ = true;
  return turn;
}

bool Turns::end(const Result<ChatAnswer>& answer, const net::Response* response) {
  const Usage usage = answer ? answer->usage : Usage{};
  admission_->end(answer ? nullptr : &answer.error(), response, usage);
  const bool metered = usage.input_tokens != 0 || usage.output_tokens != 0;
  const Account::Charge charge = !answer   ? charge_of(answer.error())
                                 : metered ? Account::Charge::kUsage
                                           : Account::Charge::kUnknown;
  account_->end(charge, usage);
  return std::exchange(under_way_, false);
}

}  // namespace xcs::llm
