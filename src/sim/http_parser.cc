#include "sim/http_parser.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace xcs::sim {

namespace {

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    const bool letter = (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
    return letter || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

}  // namespace

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool holds_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    if (equals_ignoring_case(trim(list.substr(0, comma)), word)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
  return false;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

void HttpParser::reset() {
  phase_ = Phase::kHead;
  position_ = head_size_ = body_size_ = consumed_ = 0;
  chunks_.clear();
}

bool HttpParser::take_continue() { return std::exchange(expects_continue_, false); }

HttpParser::State HttpParser::parse(std::string_view received) {
  if (phase_ == Phase::kHead) {
    const State state = find_head(received);
    if (state != State::kComplete) return state;
  }
  if (phase_ != Phase::kSizedBody) return read_chunks(received);
  if (received.size() < head_size_ + body_size_) return State::kNeedMore;
  consumed_ = head_size_ + body_size_;
  return complete(received);
}

// kComplete here means that the head is complete and understood.
HttpParser::State HttpParser::find_head(std::string_view received) {
  const std::size_t from = position_ < 3 ? 0 : position_ - 3;
  const std::size_t end = received.find("\r\n\r\n", from);
  if (end == std::string_view::npos) {
    position_ = received.size();
    if (received.size() > kMaxHead) return bad(431, "the request head is larger than 64 KiB");
    return State::kNeedMore;
  }
  if (end > kMaxHead) return bad(431, "the request head is larger than 64 KiB");
  head_size_ = end + 4;
  position_ = head_size_;
  if (read_head(received.substr(0, end)) == State::kBad) return State::kBad;
  phase_ = chunked_ ? Phase::kChunkSize : Phase::kSizedBody;
  return State::kComplete;
}

HttpParser::State HttpParser::read_head(std::string_view head) {
  head_ = head.data();
  request_ = HttpRequest{};
  body_size_ = 0;
  has_length_ = chunked_ = expects_continue_ = false;
  std::size_t line_end = std::min(head.find("\r\n"), head.size());
  State state = read_request_line(head.substr(0, line_end));
  request_.headers = head.substr(std::min(line_end + 2, head.size()));
  while (state != State::kBad && line_end < head.size()) {
    head.remove_prefix(line_end + 2);
    line_end = std::min(head.find("\r\n"), head.size());
    state = read_header(head.substr(0, line_end));
  }
  if (state == State::kBad) return state;
  if (chunked_ && has_length_) return bad(400, "both Content-Length and Transfer-Encoding are given");
  if (body_size_ > kMaxBody) return bad(413, "the request body is larger than 64 MiB");
  return State::kComplete;
}

HttpParser::State HttpParser::read_request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  if (second == std::string_view::npos) return bad(400, "the request line does not have three parts");
  request_.method = line.substr(0, first);
  request_.target = line.substr(first + 1, second - first - 1);
  const std::string_view version = line.substr(second + 1);
  if (!is_token(request_.method) || request_.target.empty()) return bad(400, "the request line is malformed");
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    return bad(505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
  request_.keep_alive = version == "HTTP/1.1";
  return State::kComplete;
}

HttpParser::State HttpParser::read_header(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
    return bad(400, "a header line is malformed");
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trim(line.substr(colon + 1));
  if (equals_ignoring_case(name, "content-length")) return read_content_length(value);
  if (equals_ignoring_case(name, "transfer-encoding")) {
    if (!equals_ignoring_case(value, "chunked"))
      return bad(501, "the only transfer encoding understood is chunked");
    chunked_ = true;
  } else if (equals_ignoring_case(name, "connection")) {
    if (holds_word(value, "close")) request_.keep_alive = false;
    if (holds_word(value, "keep-alive")) request_.keep_alive = true;
  } else if (equals_ignoring_case(name, "expect")) {
    expects_continue_ = equals_ignoring_case(value, "100-continue");
  } else if (equals_ignoring_case(name, "authorization")) {
    request_.authorization = value;
  } else if (equals_ignoring_case(name, "x-api-key")) {
    request_.x_api_key = value;
  } else if (equals_ignoring_case(name, "anthropic-version")) {
    request_.anthropic_version = value;
  }
  return State::kComplete;
}

HttpParser::State HttpParser::read_content_length(std::string_view value) {
  std::size_t size = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), size);
  if (error != std::errc{} || end != value.data() + value.size())
    return bad(400, "Content-Length is not a number");
  if (has_length_ && size != body_size_) return bad(400, "two different Content-Lengths are given");
  has_length_ = true;
  body_size_ = size;
  return State::kComplete;
}

HttpParser::State HttpParser::read_chunks(std::string_view received) {
  while (true) {
    if (phase_ == Phase::kChunkData) {
      const std::size_t piece = std::min(body_size_, received.size() - position_);
      chunks_.append(received, position_, piece);
      position_ += piece;
      body_size_ -= piece;
      if (body_size_ > 0) return State::kNeedMore;
      phase_ = Phase::kChunkEnd;
    }
    const std::size_t line_end = received.find("\r\n", position_);
    if (line_end == std::string_view::npos) {
      if (received.size() - position_ > kMaxHead) return bad(400, "a chunk's size line is too long");
      return State::kNeedMore;
    }
    const std::string_view line = received.substr(position_, line_end - position_);
    position_ = line_end + 2;
    if (phase_ == Phase::kTrailer && line.empty()) {
      consumed_ = position_;
      return complete(received);
    }
    if (phase_ == Phase::kChunkEnd && !line.empty()) return bad(400, "a chunk is longer than its size says");
    if (phase_ == Phase::kChunkEnd) {
      phase_ = Phase::kChunkSize;
    } else if (phase_ == Phase::kChunkSize && read_chunk_size(line) == State::kBad) {
      return State::kBad;
    }
  }
}

HttpParser::State HttpParser::read_chunk_size(std::string_view line) {
  const std::string_view digits = trim(line.substr(0, line.find(';')));
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), body_size_, 16);
  if (error != std::errc{} || end != digits.data() + digits.size())
    return bad(400, "a chunk's size is not a number");
  if (body_size_ > kMaxBody - chunks_.size()) return bad(413, "the request body is larger than 64 MiB");
  phase_ = body_size_ == 0 ? Phase::kTrailer : Phase::kChunkData;
  return State::kComplete;
}

HttpParser::State HttpParser::complete(std::string_view received) {
  const std::size_t sized_body = body_size_;
  // The buffer may have moved since the head was read; its views are then taken anew.
  if (received.data() != head_) read_head(received.substr(0, head_size_ - 4));
  request_.body = chunked_ ? std::string_view(chunks_) : received.substr(head_size_, sized_body);
  expects_continue_ = false;
  return State::kComplete;
}

HttpParser::State HttpParser::bad(int status, std::string_view reason) {
  bad_status_ = status;
  bad_reason_ = reason;
  return State::kBad;
}

}  // namespace xcs::sim
