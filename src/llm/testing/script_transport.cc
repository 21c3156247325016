#include "llm/testing/script_transport.h"

#include "base/check.h"

namespace xcs::llm::testing {
namespace {

class Settled final : public net::Operation {};

}  // namespace

net::Handle ScriptTransport::start(net::Request request, net::Handler handler) {
  for (;;) {
    if (const Result<void> turn = wait_turn(handler); !turn) {
      handler.on_done(std::unexpected(turn.error()));
      return std::make_unique<Settled>();
    }
    requests_.push_back(request);
    XCS_CHECK(!script_.empty(), requests_.size());
    Outcome outcome = std::move(script_.front());
    script_.pop_front();
    Result<void> taken;
    for (const std::string& piece : outcome.pieces) {
      if (handler.on_piece != nullptr && taken) taken = handler.on_piece(piece);
    }
    if (!taken) outcome.response = std::unexpected(std::move(taken.error()));
    const std::optional<Duration> delay = handler.on_done(std::move(outcome.response));
    if (!delay) return std::make_unique<Settled>();
    delays_.push_back(*delay);
    clock_.advance(*delay);
  }
}

Result<void> ScriptTransport::wait_turn(net::Handler& handler) {
  while (handler.on_turn != nullptr) {
    const Result<Duration> turn = handler.on_turn();
    if (!turn) return std::unexpected(turn.error());
    if (*turn == Duration::zero()) break;
    waits_.push_back(*turn);
    clock_.advance(*turn);
  }
  return {};
}

}  // namespace xcs::llm::testing
