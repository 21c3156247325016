#include "sim/script.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "sim/json_text.h"

namespace xcs::sim {

namespace {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Content Too Large";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    case 529:
      return "Overloaded";
    default:
      return "Status";
  }
}

void append_head(std::string& out, const ResponseHead& head) {
  out += "HTTP/1.1 ";
  append_number(out, head.status);
  out += ' ';
  out += reason_phrase(head.status);
  out += "\r\ncontent-type: ";
  out += head.content_type;
  out += "\r\n";
  out += head.headers;
  if (!head.keep_alive) out += "connection: close\r\n";
}

Ending ending_of(const ResponseHead& head) { return head.keep_alive ? Ending::kKeepAlive : Ending::kClose; }

void append_chunk(std::string& out, std::string_view data) {
  fmt::format_to(std::back_inserter(out), "{:x}\r\n", data.size());
  out += data;
  out += "\r\n";
}

// Before the last byte, so that something is always missing there.
std::size_t offset_in_body(const Script& script, double position) {
  const std::size_t body = script.bytes.find("\r\n\r\n") + 4;
  return body + static_cast<std::size_t>(static_cast<double>(script.bytes.size() - body) * position);
}

}  // namespace

Script whole_response(const ResponseHead& head, std::string_view body, std::chrono::nanoseconds due) {
  Script script;
  script.bytes.reserve(body.size() + head.headers.size() + 160);
  append_head(script.bytes, head);
  script.bytes += "content-length: ";
  append_number(script.bytes, static_cast<std::int64_t>(body.size()));
  script.bytes += "\r\n\r\n";
  script.bytes += body;
  script.steps.push_back({due, script.bytes.size()});
  script.ending = ending_of(head);
  return script;
}

Script streamed_response(const ResponseHead& head, const EventStream& stream, const Fate& fate) {
  Script script;
  append_head(script.bytes, head);
  script.bytes += "cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
  script.steps.push_back({fate.first_byte, script.bytes.size()});
  std::size_t begin = 0;
  for (const EventStream::Event& event : stream.events()) {
    append_chunk(script.bytes, std::string_view(stream.bytes()).substr(begin, event.end - begin));
    begin = event.end;
    const auto due = fate.first_byte + event.tokens * fate.per_token;
    if (due != script.steps.back().due) script.steps.push_back({due, 0});
    script.steps.back().end = script.bytes.size();
  }
  script.bytes += "0\r\n\r\n";
  script.steps.back().end = script.bytes.size();
  script.ending = ending_of(head);
  return script;
}

Script cut(Script script, double position, Ending ending) {
  const std::size_t size = offset_in_body(script, position);
  const auto last =
      std::ranges::find_if(script.steps, [&](const Script::Step& step) { return step.end >= size; });
  last->end = size;
  script.steps.erase(last + 1, script.steps.end());
  script.bytes.resize(size);
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

Script reset_after(std::chrono::nanoseconds due) {
  Script script;
  script.steps.push_back({due, 0});
  script.ending = Ending::kReset;
  return script;
}

Script black_hole() {
  Script script;
  script.ending = Ending::kNever;
  return script;
}

}  // namespace xcs::sim
