#include "sim/connection.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "sim/sim_service.h"

namespace xcs::sim {

Connection::~Connection() {
  if (script_ && script_->in_flight) service_.end(false);
}

Connection::State Connection::on_readable(std::string& scratch, TimePoint now) {
  while (true) {
    const ssize_t count = ::recv(socket_.get(), scratch.data(), scratch.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return State::kOpen;
    if (count <= 0) return State::kClosed;
    const auto size = static_cast<std::size_t>(count);
    service_.stats().bytes_received += size;
    // Most requests arrive whole and are parsed where they were read; only what is left over is kept.
    const bool whole = in_.empty();
    if (!whole) in_.append(scratch, 0, size);
    unread_ = whole ? std::string_view(scratch).substr(0, size) : std::string_view(in_);
    const State state = advance(now);
    if (whole) {
      in_ = unread_;
    } else {
      in_.erase(0, in_.size() - unread_.size());
    }
    if (state == State::kClosed || size < scratch.size() || !wants_read()) return state;
  }
}

Connection::State Connection::on_writable(TimePoint now) { return on_time(now); }

Connection::State Connection::on_time(TimePoint now) {
  unread_ = in_;
  const State state = advance(now);
  in_.erase(0, in_.size() - unread_.size());
  return state;
}

std::optional<TimePoint> Connection::next_due() const {
  if (!script_ || step_ == script_->steps.size()) return std::nullopt;
  return started_ + script_->steps[step_].due;
}

// Plays scripts and reads requests until time, bytes or room to write are wanting.
Connection::State Connection::advance(TimePoint now) {
  while (true) {
    if (script_) {
      if (!perform_due_steps(*script_, now)) break;
      if (finish(*script_) == State::kClosed) return State::kClosed;
    }
    if (!accepts_requests() && flush() == State::kClosed) return State::kClosed;
    if (!accepts_requests() || !read_request(now)) break;
  }
  return flush();
}

// Starts the next request's script; false if no complete request is there.
bool Connection::read_request(TimePoint now) {
  switch (parser_.parse(unread_)) {
    case HttpParser::State::kNeedMore:
      if (parser_.take_continue()) out_ += "HTTP/1.1 100 Continue\r\n\r\n";
      return false;
    case HttpParser::State::kBad:
      start(service_.refuse(parser_.bad_status(), parser_.bad_reason()), now);
      unread_ = {};
      return true;
    case HttpParser::State::kComplete:
      break;
  }
  start(service_.handle(parser_.request(), now), now);
  unread_.remove_prefix(parser_.consumed());
  parser_.reset();
  return true;
}

void Connection::start(Script script, TimePoint now) {
  script_ = std::move(script);
  started_ = now;
  step_ = played_ = 0;
}

// True once the whole script has been played.
bool Connection::perform_due_steps(Script& script, TimePoint now) {
  while (step_ < script.steps.size() && started_ + script.steps[step_].due <= now) {
    const std::size_t end = script.steps[step_++].end;
    if (out_.empty() && played_ == 0 && end == script.bytes.size()) {
      out_ = std::move(script.bytes);
    } else {
      out_.append(script.bytes, played_, end - played_);
    }
    played_ = end;
  }
  return step_ == script.steps.size() && script.ending != Ending::kNever;
}

Connection::State Connection::finish(const Script& script) {
  const Ending ending = script.ending;
  if (script.in_flight) service_.end(true);
  script_.reset();
  if (ending == Ending::kClose) closing_ = true;
  if (ending != Ending::kReset) return State::kOpen;
  flush();  // what the client still gets before the reset; whether it does is the network's affair
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  return State::kClosed;
}

Connection::State Connection::flush() {
  while (sent_ < out_.size()) {
    const ssize_t count = ::send(socket_.get(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN ? State::kOpen : State::kClosed;
    sent_ += static_cast<std::size_t>(count);
    service_.stats().bytes_sent += static_cast<std::uint64_t>(count);
  }
  out_.clear();
  sent_ = 0;
  return closing_ ? State::kClosed : State::kOpen;
}

}  // namespace xcs::sim
