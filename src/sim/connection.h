#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "sim/descriptor.h"
#include "sim/http_parser.h"
#include "sim/script.h"

namespace xcs::sim {

class SimService;

// One client: reads its requests in order and plays the script of each before it looks at the next.
class Connection {
 public:
  enum class State {
    kOpen,
    kClosed,  // to be destroyed by the owner
  };

  // Bytes received and sent are counted in the service's books.
  Connection(Descriptor socket, SimService& service) : socket_(std::move(socket)), service_(service) {}
  // Resets what is not finished and tells the service.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The socket has bytes, an end or an error. `scratch` is memory to read into, shared by all connections.
  State on_readable(std::string& scratch, TimePoint now);

  // The socket takes bytes again.
  State on_writable(TimePoint now);

  // Time has come to `now`: performs the steps that are due.
  State on_time(TimePoint now);

  // When the next step is due; none while nothing is.
  std::optional<TimePoint> next_due() const;

  // Whether the owner should wait for room to write, and for bytes to read.
  bool wants_write() const { return sent_ < out_.size(); }
  bool wants_read() const { return accepts_requests() || in_.size() < kMostWaiting; }

 private:
  // Bytes that may wait, received or to be sent, while requests have to wait their turn.
  static constexpr std::size_t kMostWaiting = 1 << 20;

  bool accepts_requests() const { return !script_ && !closing_ && out_.size() - sent_ < kMostWaiting; }
  State advance(TimePoint now);
  bool read_request(TimePoint now);
  void start(Script script, TimePoint now);
  bool perform_due_steps(Script& script, TimePoint now);
  State finish(const Script& script);
  State flush();

  Descriptor socket_;
  SimService& service_;
  HttpParser parser_;
  std::string in_;           // received and not yet consumed
  std::string_view unread_;  // the same while it is being worked on: a part of in_ or of the scratch memory
  std::string out_;          // due and not yet sent, from sent_ on
  std::size_t sent_ = 0;
  std::optional<Script> script_;  // the answer that is being played
  TimePoint started_{};           // when its request was read
  std::size_t step_ = 0;          // its next step
  std::size_t played_ = 0;        // how many of its bytes are in out_ or sent
  bool closing_ = false;          // no more requests; close once everything is sent
};

}  // namespace xcs::sim
