#include "sim/recording.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <iterator>

#include "sim/base64.h"
#include "sim/descriptor.h"
#include "sim/http_parser.h"
#include "sim/json_text.h"

namespace xcs::sim {

namespace {

namespace dom = simdjson::dom;
using Problem = std::optional<std::string>;

constexpr std::int64_t kVersion = 1;
constexpr std::string_view kBegin = R"({"v":1,"at_us":)";  // of every line that this program writes
constexpr double kLongestMs = 1e9;
constexpr std::array<std::pair<RecordedEnd, std::string_view>, 3> kEnds = {
    {{RecordedEnd::kComplete, "complete"},
     {RecordedEnd::kReset, "reset"},
     {RecordedEnd::kTimeout, "timeout"}}};

double to_ms(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

// As a field of an object: text where that is possible.
void append_content(std::string& out, std::string_view bytes) {
  if (simdjson::validate_utf8(bytes.data(), bytes.size())) {
    out += R"("text":)";
    append_json_string(out, bytes);
    return;
  }
  out += R"("base64":")";
  append_base64(out, bytes);
  out += '"';
}

// Whether `text` is JSON, and still is where a line has it: below two objects.
bool fits_in_line(std::string_view text) {
  dom::parser parser;
  if (parser.parse(text.data(), text.size()).error() != simdjson::SUCCESS) return false;
  return parser.parse(fmt::format("[[{}]]", text)).error() == simdjson::SUCCESS;
}

void append_request_body(std::string& out, const std::string& body) {
  std::string small(body.size(), '\0');
  std::size_t size = 0;
  if (!fits_in_line(body) ||
      simdjson::minify(body.data(), body.size(), small.data(), size) != simdjson::SUCCESS) {
    append_content(out, body);
    return;
  }
  out += R"("json":)";
  out.append(small, 0, size);
}

void append_answer(std::string& out, const RecordedAnswer& answer) {
  const auto to = std::back_inserter(out);
  if (answer.status != 0) {
    fmt::format_to(to, R"("status":{},"headers":[)", answer.status);
    std::string_view comma;
    for (const auto& [name, value] : answer.headers) {
      out.append(comma).append("[");
      append_json_string(out, name);
      out += ',';
      append_json_string(out, value);
      out += ']';
      comma = ",";
    }
    out += "],";
    if (answer.length) fmt::format_to(to, R"("length":{},)", *answer.length);
    fmt::format_to(to, R"("head_ms":{:.3f},"chunks":[)", to_ms(answer.head_due));
    std::size_t begin = 0;
    for (const Script::Step& piece : answer.pieces) {
      fmt::format_to(to, R"({}{{"ms":{:.3f},)", begin == 0 ? "" : ",", to_ms(piece.due));
      append_content(out, std::string_view(answer.body).substr(begin, piece.end - begin));
      out += '}';
      begin = piece.end;
    }
    out += "],";
  }
  const auto* const end =
      std::ranges::find(kEnds, answer.end, &std::pair<RecordedEnd, std::string_view>::first);
  fmt::format_to(to, R"("end":"{}","end_ms":{:.3f})", end->second, to_ms(answer.end_due));
}

// Reads the fields of one object, and keeps the first thing that is wrong with them.
class Fields {
 public:
  explicit Fields(dom::element value) : valid_(value.get(object_) == simdjson::SUCCESS) {
    if (!valid_) fail("is not a JSON object");
  }

  bool has(std::string_view key) const {
    dom::element value;
    return valid_ && object_.at_key(key).get(value) == simdjson::SUCCESS;
  }

  template <class T>
  T get(std::string_view key, std::string_view what) {
    T value{};
    if (valid_ && object_.at_key(key).get(value) != simdjson::SUCCESS)
      fail(fmt::format("has no \"{}\" that is {}", key, what));
    return value;
  }

  std::vector<dom::element> items(std::string_view key) {
    dom::array array;
    if (valid_ && object_.at_key(key).get(array) == simdjson::SUCCESS) return {array.begin(), array.end()};
    fail(fmt::format("has no \"{}\" that is a list", key));
    return {};
  }

