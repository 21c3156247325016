#include "llm/client.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/environment.h"
#include "llm/wire_request.h"

namespace xcs::llm {
namespace {

const Clock& real_clock() {
  static const RealClock clock;
  return clock;
}

// Shared because the handler is several functions over one call.
net::Handler handler_of(const std::shared_ptr<Call>& call, bool streams) {
  net::Handler handler{.on_done = [call](Result<net::Response> r) { return call->on_done(std::move(r)); },
                       .on_turn = [call] { return call->on_turn(); }};
  if (streams) handler.on_piece = [call](std::string_view piece) { return call->on_piece(piece); };
  return handler;
}

// Both requests of a call. Destroying it cancels them.
class HedgedOperation final : public net::Operation {
 public:
  explicit HedgedOperation(std::shared_ptr<Race> race) : race_(std::move(race)) {}
  ~HedgedOperation() override { race_->take_handles().clear(); }
  HedgedOperation(const HedgedOperation&) = delete;
  HedgedOperation& operator=(const HedgedOperation&) = delete;
  void abandon() override {
    for (const net::Handle& handle : race_->take_handles()) handle->abandon();
  }

 private:
  const std::shared_ptr<Race> race_;
};

// Hedges wait in a lane of their own, where they become due in the order in which their calls were made.
std::uint64_t hedge_lane(std::uint64_t lane) { return ~lane; }

}  // namespace

Client::Client(net::Transport& transport, std::uint64_t seed)
    : Client(transport, real_clock(), seed, shared_limits_directory()) {}

Client::Client(net::Transport& transport, const Clock& clock, std::uint64_t seed)
    : Client(transport, clock, seed, "") {}

Client::Client(net::Transport& transport, const Clock& clock, std::uint64_t seed, std::string shared_limits)
    : transport_(transport),
      seed_(seed),
      limits_(clock, std::move(shared_limits), environment_variable("XCS_SHARED_LIMITS") != nullptr) {}

net::Handle Client::start(ChatRequest request, OnAnswer done) {
  return start_stream(std::move(request), nullptr, std::move(done));
}

net::Handle Client::start_stream(ChatRequest request, OnDelta delta, OnAnswer done) {
  const bool streams = delta != nullptr;
  const auto refuse = [&](Error error) -> net::Handle {
    done(std::unexpected(std::move(error)));
    return nullptr;
  };
  Result<WireRequest> wire = to_wire(request, streams);
  if (!wire) return refuse(std::move(wire.error()));
  net::Request http = std::exchange(wire->http, {.url = wire->http.url});
  const std::shared_ptr<Group> group = limits_.group_of(*wire, request.model);
  http.lane = group->lane();
  const auto make_parts = [&](bool hedge) -> Result<Call::Parts> {
    auto turns = turns_of(group, *wire, http.body.size(), request, false);
    if (!turns) return std::unexpected(std::move(turns.error()));
    return Call::Parts{.wire = *wire,
                       .turns = *std::move(turns),
                       .max_retries = hedge ? 0 : request.max_retries,
                       .seed = seed_ + ++started_,
                       .hedge = hedge};
  };
  Result<Call::Parts> parts = make_parts(false);
  if (!parts) return refuse(std::move(parts.error()));
  if (request.hedge && !streams) {
    Result<Call::Parts> hedge = make_parts(true);
    if (!hedge) return refuse(std::move(hedge.error()));
    return start_hedged(std::move(http), *std::move(parts), *std::move(hedge),
                        std::make_shared<Race>(std::move(done), 2, request.meter));
  }
  auto call = std::make_shared<Call>(*std::move(parts), std::move(delta),
                                     std::make_shared<Race>(std::move(done), 1, request.meter));
  return transport_.start(std::move(http), handler_of(call, streams));
}

Result<std::unique_ptr<Turns>> Client::turns_of(const std::shared_ptr<Group>& group, const WireRequest& wire,
                                                std::size_t body_bytes, const ChatRequest& terms,
                                                bool again) {
  auto account = Account::open(terms, wire.provider, body_bytes, wire.max_output);
  if (!account) return std::unexpected(std::move(account.error()));
  auto admission = std::make_unique<Admission>(group, Admission::Size{.body_bytes = body_bytes,
                                                                      .max_output = wire.max_output,
                                                                      .in_flight = terms.in_flight,
                                                                      .hedge = terms.hedge.value_or(Hedge{}),
                                                                      .again = again});
  return std::make_unique<Turns>(std::move(admission), *std::move(account));
}

net::Handle Client::relay(net::Request request, ForeignRequest foreign, const ChatRequest& terms,
                          OnResponse done) {
  return relay_stream(std::move(request), std::move(foreign), terms, {}, std::move(done));
}

net::Handle Client::relay_stream(net::Request request, ForeignRequest foreign, const ChatRequest& terms,
                                 OnStream on_stream, OnResponse done) {
  const bool streams = on_stream.on_piece != nullptr;
  const std::shared_ptr<Group> group = limits_.group_of(foreign.wire, foreign.model);
  request.lane = group->lane();
  auto turns = turns_of(group, foreign.wire, request.body.size(), terms, foreign.again);
  if (!turns) {
    done(std::unexpected(std::move(turns.error())), Duration::zero());
    return nullptr;
  }
  auto relayed = std::make_shared<Relayed>(Relayed::Parts{.wire = std::move(foreign.wire),
                                                          .turns = *std::move(turns),
                                                          .meter = terms.meter,
                                                          .max_retries = terms.max_retries,
                                                          .seed = seed_ + ++started_},
                                           std::move(on_stream), std::move(done));
  net::Handler handler{
      .on_done = [relayed](Result<net::Response> r) { return relayed->on_done(std::move(r)); },
      .on_turn = [relayed] { return relayed->on_turn(); }};
  if (streams) {
    handler.on_head = [relayed](const net::Response& head) { relayed->on_head(head); };
    handler.on_piece = [relayed](std::string_view piece) {
      relayed->on_piece(piece);
      return Result<void>();
    };
  }
  return transport_.start(std::move(request), std::move(handler));
}

net::Handle Client::start_hedged(net::Request http, Call::Parts parts, Call::Parts hedge,
                                 const std::shared_ptr<Race>& race) {
  auto first = std::make_shared<Call>(std::move(parts), nullptr, race);
  auto second = std::make_shared<Call>(std::move(hedge), nullptr, race);
  auto operation = std::make_unique<HedgedOperation>(race);
  net::Request again = http;
  again.lane = hedge_lane(http.lane);
  race->keep(transport_.start(std::move(http), handler_of(first, false)));
  race->keep(transport_.start(std::move(again), handler_of(second, false)));
  return operation;
}

}  // namespace xcs::llm
