#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sim/event_stream.h"
#include "sim/latency.h"

namespace xcs::sim {

// What becomes of the connection after the last byte.
enum class Ending {
  kKeepAlive,
  kClose,
  kReset,
  kNever,  // nothing more is sent and the connection stays open until the client gives up
};

// Everything the server does in answer to one request: which bytes go out when. Made at once when the request
// is read, so that it depends on nothing that happens later.
struct Script {
  struct Step {
    std::chrono::nanoseconds due;  // after the request was read; never decreasing
    std::size_t end;               // bytes before this one have gone out after the step
  };

  std::string bytes;
  std::vector<Step> steps;
  Ending ending = Ending::kKeepAlive;
  bool in_flight = false;  // counts as a request in flight until it has ended
};

// The head of an HTTP response. `headers` holds complete lines that the caller adds.
struct ResponseHead {
  int status = 200;
  std::string_view content_type = "application/json";
  std::string headers;
  bool keep_alive = true;
};

// The response goes out in one step after `due`.
Script whole_response(const ResponseHead& head, std::string_view body, std::chrono::nanoseconds due);

// The head goes out with the first event, each event when its tokens are produced; events due together are
// one step. Every event is one HTTP chunk.
Script streamed_response(const ResponseHead& head, const EventStream& stream, const Fate& fate);

// The script up to `position` of its body, a share in [0, 1), and then `ending`.
Script cut(Script script, double position, Ending ending);

// The script with a pause of `pause` at `position` of its body.
Script stalled(Script script, double position, std::chrono::nanoseconds pause);

// No byte goes out; after `due` the connection is reset.
Script reset_after(std::chrono::nanoseconds due);

// No byte ever goes out.
Script black_hole();

}  // namespace xcs::sim
