#include "sim/http1_session.h"

#include <utility>

#include "sim/http_response.h"
#include "sim/sim_service.h"

namespace xcs::sim {

Http1Session::~Http1Session() {
  if (player_) service_.end(player_->script(), false);
}

// Most requests arrive whole and are parsed where they were read; only what is left over is kept.
void Http1Session::receive(std::string_view bytes, TimePoint now) {
  const bool whole = in_.empty();
  if (!whole) in_ += bytes;
  unread_ = whole ? bytes : std::string_view(in_);
  work(now);
  if (whole) {
    in_ = unread_;
  } else {
    in_.erase(0, in_.size() - unread_.size());
  }
}

void Http1Session::advance(TimePoint now) {
  unread_ = in_;
  work(now);
  in_.erase(0, in_.size() - unread_.size());
}

std::optional<TimePoint> Http1Session::next_due() const {
  return player_ ? player_->next_due() : std::nullopt;
}

// Plays scripts and reads requests until time, bytes or room in the outbox are wanting.
void Http1Session::work(TimePoint now) {
  while (true) {
    if (player_) {
      if (!play(*player_, now)) return;
      finish(player_->script());
      player_.reset();
    }
    if (!accepts_requests() || !try_read_request(now)) return;
  }
}

// Starts the next request's script; false if no complete request is there.
bool Http1Session::try_read_request(TimePoint now) {
  switch (parser_.parse(unread_)) {
    case HttpParser::State::kNeedMore:
      if (parser_.take_continue()) outbox_.bytes += "HTTP/1.1 100 Continue\r\n\r\n";
      return false;
    case HttpParser::State::kBad:
      player_.emplace(service_.refuse(parser_.bad_status(), parser_.bad_reason()), now);
      unread_ = {};
      return true;
    case HttpParser::State::kComplete:
      break;
  }
  HttpRequest request = parser_.request();
  request.caller = caller_;
  player_.emplace(service_.handle(request, now), now);
  unread_.remove_prefix(parser_.consumed());
  parser_.reset();
  return true;
}

// True once the whole script has been played.
bool Http1Session::play(Player& player, TimePoint now) {
  const Script& script = player.script();
  while (player.try_step(now)) {
    if (player.at_head() && script.head) append_head(outbox_.bytes, script);
    append_piece(outbox_.bytes, script, player.piece());
  }
  return player.over();
}

void Http1Session::finish(const Script& script) {
  append_end(outbox_.bytes, script);
  service_.end(script, true);
  if (script.ending == Ending::kClose) state_ = State::kClosing;
  if (script.ending == Ending::kReset) state_ = State::kReset;
}

}  // namespace xcs::sim
