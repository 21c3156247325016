// A transport that answers from a script, at once and in virtual time.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "net/transport.h"

namespace xcs::llm::testing {

// Each attempt takes the next outcome of the script, and throws InternalError when there is none left;
// delays between attempts, and waits for a turn, pass at once on its own clock and are kept.
class ScriptTransport final : public net::Transport {
 public:
  struct Outcome {
    Result<net::Response> response;
    std::vector<std::string> pieces = {};  // delivered first, to a handler that takes them
  };

  void add(int status, std::string body, net::Headers headers = {}) {
    script_.push_back(
        {net::Response{.status = status, .headers = std::move(headers), .body = std::move(body)}});
  }
  void add(Error error) { script_.push_back({std::unexpected(std::move(error))}); }
  void add_stream(std::vector<std::string> pieces, net::Headers headers = {}) {
    script_.push_back(
        {net::Response{.status = 200, .headers = std::move(headers), .body = {}}, std::move(pieces)});
  }

  net::Handle start(net::Request request, net::Handler handler) override;

  const std::vector<net::Request>& requests() const { return requests_; }
  const std::vector<Duration>& delays() const { return delays_; }
  const std::vector<Duration>& waits() const { return waits_; }
  const Clock& clock() const { return clock_; }
  bool used_up() const { return script_.empty(); }

 private:
  Result<void> wait_turn(net::Handler& handler);

  std::deque<Outcome> script_;
  std::vector<net::Request> requests_;  // one for each attempt
  std::vector<Duration> delays_;
  std::vector<Duration> waits_;  // for a turn
  ManualClock clock_;
};

}  // namespace xcs::llm::testing
