// Server-sent events, however the bytes are cut.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace xcs::llm {

// The views live during the call that hands the event over.
struct SseEvent {
  std::string_view name;  // empty when the event has none
  std::string_view data;  // several data lines are joined by "\n"
};

// Turns pieces of a stream into events. Lines end in LF, CR or CRLF, in any mixture; comments, ids and
// retry fields are skipped; events without data are dropped, as the standard says. An event that is not
// closed by a blank line at the end of the stream counts all the same.
class SseParser {
 public:
  using OnEvent = std::function<Result<void>(const SseEvent&)>;

  // An event may have at most this many bytes.
  explicit SseParser(std::size_t max_event_bytes = std::size_t{16} << 20)
      : max_event_bytes_(max_event_bytes) {}

  // Stops at the first error of on_event and returns it. Fails with "llm.malformed" when an event is too
  // large.
  Result<void> feed(std::string_view piece, const OnEvent& on_event);
  // The stream has ended.
  Result<void> finish(const OnEvent& on_event);

 private:
  Result<void> take_line(std::string_view line, const OnEvent& on_event);
  Result<void> dispatch(const OnEvent& on_event);

  const std::size_t max_event_bytes_;
  std::string partial_;          // the beginning of a line
  std::string name_;             // of the event being read
  std::string data_;             // each data line followed by "\n"
  bool skip_line_feed_ = false;  // the last line ended in CR: a LF that follows belongs to it
  bool first_line_ = true;
};

}  // namespace xcs::llm
