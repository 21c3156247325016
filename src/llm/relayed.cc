#include "llm/relayed.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "llm/meter.h"
#include "llm/retry.h"
#include "llm/wire_answer.h"

namespace xcs::llm {
namespace {

constexpr std::string_view kShouldRetry = "x-should-retry";

void forbid_retry(net::Headers& headers) {
  net::Headers kept;
  const net::Headers all = std::exchange(headers, {});
  all.for_each_line([&](std::string_view line) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos) return;
    const std::string_view name = line.substr(0, colon);
    const auto same = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
    if (!std::ranges::equal(name, kShouldRetry, same)) kept.add(name, line.substr(colon + 2));
  });
  kept.add(kShouldRetry, "false");
  headers = std::move(kept);
}

}  // namespace

Relayed::Relayed(Parts parts, OnStream on_stream, OnResponse done)
    : parts_(std::move(parts)),
      random_(static_cast<std::minstd_rand::result_type>(parts_.seed)),
      on_stream_(std::move(on_stream)),
      done_(std::move(done)) {}

Relayed::~Relayed() {
  if (!stream_ || !readable_) return;
  const Result<ChatAnswer> answer = stream_->finish();
  if (!answer || !parts_.turns->end(answer, nullptr)) return;
  if (parts_.meter != nullptr) parts_.meter->add({.calls = 1});
}

Result<Duration> Relayed::on_turn() {
  Result<Duration> turn = parts_.turns->try_begin();
  if (turn && *turn == Duration::zero() && !sent_at_) sent_at_ = parts_.turns->admission().now();
  return turn;
}

std::optional<Duration> Relayed::on_done(Result<net::Response> response) {
  static const net::Headers kNoHeaders;
  const net::Headers& headers = response ? response->headers : kNoHeaders;
  const Result<ChatAnswer> answer = read(response);
  stream_.reset();
  const bool sent = parts_.turns->end(answer, response ? &*response : nullptr);
  if (!answer && sent && !delivered_) {
    if (const auto delay = delay_after(answer.error(), headers)) return delay;
  }
  if (parts_.meter != nullptr) parts_.meter->add({.calls = 1, .failed = answer ? 0u : 1u});
  if (!response) {
    if (auto refusal = parts_.turns->admission().refusal()) response = *std::move(refusal);
  }
  if (response && !answer &&
      is_hopeless(answer.error(), server_delay(response->headers, std::chrono::system_clock::now())))
    forbid_retry(response->headers);
  const Duration took = sent_at_ ? parts_.turns->admission().now() - *sent_at_ : Duration::zero();
  std::exchange(done_, nullptr)(std::move(response), took);
  return std::nullopt;
}

// Whoever wrote the request gets every piece, whether it can be read here or not.
void Relayed::on_piece(std::string_view piece) {
  delivered_ = true;
  if (!stream_) {
    stream_.emplace(parts_.wire, [](std::string_view) {});
    readable_ = {};
  }
  if (readable_) readable_ = stream_->feed(piece);
  on_stream_.on_piece(piece);
}

Result<ChatAnswer> Relayed::read(const Result<net::Response>& response) {
  if (!response) return std::unexpected(response.error());
  if (!stream_) return to_answer(parts_.wire, *response);
  if (!readable_) return std::unexpected(readable_.error());
  return stream_->finish();
}

std::optional<Duration> Relayed::delay_after(const Error& error, const net::Headers& headers) {
  const int done = parts_.turns->attempts() - 1;
  return delay_before_retry({.error = error,
                             .headers = headers,
                             .retries_done = done,
                             .retries_left = parts_.max_retries - done,
                             .now = std::chrono::system_clock::now(),
                             .random = std::generate_canonical<double, 32>(random_)});
}

}  // namespace xcs::llm
