#include "llm/call.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "llm/account.h"
#include "llm/retry.h"
#include "llm/wire_answer.h"

namespace xcs::llm {
namespace {

// A refusal for rate costs nothing and says little about the call: it may be repeated this many times as
// often.
constexpr int kRefusalsPerRetry = 5;

}  // namespace

void Race::finish(Result<ChatAnswer> answer) {
  --runners_;
  if (over_) return;
  if (answer) {
    end(std::move(answer));
  } else if (runners_ > 0) {
    error_ = std::move(answer.error());
  } else {
    end(error_ ? std::unexpected(*std::move(error_)) : std::move(answer));
  }
}

void Race::withdraw() {
  --runners_;
  if (!over_ && runners_ == 0 && error_) end(std::unexpected(*std::move(error_)));
}

// The handles go first: one of them may be that of the request whose handler runs now.
void Race::end(Result<ChatAnswer> answer) {
  over_ = true;
  count({.calls = 1, .failed = answer ? 0u : 1u});
  take_handles().clear();
  std::exchange(done_, nullptr)(std::move(answer));
}

void Race::count(const Spend& spend) {
  if (meter_ != nullptr) meter_->add(spend);
}

void Race::keep(net::Handle handle) {
  const MutexLock lock(mutex_);
  if (!closed_) handles_.push_back(std::move(handle));
}

std::vector<net::Handle> Race::take_handles() {
  const MutexLock lock(mutex_);
  closed_ = true;
  return std::exchange(handles_, {});
}

Call::Call(Parts parts, OnDelta delta, std::shared_ptr<Race> race)
    : parts_(std::move(parts)),
      random_(static_cast<std::minstd_rand::result_type>(parts_.seed)),
      delta_(std::move(delta)),
      race_(std::move(race)) {}

Result<Duration> Call::on_turn() {
  if (parts_.hedge) {
    Result<Duration> due = hedge_turn();
    if (!due || *due > Duration::zero()) return due;
  }
  Result<Duration> turn = parts_.turns->try_begin();
  if (!turn || *turn > Duration::zero()) return turn;
  if (!race_->sent_at) race_->sent_at = parts_.turns->admission().now();
  if (parts_.hedge) {
    race_->hedged = true;
    race_->count({.hedges = 1});
  }
  return turn;
}

constexpr Duration kNotSentYet = std::chrono::milliseconds(50);

// A hedge goes when the first request has taken longer than most, and only while few of all calls have one.
Result<Duration> Call::hedge_turn() {
  const auto give_up = [] {
    return std::unexpected(
        Error{.kind = ErrorKind::kCancelled, .code = "llm.hedge", .message = "no hedge is needed"});
  };
  if (race_->over()) return give_up();
  if (granted_) return Duration::zero();
  const std::optional<TimePoint> sent_at = race_->sent_at;
  if (!sent_at) return kNotSentYet;
  const std::optional<Duration> usual = parts_.turns->admission().usual_latency();
  if (!usual) return kNotSentYet;
  const Duration left = *sent_at + *usual - parts_.turns->admission().now();
  if (left > Duration::zero()) return left;
  granted_ = parts_.turns->admission().try_hedge();
  if (!granted_) return give_up();
  return Duration::zero();
}

std::optional<Duration> Call::on_done(Result<net::Response> response) {
  static const net::Headers no_headers;
  const net::Headers& headers = response ? response->headers : no_headers;
  Result<ChatAnswer> answer = read(response);
  stream_.reset();
  const int attempts = parts_.turns->attempts();
  const bool sent = parts_.turns->end(answer, response ? &*response : nullptr);
  if (parts_.hedge && attempts == 0) {
    race_->withdraw();
    return std::nullopt;
  }
  if (answer) {
    answer->attempts = attempts;
    if (!race_->over()) on_answer(*answer);
  } else {
    if (race_->over()) return std::nullopt;
    if (const auto delay = sent ? delay_after(answer.error(), headers) : std::nullopt) return delay;
    if (attempts > 1) answer.error().message += fmt::format(" (after {} attempts)", attempts);
  }
  race_->finish(std::move(answer));
  return std::nullopt;
}

void Call::on_answer(ChatAnswer& answer) {
  const TimePoint now = parts_.turns->admission().now();
  answer.took = now - race_->sent_at.value_or(now);
  if (!race_->hedged) return;
  Spend spend{.hedge_usage = with_cached_input(parts_.wire.provider, answer.usage)};
  if (parts_.hedge) {
    spend.hedges_won = 1;
    spend.hedge_saved = parts_.turns->admission().win_hedge(answer.took);
  }
  race_->count(spend);
}

Result<void> Call::on_piece(std::string_view piece) {
  if (!stream_) stream_.emplace(parts_.wire, [this](std::string_view text) { delta_(text); });
  Result<void> fed = stream_->feed(piece);
  delivered_ = delivered_ || stream_->has_text();
  return fed;
}

Result<ChatAnswer> Call::read(Result<net::Response>& response) {
  if (!response) return std::unexpected(std::move(response.error()));
  if (delta_ && response->status / 100 == 2) {
    if (!stream_)
      return std::unexpected(malformed(parts_.wire, response->status, "is no stream of events", ""));
    Result<ChatAnswer> answer = stream_->finish();
    if (answer) answer->request_id = request_id_of(response->headers);
    return answer;
  }
  Result<ChatAnswer> answer = to_answer(parts_.wire, *response);
  if (answer) answer->raw = std::move(response->body);
  return answer;
}

std::optional<Duration> Call::delay_after(const Error& error, const net::Headers& headers) {
  if (delivered_) return std::nullopt;
  const bool refused = error.code == "llm.rate_limit";
  int& done = refused ? refusals_ : failures_;
  const int allowed = refused ? kRefusalsPerRetry * parts_.max_retries : parts_.max_retries;
  return delay_before_retry({.error = error,
                             .headers = headers,
                             .retries_done = parts_.turns->attempts() - 1,
                             .retries_left = allowed - done++,
                             .now = std::chrono::system_clock::now(),
                             .random = std::generate_canonical<double, 32>(random_)});
}

}  // namespace xcs::llm
