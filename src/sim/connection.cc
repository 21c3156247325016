#include "sim/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "sim/http1_session.h"
#include "sim/http2_session.h"
#include "sim/sim_service.h"

namespace xcs::sim {

namespace {

// How often a connection that reads slowly does so.
constexpr std::chrono::milliseconds kReadPause{20};

}  // namespace

Connection::Connection(Descriptor socket, SimService& service, std::optional<double> read_rate,
                       const TlsContext* tls, std::uint64_t caller)
    : socket_(std::move(socket)),
      service_(service),
      read_rate_(read_rate),
      caller_(caller),
      session_(std::make_unique<Http1Session>(service, caller)) {
  if (tls != nullptr) tls_.emplace(*tls);
}

Connection::State Connection::on_readable(std::string& scratch, TimePoint now) {
  // At least once, because an end or an error is read, too.
  do {
    const std::size_t most = may_read(scratch.size());
    const ssize_t count = ::recv(socket_.get(), scratch.data(), most, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) break;
    if (count <= 0) return State::kClosed;
    const auto size = static_cast<std::size_t>(count);
    service_.stats().bytes_received += size;
    if (read_rate_) read_at_ = now + kReadPause;
    if (receive(std::string_view(scratch).substr(0, size), now) == State::kClosed) return State::kClosed;
    if (size < most) break;
  } while (wants_read());
  return work(now);
}

Connection::State Connection::receive(std::string_view bytes, TimePoint now) {
  if (!tls_ && !greeting_) {
    session_->receive(bytes, now);
    return settle();
  }
  std::string plain;
  if (!tls_) {
    plain = bytes;
  } else if (!tls_->open(bytes, plain)) {
    static_cast<void>(settle());  // the reason, in TLS's own words
    return State::kClosed;
  }
  if (greeting_) choose_version(plain);
  if (!plain.empty()) session_->receive(plain, now);
  return settle();
}

// Takes the client's first bytes and gives them back once it is known what they are: the beginning of HTTP/2
// is one that no request of HTTP/1 has.
void Connection::choose_version(std::string& bytes) {
  *greeting_ += std::exchange(bytes, {});
  constexpr std::string_view kPreface = Http2Session::kPreface;
  const std::size_t known = std::min(greeting_->size(), kPreface.size());
  const bool http2 = std::string_view(*greeting_).substr(0, known) == kPreface.substr(0, known);
  if (http2 && known < kPreface.size()) return;
  if (http2) session_ = std::make_unique<Http2Session>(service_, caller_);
  bytes = *std::exchange(greeting_, std::nullopt);
}

Connection::State Connection::on_time(TimePoint now) {
  if (read_at_ && *read_at_ <= now) read_at_.reset();
  return work(now);
}

std::optional<TimePoint> Connection::next_due() const {
  const std::optional<TimePoint> due = session_->next_due();
  return due && read_at_ ? std::min(due, read_at_) : due ? due : read_at_;
}

// Does what is due and sends it, for as long as the client takes it.
Connection::State Connection::work(TimePoint now) {
  State state = settle();
  bool more = !full();
  while (state == State::kOpen && more) {
    session_->advance(now);
    more = full();  // there may be more than fitted in
    state = settle();
    more = more && !full();
  }
  return state;
}

// Sends what is there, and ends the connection when the session has ended.
Connection::State Connection::settle() {
  if (flush() == State::kClosed) return State::kClosed;
  if (session_->state() == Session::State::kReset) {
    // What the client still gets before the reset is the network's affair.
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return State::kClosed;
  }
  if (session_->state() != Session::State::kClosing || wire().waiting() > 0 ||
      session_->outbox().waiting() > 0) {
    return State::kOpen;
  }
  if (tls_) {
    tls_->close();
    static_cast<void>(flush());  // as far as it goes
  }
  return State::kClosed;
}

Connection::State Connection::flush() {
  if (tls_) tls_->seal(session_->outbox(), sealed_);
  Outbox& outbox = wire();
  while (outbox.waiting() > 0) {
    const std::string_view rest = outbox.rest();
    const ssize_t count = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN ? State::kOpen : State::kClosed;
    outbox.sent += static_cast<std::size_t>(count);
    service_.stats().bytes_sent += static_cast<std::uint64_t>(count);
    if (outbox.waiting() > 0) continue;
    outbox.clear();
    if (tls_) tls_->seal(session_->outbox(), sealed_);
  }
  return State::kOpen;
}

// How many bytes may be read at once.
std::size_t Connection::may_read(std::size_t most) const {
  if (!read_rate_) return most;
  const double share = *read_rate_ * std::chrono::duration<double>(kReadPause).count();
  return std::clamp<std::size_t>(static_cast<std::size_t>(share), 1, most);
}

}  // namespace xcs::sim
