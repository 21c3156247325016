// The model calls of one run: sent, merged where that is possible, and answered.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "ledger.h"
#include "llm.h"
#include "window/run.h"

namespace xcs::python {

// Used by the run's thread, with the GIL.
class ModelCalls {
 public:
  struct Answered {
    window::Ticket ticket = 0;
    bool merged = false;  // with others, into one request
    Result<llm::ChatAnswer> answer;
  };
  // `answered` is called on the reactor's thread.
  explicit ModelCalls(std::function<void(Answered)> answered) : answered_(std::move(answered)) {}

  void start(window::Ticket ticket, std::unique_ptr<ModelCall> call);
  // Sends what waits to be merged: nothing more will join it.
  void flush();
  // The call is going to be cancelled: no answer to it comes in any more, but what has come is received. Its
  // request is destroyed later, by the reactor's thread.
  void abandon(window::Ticket ticket);
  // Whether there was a call by this ticket.
  bool cancel(window::Ticket ticket);
  // The call's end; nothing when nobody wants it, or when the call has been sent again on its own.
  std::optional<window::Completion> receive(const Answered& answered);
  void clear() {
    waiting_.clear();
    sent_.clear();
  }
  bool idle() const { return sent_.empty() && waiting_.empty(); }

  Ledger& ledger() { return *ledger_; }

 private:
  // Destroying it cancels the transfer, or its share of one.
  struct Sent {
    std::unique_ptr<ModelCall> call;
    std::shared_ptr<net::Operation> transfer;  // shared by the calls that were merged
  };
  struct Waiting {
    window::Ticket ticket = 0;
    std::unique_ptr<ModelCall> call;
  };

  void send(window::Ticket ticket, std::unique_ptr<ModelCall> call);
  void send_merged(std::vector<Waiting> calls);

  const std::function<void(Answered)> answered_;
  const std::shared_ptr<Ledger> ledger_ = std::make_shared<Ledger>();
  std::vector<Waiting> waiting_;                   // to be merged
  std::unordered_map<window::Ticket, Sent> sent_;  // neither delivered nor cancelled
};

}  // namespace xcs::python
