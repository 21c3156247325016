#include "llm/client.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <utility>

#include "llm/retry.h"
#include "llm/stream.h"
#include "llm/wire_answer.h"
#include "llm/wire_request.h"

namespace xcs::llm {
namespace {

// One call, over all its attempts. Lives in the handler, on the transport's thread.
class Call {
 public:
  Call(WireRequest wire, int max_retries, std::uint64_t seed, OnDelta delta, OnAnswer done)
      : wire_(std::move(wire)),
        max_retries_(max_retries),
        random_(static_cast<std::minstd_rand::result_type>(seed)),
        delta_(std::move(delta)),
        done_(std::move(done)) {}

  std::optional<Duration> on_done(Result<net::Response> response) {
    ++attempts_;
    Result<ChatAnswer> answer = read(response);
    stream_.reset();
    if (!answer) {
      static const net::Headers kNoHeaders;
      if (const auto delay = delay_after(answer.error(), response ? response->headers : kNoHeaders))
        return delay;
      if (attempts_ > 1) answer.error().message += fmt::format(" (after {} attempts)", attempts_);
    } else {
      answer->attempts = attempts_;
    }
    done_(std::move(answer));
    return std::nullopt;
  }

  Result<void> on_piece(std::string_view piece) {
    if (!stream_) stream_.emplace(wire_, [this](std::string_view text) { delta_(text); });
    Result<void> fed = stream_->feed(piece);
    delivered_ = delivered_ || stream_->has_text();
    return fed;
  }

 private:
  Result<ChatAnswer> read(Result<net::Response>& response) {
    if (!response) return std::unexpected(std::move(response.error()));
    if (delta_ && response->status / 100 == 2) {
      if (!stream_) return std::unexpected(malformed(wire_, response->status, "is no stream of events", ""));
      Result<ChatAnswer> answer = stream_->finish();
      if (answer) answer->request_id = request_id_of(response->headers);
      return answer;
    }
    Result<ChatAnswer> answer = to_answer(wire_, *response);
    if (answer) answer->raw = std::move(response->body);
    return answer;
  }

  std::optional<Duration> delay_after(const Error& error, const net::Headers& headers) {
    if (delivered_) return std::nullopt;
    return delay_before_retry({.error = error,
                               .headers = headers,
                               .retries_done = attempts_ - 1,
                               .max_retries = max_retries_,
                               .now = std::chrono::system_clock::now(),
                               .random = std::generate_canonical<double, 32>(random_)});
  }

  const WireRequest wire_;
  const int max_retries_;
  std::minstd_rand random_;
  OnDelta delta_;
  OnAnswer done_;
  std::optional<AnswerStream> stream_;  // of the present attempt
  int attempts_ = 0;
  bool delivered_ = false;  // some text has reached delta_
};

}  // namespace

Client::Client(net::Transport& transport, std::uint64_t seed) : transport_(transport), seed_(seed) {}

net::Handle Client::start(ChatRequest request, OnAnswer done) {
  return start_stream(std::move(request), nullptr, std::move(done));
}

net::Handle Client::start_stream(ChatRequest request, OnDelta delta, OnAnswer done) {
  const bool streams = delta != nullptr;
  Result<WireRequest> wire = to_wire(request, streams);
  if (!wire) {
    done(std::unexpected(std::move(wire.error())));
    return nullptr;
  }
  net::Request http = std::exchange(wire->http, {.url = wire->http.url});
  // Shared because the handler is two functions over one call.
  auto call = std::make_shared<Call>(*std::move(wire), request.max_retries, seed_ + ++started_,
                                     std::move(delta), std::move(done));
  net::Handler handler{.on_done = [call](Result<net::Response> r) { return call->on_done(std::move(r)); }};
  if (streams) handler.on_piece = [call](std::string_view piece) { return call->on_piece(piece); };
  return transport_.start(std::move(http), std::move(handler));
}

}  // namespace xcs::llm
