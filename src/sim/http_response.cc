#include "sim/http_response.h"

#include <fmt/format.h>

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
    case 502:
      return "Bad Gateway";
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

}  // namespace

void append_head(std::string& out, const Script& script) {
  const ResponseHead& head = *script.head;
  out += "HTTP/1.1 ";
  append_number(out, head.status);
  out += ' ';
  out += reason_phrase(head.status);
  out += "\r\n";
  if (!head.content_type.empty()) {
    out += "content-type: ";
    out += head.content_type;
    out += "\r\n";
  }
  out += head.headers;
  if (!head.keep_alive) out += "connection: close\r\n";
  if (script.length) {
    out += "content-length: ";
    append_number(out, static_cast<std::int64_t>(*script.length));
  } else {
    out += "transfer-encoding: chunked";
  }
  out += "\r\n\r\n";
}

void append_piece(std::string& out, const Script& script, std::string_view piece) {
  if (piece.empty()) return;
  if (script.length) {
    out += piece;
    return;
  }
  fmt::format_to(std::back_inserter(out), "{:x}\r\n", piece.size());
  out += piece;
  out += "\r\n";
}

void append_end(std::string& out, const Script& script) {
  if (script.head && !script.length && script.whole) out += "0\r\n\r\n";
}

std::string http_response(const Script& script) {
  std::string out;
  if (!script.head) return out;
  append_head(out, script);
  std::size_t begin = 0;
  for (const Script::Step& step : script.steps) {
    append_piece(out, script, std::string_view(script.body).substr(begin, step.end - begin));
    begin = step.end;
  }
  append_end(out, script);
  return out;
}

}  // namespace xcs::sim
