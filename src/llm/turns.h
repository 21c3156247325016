// The turns of one request: what its provider's limits and its budget ask before and after each attempt.
#pragma once

#include <memory>
#include <utility>

#include "base/error.h"
#include "llm/account.h"
#include "llm/chat.h"
#include "llm/limits.h"
#include "net/transport.h"

namespace xcs::llm {

// Used by one thread at a time. Destroying it in the middle of an attempt gives that up.
class Turns {
 public:
  Turns(std::unique_ptr<Admission> admission, std::unique_ptr<Account> account)
      : admission_(std::move(admission)), account_(std::move(account)) {}

  // Zero: an attempt has begun. Else how long to wait before asking again. Fails when none will be allowed.
  Result<Duration> try_begin();
  // The attempt that has begun is over, with an answer or with what its response stands for; null: there was
  // no response. Whether one was under way; where none was, nothing is gained by asking for another.
  bool end(const Result<ChatAnswer>& answer, const net::Response* response);

  Admission& admission() { return *admission_; }
  int attempts() const { return attempts_; }

 private:
  const std::unique_ptr<Admission> admission_;
  const std::unique_ptr<Account> account_;
  int attempts_ = 0;
  bool under_way_ = false;
};

}  // namespace xcs::llm
