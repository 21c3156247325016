#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"

namespace xcs::sim {

// Bytes on their way to a client.
struct Outbox {
  std::string bytes;
  std::size_t sent = 0;  // of bytes

  std::size_t waiting() const { return bytes.size() - sent; }
  std::string_view rest() const { return std::string_view(bytes).substr(sent); }
  // After everything has been sent.
  void clear() {
    bytes.clear();
    sent = 0;
  }

  // Beyond this many waiting bytes nothing more is added until some are sent.
  static constexpr std::size_t kMost = std::size_t{1} << 20;
  bool full() const { return waiting() >= kMost; }
};

// One version of HTTP on one connection: reads requests out of the client's bytes and plays their scripts.
class Session {
 public:
  enum class State {
    kOpen,
    kClosing,  // to be closed once everything is sent
    kReset,    // to be reset now
  };

  virtual ~Session() = default;

  // Takes bytes that the client sent.
  virtual void receive(std::string_view bytes, TimePoint now) = 0;
  // Does everything that is due at `now`, until the outbox is full.
  virtual void advance(TimePoint now) = 0;
  // When the next step is due; none while nothing is.
  virtual std::optional<TimePoint> next_due() const = 0;
  // Whether it can make use of more bytes now.
  virtual bool wants_bytes() const = 0;
  virtual State state() const = 0;

  // Where its bytes go; the owner takes them from there.
  Outbox& outbox() { return outbox_; }
  const Outbox& outbox() const { return outbox_; }

 protected:
  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Outbox outbox_;
};

}  // namespace xcs::sim
