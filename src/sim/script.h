#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "sim/event_stream.h"
#include "sim/latency.h"

namespace xcs::sim {

// What becomes of the connection after the last byte. Over HTTP/2, where others share the connection, it is
// the stream that is ended or reset.
enum class Ending {
  kKeepAlive,
  kClose,
  kReset,
  kNever,  // nothing more is sent and the connection stays open until the client gives up
};

// The head of an HTTP response. `headers` holds complete lines ("name: value\r\n") that the caller adds;
// names are in small letters. An empty content type is none, or one of `headers`.
struct ResponseHead {
  int status = 200;
  std::string_view content_type = "application/json";
  std::string headers;
  bool keep_alive = true;
};

// An answer that is still coming in from elsewhere. Grows at the end only.
struct Feed {
  std::optional<ResponseHead> head;   // none: not one byte has come
  std::optional<std::size_t> length;  // as in Script; set with the head
  std::string body;
  bool over = false;  // nothing more comes
  bool whole = true;  // as in Script; set when it is over, like the next
  Ending ending = Ending::kKeepAlive;
  bool abandoned = false;  // the client has left before it was over
};

// Everything the server does in answer to one request: what goes out when, whatever version of HTTP it
// travels over. Made at once when the request is read, so that it depends on nothing that happens later;
// but one with a feed grows as that does.
struct Script {
  struct Step {
    std::chrono::nanoseconds due;  // after the request was read; never decreasing
    std::size_t end;               // bytes of the body before this one have gone out after the step
  };

  std::shared_ptr<Feed> feed;        // more is to come from there; shared with who fills it
  std::optional<ResponseHead> head;  // goes out with the first step; none: not one byte goes out
  std::string body;
  std::optional<std::size_t> length;  // of the body, as the head announces it; none: it is not announced
  bool whole = true;                  // the body ends in order, rather than breaking off
  std::vector<Step> steps;
  Ending ending = Ending::kKeepAlive;
  bool in_flight = false;  // counts as a request in flight until it has ended
  bool good = false;       // an answer without a fault in it, for the books
  std::uint64_t hash = 0;  // of the canonical request, likewise
};

// The response goes out in one step after `due`.
Script whole_response(const ResponseHead& head, std::string body, std::chrono::nanoseconds due);

// The head goes out with the first event, each event when its tokens are produced; events due together are
// one step.
Script streamed_response(const ResponseHead& head, const EventStream& stream, const Fate& fate);

// The script up to `position` of its body, a share in [0, 1), and then `ending`.
Script cut(Script script, double position, Ending ending);

// The script with a pause of `pause` at `position` of its body.
Script stalled(Script script, double position, std::chrono::nanoseconds pause);

// The script, begun `delay` later.
Script delayed(Script script, std::chrono::nanoseconds delay);

// The script, whose body trickles in small pieces over `duration` from when it would have begun.
Script trickled(Script script, std::chrono::nanoseconds duration);

// No byte goes out; after `due` the connection is reset.
Script reset_after(std::chrono::nanoseconds due);

// No byte ever goes out.
Script black_hole();

// What comes from the feed goes out at once.
Script fed_response(std::shared_ptr<Feed> feed);

// A script that is being played: says how far it has come, and leaves it to the caller to send what is due.
class Player {
 public:
  Player(Script script, TimePoint started) : script_(std::move(script)), started_(started) {}

  const Script& script() const { return script_; }

  // When the next step is due; none when there is none left, or none yet.
  std::optional<TimePoint> next_due() const;

  // Takes the next step if it is due at `now`; false if it is not.
  bool try_step(TimePoint now);

  // After a step: whether the head was its to send, and the part of the body that was.
  bool at_head() const { return step_ == 1; }
  std::string_view piece() const { return std::string_view(script_.body).substr(begin_, end_ - begin_); }

  // Whether every step has been taken and the answer is not one that never ends.
  bool over() const {
    return step_ == script_.steps.size() && script_.ending != Ending::kNever && !script_.feed;
  }

 private:
  void take_from_feed(TimePoint now);

  Script script_;
  TimePoint started_;
  std::size_t step_ = 0;  // the next one
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace xcs::sim
