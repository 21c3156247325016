#include "model_calls.h"

#include <algorithm>

namespace xcs::python {
namespace {

// What a provider takes in one request.
constexpr std::size_t kMostInputs = 2048;
constexpr std::size_t kMostBytes = 500'000;

// Splits the calls into requests: same options, and not too much in one.
template <class Waiting>
std::vector<std::vector<Waiting>> batches_of(std::vector<Waiting> calls) {
  std::vector<std::vector<Waiting>> batches;
  std::vector<std::size_t> bytes;
  for (Waiting& waiting : calls) {
    const std::size_t size = waiting.call->input_bytes();
    std::size_t i = batches.size();
    while (i > 0) {
      const bool same = waiting.call->merges_with(*batches[i - 1].front().call);
      const bool room = batches[i - 1].size() < kMostInputs && bytes[i - 1] + size <= kMostBytes;
      if (same && room) break;
      i = same ? 0 : i - 1;
    }
    if (i == 0) {
      batches.emplace_back();
      bytes.push_back(0);
      i = batches.size();
    }
    batches[i - 1].push_back(std::move(waiting));
    bytes[i - 1] += size;
  }
  return batches;
}

}  // namespace

void ModelCalls::start(window::Ticket ticket, std::unique_ptr<ModelCall> call) {
  if (!call->can_merge()) return send(ticket, std::move(call));
  waiting_.push_back({ticket, std::move(call)});
  if (waiting_.size() >= kMostInputs) flush();
}

void ModelCalls::flush() {
  if (waiting_.empty()) return;
  for (std::vector<Waiting>& batch : batches_of(std::exchange(waiting_, {}))) send_merged(std::move(batch));
}

void ModelCalls::send(window::Ticket ticket, std::unique_ptr<ModelCall> call) {
  Sent& sent = sent_[ticket];
  sent.call = std::move(call);
  sent.transfer = sent.call->send(*ledger_, [this, ticket](Result<llm::ChatAnswer> answer) {
    answered_({ticket, false, std::move(answer)});
  });
}

void ModelCalls::send_merged(std::vector<Waiting> calls) {
  std::vector<window::Ticket> tickets;
  std::vector<const ModelCall*> merged;
  for (const Waiting& waiting : calls) {
    tickets.push_back(waiting.ticket);
    merged.push_back(waiting.call.get());
  }
  const bool several = tickets.size() > 1;
  const std::shared_ptr<net::Operation> transfer =
      ModelCall::send_merged(*ledger_, merged, [this, tickets, several](Result<llm::ChatAnswer> answer) {
        if (answer && answer->vectors.size() != tickets.size()) {
          answer = std::unexpected(
              Error{.kind = ErrorKind::kTransient,
                    .code = "llm.malformed",
                    .message = "the server answered with another number of vectors than texts"});
        }
        for (std::size_t i = 0; i < tickets.size(); ++i) {
          if (!answer) {
            answered_({tickets[i], several, std::unexpected(answer.error())});
            continue;
          }
          llm::ChatAnswer one;
          one.took = answer->took;
          one.vectors.push_back(std::move(answer->vectors[i]));
          answered_({tickets[i], several, std::move(one)});
        }
      });
  for (Waiting& waiting : calls) sent_[waiting.ticket] = {std::move(waiting.call), transfer};
}

bool ModelCalls::cancel(window::Ticket ticket) {
  if (sent_.erase(ticket) != 0) return true;
  return std::erase_if(waiting_, [ticket](const Waiting& w) { return w.ticket == ticket; }) != 0;
}

void ModelCalls::abandon(window::Ticket ticket) {
  const auto found = sent_.find(ticket);
  if (found != sent_.end() && found->second.transfer.use_count() == 1) found->second.transfer->abandon();
}

// A request that was refused may have been refused for one of its inputs: each is asked for on its own.
std::optional<window::Completion> ModelCalls::receive(const Answered& answered) {
  auto sent = sent_.extract(answered.ticket);
  if (sent.empty()) return std::nullopt;
  std::unique_ptr<ModelCall>& call = sent.mapped().call;
  const bool refused = !answered.answer && answered.answer.error().kind == ErrorKind::kUsage &&
                       answered.answer.error().http_status &&
                       answered.answer.error().code == "llm.bad_request";
  if (answered.merged && refused) {
    std::vector<Waiting> alone;
    alone.push_back({answered.ticket, std::move(call)});
    send_merged(std::move(alone));
    return std::nullopt;
  }
  auto [object, raised] = call->receive(answered.answer);
  const Duration took = answered.answer ? answered.answer->took : Duration::zero();
  return window::Completion{answered.ticket, raised, steal_value(std::move(object)),
                            static_cast<std::uint64_t>(took.count())};
}

}  // namespace xcs::python
