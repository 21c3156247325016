#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "sim/descriptor.h"
#include "sim/session.h"
#include "sim/tls.h"

namespace xcs::sim {

class SimService;

// One client's socket, and the session that is led over it.
class Connection {
 public:
  enum class State {
    kOpen,
    kClosed,  // to be destroyed by the owner
  };

  // Bytes received and sent are counted in the service's books. With a `read_rate`, which is in bytes per
  // second and not 0, no more than that is read. With `tls`, which may be null, bytes are encrypted.
  // `caller` is what its requests call it.
  Connection(Descriptor socket, SimService& service, std::optional<double> read_rate, const TlsContext* tls,
             std::uint64_t caller);
  ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The socket has bytes, an end or an error. `scratch` is memory to read into, shared by all connections.
  State on_readable(std::string& scratch, TimePoint now);

  // The socket takes bytes again.
  State on_writable(TimePoint now) { return work(now); }

  // Time has come to `now`: performs the steps that are due.
  State on_time(TimePoint now);

  // When the next step is due; none while nothing is.
  std::optional<TimePoint> next_due() const;

  // Whether the owner should wait for room to write, and for bytes to read.
  bool wants_write() const { return wire().waiting() > 0; }
  bool wants_read() const { return !read_at_ && session_->wants_bytes(); }

 private:
  // What goes over the wire; without TLS it is what the session says.
  Outbox& wire() { return tls_ ? sealed_ : session_->outbox(); }
  const Outbox& wire() const { return tls_ ? sealed_ : session_->outbox(); }
  bool full() const { return session_->outbox().full() || sealed_.full(); }

  State receive(std::string_view bytes, TimePoint now);
  void choose_version(std::string& bytes);
  State work(TimePoint now);
  State settle();
  State flush();
  std::size_t may_read(std::size_t most) const;

  Descriptor socket_;
  SimService& service_;
  const std::optional<double> read_rate_;
  const std::uint64_t caller_;
  std::optional<TimePoint> read_at_;  // nothing is read before
  std::optional<TlsFilter> tls_;
  Outbox sealed_;                             // encrypted
  std::optional<std::string> greeting_ = "";  // the client's first bytes, until they tell its version of HTTP
  std::unique_ptr<Session> session_;
};

}  // namespace xcs::sim
