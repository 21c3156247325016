#include "llm/sse.h"

#include <fmt/format.h>

#include <utility>

namespace xcs::llm {

Result<void> SseParser::feed(std::string_view piece, const OnEvent& on_event) {
  while (!piece.empty()) {
    if (std::exchange(skip_line_feed_, false) && piece.front() == '\n') {
      piece.remove_prefix(1);
      continue;
    }
    const std::size_t line_feed = piece.find('\n');
    const std::size_t end = std::min(line_feed, piece.substr(0, line_feed).find('\r'));
    if (partial_.size() + data_.size() + std::min(end, piece.size()) > max_event_bytes_) {
      return std::unexpected(
          Error{.kind = ErrorKind::kTransient,
                .code = "llm.malformed",
                .message = fmt::format("an event of the stream is larger than {} bytes", max_event_bytes_)});
    }
    if (end == std::string_view::npos) {
      partial_.append(piece);
      return {};
    }
    std::string_view line = piece.substr(0, end);
    if (!partial_.empty()) line = partial_.append(line);
    if (Result<void> taken = take_line(line, on_event); !taken) return taken;
    partial_.clear();
    skip_line_feed_ = piece[end] == '\r';
    piece.remove_prefix(end + 1);
  }
  return {};
}

Result<void> SseParser::finish(const OnEvent& on_event) {
  if (!partial_.empty()) {
    if (Result<void> taken = take_line(partial_, on_event); !taken) return taken;
    partial_.clear();
  }
  return dispatch(on_event);
}

Result<void> SseParser::take_line(std::string_view line, const OnEvent& on_event) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (std::exchange(first_line_, false) && line.starts_with(kByteOrderMark)) {
    line.remove_prefix(kByteOrderMark.size());
  }
  if (line.empty()) return dispatch(on_event);
  const std::size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "data") {
    data_.append(value).push_back('\n');
  } else if (field == "event") {
    name_ = value;
  }
  return {};
}

Result<void> SseParser::dispatch(const OnEvent& on_event) {
  const std::string name = std::exchange(name_, {});
  if (data_.empty()) return {};
  data_.pop_back();
  Result<void> taken = on_event({.name = name, .data = data_});
  data_.clear();
  return taken;
}

}  // namespace xcs::llm
