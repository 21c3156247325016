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

// A refusal for rate costs nothing and says little about the call: it may be repeated this many times as
// often.
constexpr int kRefusalsPerRetry = 5;

const Clock& real_clock() {
  static const RealClock clock;
  return clock;
}

// One call, over all its attempts. Lives in the handler, on the transport's thread.
class Call {
 public:
  Call(WireRequest wire, std::unique_ptr<Admission> admission, int max_retries, std::uint64_t seed,
       OnDelta delta, OnAnswer done)
      : wire_(std::move(wire)),
        admission_(std::move(admission)),
        max_retries_(max_retries),
        random_(static_cast<std::minstd_rand::result_type>(seed)),
        delta_(std::move(delta)),
        done_(std::move(done)) {}

  Result<Duration> on_turn() {
    Result<Duration> turn = admission_->try_begin();
    attempts_ += turn && *turn == Duration::zero();
    return turn;
  }

  std::optional<Duration> on_done(Result<net::Response> response) {
    static const net::Headers kNoHeaders;
    const net::Headers& headers = response ? response->headers : kNoHeaders;
    Result<ChatAnswer> answer = read(response);
    stream_.reset();
    admission_->end(answer ? nullptr : &answer.error(), headers, answer ? answer->usage : Usage{});
    if (!answer) {
      if (const auto delay = delay_after(answer.error(), headers)) return delay;
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
    const bool refused = error.code == "llm.rate_limit";
    int& done = refused ? refusals_ : failures_;
    return delay_before_retry(
        {.error = error,
         .headers = headers,
         .retries_done = attempts_ - 1,
         .retries_left = (refused ? kRefusalsPerRetry * max_retries_ : max_retries_) - done++,
         .now = std::chrono::system_clock::now(),
         .random = std::generate_canonical<double, 32>(random_)});
  }

  const WireRequest wire_;
  const std::unique_ptr<Admission> admission_;
  const int max_retries_;
  std::minstd_rand random_;
  OnDelta delta_;
  OnAnswer done_;
  std::optional<AnswerStream> stream_;  // of the present attempt
  int attempts_ = 0;
  int refusals_ = 0;        // attempts refused for rate
  int failures_ = 0;        // attempts that failed otherwise
  bool delivered_ = false;  // some text has reached delta_
};

}  // namespace

Client::Client(net::Transport& transport, std::uint64_t seed) : Client(transport, real_clock(), seed) {}

Client::Client(net::Transport& transport, const Clock& clock, std::uint64_t seed)
    : transport_(transport), seed_(seed), limits_(clock) {}

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
  // Shared because the handler is several functions over one call.
  auto admission = std::make_unique<Admission>(limits_.group_of(*wire, request.model), http.body.size(),
                                               request.max_tokens);
  http.lane = admission->lane();
  auto call = std::make_shared<Call>(*std::move(wire), std::move(admission), request.max_retries,
                                     seed_ + ++started_, std::move(delta), std::move(done));
  net::Handler handler{.on_done = [call](Result<net::Response> r) { return call->on_done(std::move(r)); },
                       .on_turn = [call] { return call->on_turn(); }};
  if (streams) handler.on_piece = [call](std::string_view piece) { return call->on_piece(piece); };
  return transport_.start(std::move(http), std::move(handler));
}

}  // namespace xcs::llm