  std::string text(std::string_view key) { return std::string(get<std::string_view>(key, "a string")); }

  // A time that is not before `earliest`, which it becomes.
  std::chrono::nanoseconds time(std::string_view key, std::chrono::nanoseconds& earliest) {
    const double ms = get<double>(key, "a number");
    if (!(ms >= 0 && ms <= kLongestMs)) {
      fail(fmt::format("has a time \"{}\" that no answer takes", key));
      return earliest;
    }
    const auto time = std::chrono::nanoseconds(std::llround(ms * 1e6));
    if (time < earliest) fail(fmt::format("has a time \"{}\" before one that comes earlier", key));
    return earliest = std::max(time, earliest);
  }

  // What append_content writes.
  std::string content() {
    if (has("text")) return text("text");
    auto bytes = from_base64(get<std::string_view>("base64", "a string, and no \"text\""));
    if (!bytes) fail("has a \"base64\" that is not base64");
    return bytes.value_or("");
  }

  void fail(std::string problem) {
    if (!problem_) problem_ = std::move(problem);
  }
  const Problem& problem() const { return problem_; }
  void inherit(const Fields& part) {
    if (part.problem_) fail(*part.problem_);
  }

 private:
  dom::object object_;
  bool valid_;
  Problem problem_;
};

bool is_header(std::string_view name, std::string_view value) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return !name.empty() && name.find_first_of(": ") == std::string_view::npos &&
         std::ranges::none_of(name, is_control) &&
         std::ranges::none_of(value, [&](char c) { return is_control(c) && c != '\t'; });
}

void read_headers(Fields& fields, RecordedAnswer& answer) {
  for (const dom::element item : fields.items("headers")) {
    dom::array pair;
    std::string_view name;
    std::string_view value;
    if (item.get(pair) != simdjson::SUCCESS || pair.size() != 2 ||
        pair.at(0).get(name) != simdjson::SUCCESS || pair.at(1).get(value) != simdjson::SUCCESS ||
        !is_header(name, value)) {
      fields.fail("has a header that is not a pair of name and value");
      return;
    }
    answer.headers.emplace_back(name, value);
  }
}

void read_pieces(Fields& fields, RecordedAnswer& answer, std::chrono::nanoseconds& time) {
  for (const dom::element item : fields.items("chunks")) {
    Fields piece(item);
    const auto due = piece.time("ms", time);
    answer.body += piece.content();
    answer.pieces.push_back({due, answer.body.size()});
    fields.inherit(piece);
  }
}

void read_end(Fields& fields, RecordedAnswer& answer, std::chrono::nanoseconds& time) {
  const std::string name = fields.text("end");
  const auto* const end = std::ranges::find(kEnds, name, &std::pair<RecordedEnd, std::string_view>::second);
  if (end == kEnds.end()) {
    fields.fail("has no \"end\" that is complete, reset or timeout");
    return;
  }
  answer.end = end->first;
  answer.end_due = fields.time("end_ms", time);
  const bool complete = answer.end == RecordedEnd::kComplete;
  if (complete && answer.status == 0) fields.fail("has a complete answer without a status");
  const std::size_t size = answer.body.size();
  if (answer.length && (size > *answer.length || (complete && size < *answer.length)))
    fields.fail("has a body that is not as long as its \"length\"");
}

RecordedAnswer read_answer(Fields& fields) {
  RecordedAnswer answer;
  std::chrono::nanoseconds time{};
  if (fields.has("status")) {
    const auto status = fields.get<std::int64_t>("status", "a number");
    if (status < 200 || status > 999) fields.fail("has a \"status\" that is none of an answer");
    answer.status = static_cast<int>(std::clamp<std::int64_t>(status, 200, 999));
    read_headers(fields, answer);
    if (fields.has("length")) answer.length = fields.get<std::uint64_t>("length", "a number");
    answer.head_due = fields.time("head_ms", time);
    read_pieces(fields, answer, time);
  }
  read_end(fields, answer, time);
  return answer;
}

RecordedRequest read_request(Fields& fields) {
  RecordedRequest request{.method = fields.text("method"), .target = fields.text("path"), .body = {}};
  if (!fields.has("request")) return request;
  Fields body(fields.get<dom::element>("request", "there"));
  if (body.has("json")) {
    request.body = simdjson::minify(body.get<dom::element>("json", "there"));
  } else {
    request.body = body.content();
  }
  fields.inherit(body);
  return request;
}

// Failure is the value of errno.
std::expected<std::string, int> read_all(const Descriptor& in) {
  constexpr std::size_t kPiece = std::size_t{1} << 20;
  std::string text;
  while (true) {
    const std::size_t size = text.size();
    text.resize(size + kPiece);
    const ssize_t count = ::read(in.get(), text.data() + size, kPiece);
    if (count < 0 && errno != EINTR) return std::unexpected(errno);
    text.resize(size + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0) return text;
  }
}

}  // namespace

