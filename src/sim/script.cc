#include "sim/script.h"

#include <algorithm>
#include <utility>

namespace xcs::sim {

namespace {

Ending ending_of(const ResponseHead& head) { return head.keep_alive ? Ending::kKeepAlive : Ending::kClose; }

// Before the last byte, so that something is always missing there.
std::size_t offset_in_body(const Script& script, double position) {
  return static_cast<std::size_t>(static_cast<double>(script.body.size()) * position);
}

}  // namespace

Script whole_response(const ResponseHead& head, std::string body, std::chrono::nanoseconds due) {
  Script script;
  script.head = head;
  script.body = std::move(body);
  script.length = script.body.size();
  script.steps.push_back({due, script.body.size()});
  script.ending = ending_of(head);
  return script;
}

Script streamed_response(const ResponseHead& head, const EventStream& stream, const Fate& fate) {
  Script script;
  script.head = head;
  script.head->headers += "cache-control: no-cache\r\n";
  script.body = stream.bytes();
  script.steps.push_back({fate.first_byte, 0});
  for (const EventStream::Event& event : stream.events()) {
    const auto due = fate.first_byte + event.tokens * fate.per_token;
    if (due != script.steps.back().due) script.steps.push_back({due, 0});
    script.steps.back().end = event.end;
  }
  script.ending = ending_of(head);
  return script;
}

Script cut(Script script, double position, Ending ending) {
  const std::size_t size = offset_in_body(script, position);
  const auto last =
      std::ranges::find_if(script.steps, [&](const Script::Step& step) { return step.end >= size; });
  last->end = size;
  script.steps.erase(last + 1, script.steps.end());
  script.body.resize(size);
  script.whole = false;
  script.ending = ending;
  return script;
}

Script stalled(Script script, double position, std::chrono::nanoseconds pause) {
  const std::size_t offset = offset_in_body(script, position);
  const auto later =
      std::ranges::find_if(script.steps, [&](const Script::Step& step) { return step.end > offset; });
  const Script::Step before{later->due, offset};
  for (auto step = later; step != script.steps.end(); ++step) step->due += pause;
  script.steps.insert(later, before);
  return script;
}

Script delayed(Script script, std::chrono::nanoseconds delay) {
  for (Script::Step& step : script.steps) step.due += delay;
  return script;
}

Script trickled(Script script, std::chrono::nanoseconds duration) {
  constexpr std::size_t kPieces = 50;
  const std::size_t count = std::clamp<std::size_t>(script.body.size(), 1, kPieces);
  const std::chrono::nanoseconds begin = script.steps.front().due;
  script.steps.clear();
  for (std::size_t i = 1; i <= count; ++i) {
    const auto due = begin + duration * static_cast<std::int64_t>(i) / static_cast<std::int64_t>(count);
    script.steps.push_back({due, script.body.size() * i / count});
  }
  return script;
}

Script reset_after(std::chrono::nanoseconds due) {
  Script script;
  script.steps.push_back({due, 0});
  script.whole = false;
  script.ending = Ending::kReset;
  return script;
}

Script black_hole() {
  Script script;
  script.ending = Ending::kNever;
  return script;
}

Script fed_response(std::shared_ptr<Feed> feed) {
  Script script;
  script.feed = std::move(feed);
  return script;
}

std::optional<TimePoint> Player::next_due() const {
  if (step_ == script_.steps.size()) return std::nullopt;
  return started_ + script_.steps[step_].due;
}

bool Player::try_step(TimePoint now) {
  if (script_.feed) take_from_feed(now);
  if (step_ == script_.steps.size() || started_ + script_.steps[step_].due > now) return false;
  begin_ = end_;
  end_ = script_.steps[step_++].end;
  return true;
}

// Makes one step of all that has come in since the last one.
void Player::take_from_feed(TimePoint now) {
  const Feed& feed = *script_.feed;
  const bool begins = !script_.head && feed.head;
  if (begins) {
    script_.head = feed.head;
    script_.length = feed.length;
  }
  if (begins || feed.body.size() > script_.body.size()) {
    script_.body.append(feed.body, script_.body.size());
    script_.steps.push_back({now - started_, script_.body.size()});
  }
  if (!feed.over) return;
  script_.whole = feed.whole;
  script_.ending = feed.ending;
  script_.good = feed.whole && script_.head && script_.head->status / 100 == 2;
  script_.feed.reset();
}

}  // namespace xcs::sim
