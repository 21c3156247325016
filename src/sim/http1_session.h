#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sim/http_parser.h"
#include "sim/script.h"
#include "sim/session.h"

namespace xcs::sim {

class SimService;

// HTTP/1.1: reads requests in order and plays the script of each before it looks at the next.
class Http1Session final : public Session {
 public:
  // `caller` becomes every request's.
  Http1Session(SimService& service, std::uint64_t caller) : service_(service), caller_(caller) {}
  // Tells the service of what is not finished.
  ~Http1Session() override;

  void receive(std::string_view bytes, TimePoint now) override;
  void advance(TimePoint now) override;
  std::optional<TimePoint> next_due() const override;
  bool wants_bytes() const override { return accepts_requests() || in_.size() < kMostWaiting; }
  State state() const override { return state_; }

 private:
  // Received bytes that may wait while requests have to wait their turn.
  static constexpr std::size_t kMostWaiting = std::size_t{1} << 20;

  bool accepts_requests() const { return !player_ && state_ == State::kOpen && !outbox_.full(); }
  void work(TimePoint now);
  bool try_read_request(TimePoint now);
  bool play(Player& player, TimePoint now);
  void finish(const Script& script);

  SimService& service_;
  const std::uint64_t caller_;
  HttpParser parser_;
  std::string in_;           // received and not yet consumed
  std::string_view unread_;  // the same while it is worked on: a part of in_ or of what receive() was given
  std::optional<Player> player_;  // the answer that is being played
  State state_ = State::kOpen;
};

}  // namespace xcs::sim