Ending ending_of(const RecordedAnswer& answer, bool keep_alive) {
  switch (answer.end) {
    case RecordedEnd::kTimeout:
      return Ending::kNever;
    case RecordedEnd::kReset:
      return answer.status == 0 ? Ending::kReset : Ending::kClose;
    case RecordedEnd::kComplete:
      break;
  }
  return keep_alive ? Ending::kKeepAlive : Ending::kClose;
}

std::unexpected<Error> recording_error(std::string message) {
  return std::unexpected(
      Error{.kind = ErrorKind::kUsage, .code = "sim.recording", .message = std::move(message)});
}

std::string recording_line(const RecordedExchange& exchange) {
  std::string out = fmt::format(R"({{"v":{},"at_us":{},"method":)", kVersion, exchange.at_us);
  append_json_string(out, exchange.request.method);
  out += R"(,"path":)";
  append_json_string(out, exchange.request.target);
  if (!exchange.request.body.empty()) {
    out += R"(,"request":{)";
    append_request_body(out, exchange.request.body);
    out += '}';
  }
  out += ',';
  append_answer(out, exchange.answer);
  out += "}\n";
  return out;
}

std::expected<RecordedExchange, std::string> read_recording_line(std::string_view line, dom::parser& parser) {
  dom::element value;
  if (const auto error = parser.parse(line.data(), line.size()).get(value)) {
    return std::unexpected(fmt::format("is not JSON ({})", simdjson::error_message(error)));
  }
  Fields fields(value);
  const auto version = fields.get<std::int64_t>("v", "a number");
  if (!fields.problem() && version != kVersion) {
    return std::unexpected(
        fmt::format("is of version {} of recordings, and this program reads version {}", version, kVersion));
  }
  RecordedExchange exchange;
  exchange.at_us = fields.get<std::int64_t>("at_us", "a number");
  exchange.request = read_request(fields);
  exchange.answer = read_answer(fields);
  if (fields.problem()) return std::unexpected(*fields.problem());
  return exchange;
}

Result<Recording> parse_recording(std::string_view text, const std::string& file) {
  Recording recording;
  dom::parser parser;
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    ++number;
    const std::string_view line = text.substr(begin, text.find('\n', begin) - begin);
    begin = std::min(begin + line.size() + 1, text.size());
    if (trim(line).empty() || line == "\r") {
      recording.size = begin;
      continue;
    }
    auto exchange = read_recording_line(line, parser);
    if (exchange) {
      recording.exchanges.push_back(*std::move(exchange));
      recording.size = begin;
      continue;
    }
    if (begin < text.size())
      return recording_error(fmt::format("line {} of {} {}", number, file, exchange.error()));
    recording.half_line = !text.ends_with('\n') && (line.starts_with(kBegin) || kBegin.starts_with(line));
    recording.warning =
        fmt::format("the last line of {}, line {}, {}; it is left out", file, number, exchange.error());
  }
  std::ranges::stable_sort(recording.exchanges, {}, &RecordedExchange::at_us);
  return recording;
}

Result<Recording> read_recording(const std::string& file) {
  const Descriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  auto text = in ? read_all(in) : std::unexpected(errno);
  if (!text) return recording_error(fmt::format("cannot read {}: {}", file, std::strerror(text.error())));
  return parse_recording(*text, file);
}

}  // namespace xcs::sim
