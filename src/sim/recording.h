// Recordings: one JSON text per line, each an exchange. docs/simulator.md describes the fields.
#pragma once

#include <simdjson.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "sim/canonical_request.h"
#include "sim/script.h"

namespace xcs::sim {

// How an answer ended.
enum class RecordedEnd {
  kComplete,
  kReset,    // the connection broke, before the answer or within it
  kTimeout,  // nothing more came, for as long as anybody waited
};

struct RecordedAnswer {
  int status = 0;                                            // 0: it never began
  std::vector<std::pair<std::string, std::string>> headers;  // names in small letters
  std::optional<std::size_t> length;                         // of the body, as the head announced it
  std::string body;
  std::chrono::nanoseconds head_due{};  // after the request, like all times here; they never decrease
  std::vector<Script::Step> pieces;     // of the body
  std::chrono::nanoseconds end_due{};
  RecordedEnd end = RecordedEnd::kComplete;
};

// What becomes of a connection over which the answer goes out. One that broke within the answer is closed
// rather than reset, because a reset may overtake what came before it.
Ending ending_of(const RecordedAnswer& answer, bool keep_alive);

struct RecordedExchange {
  std::int64_t at_us =
      0;  // when the request came, in microseconds since 1970; larger than that of any before
  RecordedRequest request;
  RecordedAnswer answer;
};

// The exchange as a line, with its line end. The request's method and target and the answer's headers must be
// UTF-8.
std::string recording_line(const RecordedExchange& exchange);

// Reads a line without its end. Failure is what is wrong with it.
std::expected<RecordedExchange, std::string> read_recording_line(std::string_view line,
                                                                 simdjson::dom::parser& parser);

struct Recording {
  std::vector<RecordedExchange> exchanges;  // in the order in which the requests came
  std::size_t size = 0;      // of the text up to the end of the last good line, which may want its line end
  bool half_line = false;    // after them there is the beginning of one that was being written
  std::string warning = {};  // about a last line that is no exchange; empty: every line is one
};

// Reads a recording. A last line that is no exchange is left out, with a warning. Another that is none fails
// with "sim.recording"; `file` is what the message calls the text.
Result<Recording> parse_recording(std::string_view text, const std::string& file);

// The same for a file, which fails with "sim.recording", too, if it cannot be read.
Result<Recording> read_recording(const std::string& file);

// An Error of kind usage with the code "sim.recording".
std::unexpected<Error> recording_error(std::string message);

}  // namespace xcs::sim
