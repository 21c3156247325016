#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace xcs::sim {

// One HTTP request. Every view of one read by the parser points into the bytes given to the parser, or into
// the parser's own memory for a chunked body, and dies with the next call to the parser.
struct HttpRequest {
  std::string_view method;
  std::string_view target;
  std::string_view authorization;
  std::string_view x_api_key;
  std::string_view anthropic_version;  // empty when absent, like every header
  std::string_view headers;            // all of them, "name: value" lines that end with \r\n but for the last
  std::string_view body;
  bool keep_alive = true;
  bool http2 = false;        // how it came
  std::uint64_t caller = 0;  // the connection it came over, as its owner calls it
};

// Calls f(name, value) for each line of HttpRequest::headers.
template <class F>
void for_each_header(std::string_view headers, F f);

// Recognises one request at a time in a growing buffer.
//
// The caller hands over everything received since the last complete request; the parser remembers how far it
// has looked, so a request that arrives in many pieces costs no more than one that arrives whole.
class HttpParser {
 public:
  enum class State { kNeedMore, kComplete, kBad };

  // `received` starts at the first byte of the request and repeats the bytes of earlier calls, grown at the
  // end. kComplete: request() and consumed() are set. kBad: bad_status() and bad_reason() are set, the
  // connection is lost.
  State parse(std::string_view received);

  // Ready for the next request, which starts consumed() bytes further on.
  void reset();

  const HttpRequest& request() const { return request_; }
  std::size_t consumed() const { return consumed_; }
  int bad_status() const { return bad_status_; }
  std::string_view bad_reason() const { return bad_reason_; }

  // True once per request whose client waits for "100 Continue" before it sends the body.
  bool take_continue();

  static constexpr std::size_t kMaxHead = std::size_t{64} * 1024;
  static constexpr std::size_t kMaxBody = std::size_t{64} * 1024 * 1024;

 private:
  enum class Phase { kHead, kSizedBody, kChunkSize, kChunkData, kChunkEnd, kTrailer };

  State find_head(std::string_view received);
  State read_head(std::string_view head);
  State read_request_line(std::string_view line);
  State read_header(std::string_view line);
  State read_content_length(std::string_view value);
  State read_chunks(std::string_view received);
  State read_chunk_size(std::string_view line);
  State complete(std::string_view received);
  State bad(int status, std::string_view reason);

  Phase phase_ = Phase::kHead;
  std::size_t position_ = 0;    // everything before it has been looked at
  const char* head_ = nullptr;  // where the head stood when it was read
  std::size_t head_size_ = 0;
  std::size_t body_size_ = 0;  // of a sized body; of the current chunk otherwise
  bool has_length_ = false;
  bool chunked_ = false;
  bool expects_continue_ = false;
  std::string chunks_;  // the body of a chunked request, decoded
  HttpRequest request_;
  std::size_t consumed_ = 0;
  int bad_status_ = 0;
  std::string_view bad_reason_;
};

// True if the two are equal when ASCII capitals are read as small letters.
bool equals_ignoring_case(std::string_view a, std::string_view b);

// The small letter for an ASCII capital; anything else as it is.
char lower(char c);

// Whether one of the words in `list`, which commas separate, is `word`, capitals read as small letters.
bool holds_word(std::string_view list, std::string_view word);

// The text without the spaces and tabs around it.
std::string_view trim(std::string_view text);

template <class F>
void for_each_header(std::string_view headers, F f) {
  while (!headers.empty()) {
    const std::string_view line = headers.substr(0, headers.find("\r\n"));
    headers.remove_prefix(std::min(line.size() + 2, headers.size()));
    if (const std::size_t colon = line.find(':'); colon != std::string_view::npos)
      f(line.substr(0, colon), trim(line.substr(colon + 1)));
  }
}

}  // namespace xcs::sim
