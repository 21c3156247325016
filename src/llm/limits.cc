#include "llm/limits.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <string>
#include <utility>

#include "llm/retry.h"
#include "net/origin.h"

namespace xcs::llm {
namespace {

constexpr double kLearningRate = 0.1;
constexpr Duration kLookAgain = std::chrono::milliseconds(50);

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Whether the text ends in "-20260131" or "-2026-01-31"; how long that is.
std::size_t date_length(std::string_view text) {
  for (const std::string_view form : {"-dddddddd", "-dddd-dd-dd"}) {
    if (text.size() <= form.size()) continue;
    const std::string_view end = text.substr(text.size() - form.size());
    if (std::ranges::equal(form, end, [](char f, char c) { return f == 'd' ? is_digit(c) : f == c; }))
      return form.size();
  }
  return 0;
}

// A name without a dot is that of a container or of a machine next to this one.
bool in_own_network(std::string_view host) {
  constexpr std::array<std::string_view, 6> kPrefixes = {"127.", "10.", "192.168.", "::1", "fc", "fd"};
  if (!host.contains('.') && !host.contains(':')) return true;
  if (host.ends_with(".local") || host.ends_with(".internal")) return true;
  if (host.starts_with("172.")) {
    const int second = std::atoi(std::string(host.substr(4, 3)).c_str());
    return second >= 16 && second < 32;
  }
  return std::ranges::any_of(kPrefixes, [host](std::string_view prefix) {
    return host.starts_with(prefix) && (prefix.front() != 'f' || host.contains(':'));
  });
}

double move_towards(double old, double seen) { return old + (kLearningRate * (seen - old)); }

Outcome outcome_of(const Error& error) {
  const std::string_view reason = error.provider_reason;
  if (reason == "slow_down" || reason == "ramp_limit_exceeded") return Outcome::kSlowDown;
  if (error.code == "llm.rate_limit") {
    const bool in_flight = error.message.contains("oncurren") || error.message.contains("in flight");
    return in_flight ? Outcome::kTooMany : Outcome::kRateLimit;
  }
  return error.kind == ErrorKind::kTransient ? Outcome::kTrouble : Outcome::kOther;
}

}  // namespace

std::string model_group(std::string_view model) {
  model.remove_suffix(date_length(model));
  constexpr std::string_view kLatest = "-latest";
  if (model.ends_with(kLatest)) model.remove_suffix(kLatest.size());
  if (!model.starts_with("claude-")) return std::string(model);
  const std::size_t last = model.rfind('-');
  const bool has_minor =
      last >= 2 && model.size() == last + 2 && is_digit(model.back()) && is_digit(model[last - 1]);
  return std::string(has_minor ? model.substr(0, last) : model);
}

Need TokenEstimate::need_of(Provider provider, std::size_t body_bytes,
                            std::optional<double> max_output) const {
  const double input = input_per_byte_ * static_cast<double>(body_bytes);
  const double most = max_output.value_or(output_);
  Need need{};
  need[static_cast<std::size_t>(Dimension::kRequests)] = 1;
  need[static_cast<std::size_t>(Dimension::kInputTokens)] = input;
  need[static_cast<std::size_t>(Dimension::kOutputTokens)] = output_ > 0 ? std::min(output_, most) : most;
  need[static_cast<std::size_t>(Dimension::kTokens)] = input + (provider == Provider::kAnthropic ? 0 : most);
  return need;
}

void TokenEstimate::learn(std::size_t body_bytes, const Usage& usage) {
  if (usage.input_tokens > 0 && body_bytes > 0) {
    const double seen = static_cast<double>(usage.input_tokens) / static_cast<double>(body_bytes);
    input_per_byte_ = seen > input_per_byte_ ? seen : move_towards(input_per_byte_, seen);
  }
  const auto output = static_cast<double>(usage.output_tokens);
  if (output > 0) output_ = output_ > 0 ? move_towards(output_, output) : output;
}

Admission::Admission(std::shared_ptr<Group> group, const Size& size) : group_(std::move(group)), size_(size) {
  const MutexLock lock(group_->mutex_);
  if (size_.in_flight > 0) group_->with_limiter([&](Limiter& l) { l.expect(size_.in_flight); });
  number_ = ++group_->joined_;
}

Admission::~Admission() {
  if (!begun_) return;
  const MutexLock lock(group_->mutex_);
  end_locked({.outcome = Outcome::kUnanswered});
}

Result<Duration> Admission::try_begin() {
  const MutexLock lock(group_->mutex_);
  if (group_->refusal_ && number_ <= group_->refused_up_to_) return std::unexpected(group_->refusal_->error);
  const Need need = group_->estimate_.need_of(group_->provider_, size_.body_bytes, size_.max_output);
  std::expected<Begun, Duration> begun;
  group_->with_limiter([&](Limiter& l) { begun = l.try_begin(need, group_->clock_.now()); });
  if (!begun) {
    // A call of another process that ends wakes nobody here.
    const bool alone = group_->shared_ == nullptr || !group_->shared_->has_company();
    return std::min<Duration>(begun.error(), alone ? std::chrono::hours(24) : kLookAgain);
  }
  begun_ = *begun;
  ++attempts_;
  ++group_->attempts_;
  return Duration::zero();
}

void Admission::end_locked(const Limiter::End& end) {
  group_->with_limiter([&](Limiter& l) { l.end(end, group_->clock_.now()); });
  begun_.reset();
}

// A refusal that no wait within reason cures holds for all that wait, too.
void Admission::end(const Error* error, const net::Response* response, const Usage& usage) {
  static const net::Headers kNoHeaders;
  if (!begun_) return;
  const net::Headers& headers = response == nullptr ? kNoHeaders : response->headers;
  const WallTime wall = std::chrono::system_clock::now();
  const LimitReports reports = read_limits(headers, wall);
  const std::optional<Duration> delay = error == nullptr ? std::nullopt : server_delay(headers, wall);
  const MutexLock lock(group_->mutex_);
  group_->with_limiter([&](Limiter& l) { l.learn(*begun_, reports, group_->clock_.now()); });
  const bool first = attempts_ == 1 && !size_.again;
  if (error == nullptr) {
    group_->estimate_.learn(size_.body_bytes, usage);
    group_->latencies_.add(group_->clock_.now() - begun_->at);
    end_locked(
        {.outcome = Outcome::kSuccess, .first_attempt = first, .own_network = group_->in_own_network_});
    return;
  }
  const Outcome outcome = outcome_of(*error);
  if (!is_hopeless(*error, delay)) {
    end_locked({.outcome = outcome, .first_attempt = first, .server_delay = delay});
    return;
  }
  end_locked({.outcome = Outcome::kOther, .first_attempt = first});
  group_->with_limiter([](Limiter& l) { l.start_over(); });
  const bool whole = response != nullptr && !response->body.empty();
  group_->refusal_ = {*error, whole ? std::optional(*response) : std::nullopt};
  group_->refused_up_to_ = group_->joined_;
}

std::optional<net::Response> Admission::refusal() const {
  const MutexLock lock(group_->mutex_);
  const bool refused = group_->refusal_ && number_ <= group_->refused_up_to_;
  return refused ? group_->refusal_->response : std::nullopt;
}

std::optional<Duration> Admission::usual_latency() {
  const MutexLock lock(group_->mutex_);
  return group_->latencies_.at(size_.hedge.percentile);
}

bool Admission::try_hedge() {
  const MutexLock lock(group_->mutex_);
  const double allowed = size_.hedge.share * static_cast<double>(group_->attempts_);
  if (static_cast<double>(group_->hedges_.sent + 1) > allowed) return false;
  ++group_->hedges_.sent;
  return true;
}

Duration Admission::win_hedge(Duration after) {
  const MutexLock lock(group_->mutex_);
  ++group_->hedges_.won;
  return group_->latencies_.mean_beyond(after).value_or(after) - after;
}

std::unique_ptr<SharedLimiter> Limits::share(const WireRequest& request, std::string_view name) const {
  const std::string host = net::origin_of(request.http.url).host;
  const bool here = host == "localhost" || host.starts_with("127.") || host == "::1";
  if (directory_.empty() || (here && !chosen_)) return nullptr;
  return SharedLimiter::open(directory_, name, clock_.now());
}

std::shared_ptr<Group> Limits::group_of(const WireRequest& request, std::string_view model) {
  std::string name = net::to_string(net::origin_of(request.http.url));
  name.append("\n").append(request.api_key).append("\n").append(model_group(model));
  const MutexLock lock(mutex_);
  std::shared_ptr<Group>& group = groups_[name];
  if (group) return group;
  const std::string host = net::origin_of(request.http.url).host;
  group = std::make_shared<Group>(groups_.size(), request.provider, clock_, share(request, name),
                                  in_own_network(host));
  if (request.api_key.empty()) group->expect(Concurrency::kFirstWithoutKey);
  return group;
}

}  // namespace xcs::llm
