#include "net/loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "net/origin.h"

namespace xcs::net {
namespace {

using Phase = Transfer::Phase;

// libcurl looks through all connections to a host when it seeks an idle one, so each multi handle gets
// only so many transfers: as many as most servers allow streams on one HTTP/2 connection.
constexpr std::size_t kTransfersPerMulti = 100;
constexpr std::size_t kIdleEasies = 512;
// Shorter than libcurl keeps a name (see easy.cc), so that a known name is always in its cache.
constexpr Duration kNameLifetime = std::chrono::seconds(240);
constexpr Duration kDescriptorRetry = std::chrono::milliseconds(50);
constexpr Duration kLongestWait = std::chrono::hours(24 * 365);

TimePoint now() { return std::chrono::steady_clock::now(); }

Error timeout_error(const Transfer& t, TimePoint at) {
  const auto error = [&](std::string_view code, std::string_view what, Duration limit) {
    return Error{.kind = ErrorKind::kTransient,
                 .code = std::string(code),
                 .message = fmt::format("{} {} within {} s", to_string(origin_of(t.request.url)), what,
                                        std::chrono::duration<double>(limit).count())};
  };
  const Timeouts& limits = t.request.timeouts;
  if (at - t.started >= limits.total) {
    return error("net.total_timeout", "did not complete its answer", limits.total);
  }
  if (t.phase == Phase::kConnecting) {
    return error("net.connect_timeout", "accepted no connection", limits.connect);
  }
  if (t.phase == Phase::kWaiting) {
    return error("net.first_byte_timeout", "did not begin its answer", limits.first_byte);
  }
  return error("net.idle_timeout", "stopped in the middle of its answer and sent nothing more", limits.idle);
}

}  // namespace

Loop::Loop(std::size_t max_in_flight, std::shared_ptr<Mailbox> mailbox)
    : max_in_flight_(max_in_flight),
      mailbox_(std::move(mailbox)),
      trust_(TrustStore::from_environment()),
      share_(curl_share_init()),
      lookups_(kNameLifetime),
      descriptor_limit_(max_in_flight) {
  XCS_CHECK(share_ != nullptr);
  curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
  curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  sockets_.watch_wakeup(mailbox_->descriptor());
}

Loop::~Loop() {
  idle_easies_ = {};
  multis_.clear();
  curl_share_cleanup(share_);
}

void Loop::run() {
  try {
    while (turn()) publish_counts();
    settle_all({.kind = ErrorKind::kCancelled,
                .code = "net.stopped",
                .message = "the transport was shut down before the answer was complete"});
  } catch (const InternalError& e) {
    mailbox_->close();
    settle_all(e.error());
  }
  publish_counts();
}

// One round: takes the mail, starts what may start, and waits for whatever is next. False when the mailbox
// is closed.
bool Loop::turn() {
  Mailbox::Delivery delivery = mailbox_->take();
  for (Command& command : delivery.commands) accept(command);
  if (delivery.closed) return false;
  serve_lanes();
  admit();
  serve_multis();
  drop_multis();
  // The handlers that ran since the mail was taken may have posted, and such mail does not wake this thread.
  const bool busy = mailbox_->has_urgent() || !touched_lanes_.empty();
  TimePoint until = busy ? TimePoint::min() : wake_at();
  if (delivery.cancels) until = std::min(until, now() + Mailbox::kCancelRest);
  for (const Sockets::Event& event : sockets_.wait(until)) {
    if (event.multi != nullptr) event.multi->on_socket(event.fd, event.curl_events);
  }
  serve_multis();
  serve_leaders();
  serve_timers();
  drop_multis();
  return true;
}

// Closes the connections of multis that are of no more use, and of idle ones when descriptors have run out.
void Loop::drop_multis() {
  const bool drop_idle = std::exchange(drop_idle_multis_, false);
  std::erase_if(multis_,
                [&](const auto& multi) { return multi->spent() || (drop_idle && multi->size() == 0); });
}

TimePoint Loop::wake_at() const {
  TimePoint at = timers_.empty() ? TimePoint::max() : timers_.soonest().deadline;
  for (const auto& multi : multis_) at = std::min(at, multi->wake_at());
  if (!queue_.empty() && in_flight_ < descriptor_limit_) at = std::min(at, admit_at_);
  return at;
}

void Loop::accept(Command& command) {
  Transfer& transfer = *command.transfer;
  if (command.kind == Command::Kind::kStart) {
    if (transfer.gate.closed()) return;
    hold(command.transfer);
    join_line(std::move(command.transfer), false);
    return;
  }
  if (transfer.held) {
    detach(transfer);
    forget(transfer);
  }
  transfer.handler = {};  // it may have been left to this thread
}

// Puts a request at the end of its lane, or at the head when it has been in flight before.
void Loop::join_line(Owner transfer, bool at_head) {
  std::deque<Owner>& line = transfer->waits_in_lane ? lanes_[transfer->request.lane] : queue_;
  transfer->phase = transfer->waits_in_lane ? Phase::kInLine : Phase::kQueued;
  touch_lane(*transfer);
  if (at_head) {
    line.push_front(std::move(transfer));
  } else {
    line.push_back(std::move(transfer));
  }
}

void Loop::touch_lane(const Transfer& transfer) {
  const std::uint64_t lane = transfer.request.lane;
  if (transfer.waits_in_lane && (touched_lanes_.empty() || touched_lanes_.back() != lane))
    touched_lanes_.push_back(lane);
}

void Loop::serve_lanes() {
  for (const std::uint64_t number : std::exchange(touched_lanes_, {})) serve_lane(number);
}

// Lets requests go, first come first served, until one has to wait.
void Loop::serve_lane(std::uint64_t number) {
  std::deque<Owner>& line = lanes_[number];
  while (!line.empty()) {
    Owner head = line.front();
    const std::optional<Result<Duration>> turn = head->held ? ask(*head) : std::nullopt;
    if (turn && *turn && **turn > Duration::zero()) {
      timers_.set(*head, now() + std::min(**turn, kLongestWait));
      return;
    }
    line.pop_front();
    timers_.unset(*head);
    if (!turn) {
      if (head->held) forget(*head);
    } else if (*turn) {
      head->phase = Phase::kQueued;
      queue_.push_back(std::move(head));
    } else {
      settle(std::move(head), std::unexpected(turn->error()));
    }
  }
  lanes_.erase(number);
}

// What the handler says when it is its turn; nothing when nobody waits for the answer any more.
std::optional<Result<Duration>> Loop::ask(Transfer& transfer) {
  if (!transfer.gate.try_enter()) return std::nullopt;
  Result<Duration> turn = transfer.handler.on_turn();
  if (transfer.gate.leave()) return turn;
  transfer.handler = {};
  return std::nullopt;
}

void Loop::admit() {
  if (queue_.empty() || now() < admit_at_) return;
  while (!queue_.empty() && in_flight_ < descriptor_limit_) {
    Owner transfer = std::move(queue_.front());
    queue_.pop_front();
    begin(std::move(transfer));
  }
}

void Loop::begin(Owner transfer) {
  if (!transfer->held || transfer->gate.closed())
    return;  // its cancellation is on the way, if it is not here
  const Origin origin = origin_of(transfer->request.url);
  transfer->started = transfer->progressed = now();
  if (needs_lookup(origin)) {
    const auto turn = lookups_.take_turn(origin.host, transfer, transfer->started);
    if (turn == Lookups<Owner>::Turn::kWait) return;
    transfer->leads = turn == Lookups<Owner>::Turn::kLead;
    if (transfer->leads) leaders_.push_back(transfer);
  }
  attach(transfer, origin.scheme == "https");
  if (Result<void> aimed = transfer->easy->aim(*transfer); !aimed) {
    detach(*transfer);
    settle(std::move(transfer), std::unexpected(std::move(aimed.error())));
    return;
  }
  transfer->multi = &multi_with_room();
  transfer->multi->add(transfer->easy->get());
  timers_.set(*transfer, first_deadline(*transfer));  // moved on when it comes
}

// Gives the transfer a slot and an easy handle.
void Loop::attach(const Owner& transfer, bool tls) {
  transfer->phase = Phase::kConnecting;
  transfer->opened_socket = transfer->starved = transfer->ended = false;
  transfer->head_told = false;
  transfer->body_bytes = 0;
  std::vector<std::unique_ptr<Easy>>& idle = idle_easies_[tls ? 1 : 0];
  if (idle.empty()) {
    transfer->easy = std::make_unique<Easy>(sockets_, share_, trust_, tls);
  } else {
    transfer->easy = std::move(idle.back());
    idle.pop_back();
  }
  most_in_flight_ = std::max(most_in_flight_, ++in_flight_);
  ++attempts_;
}

// Takes the transfer out of libcurl and off the timers, wherever it is.
void Loop::detach(Transfer& transfer) {
  timers_.unset(transfer);
  if (!transfer.in_flight()) return;
  finish_lookup(transfer, nullptr);
  if (transfer.multi != nullptr) transfer.multi->remove(transfer.easy->get(), transfer.ended);
  transfer.multi = nullptr;
  std::vector<std::unique_ptr<Easy>>& idle = idle_easies_[transfer.easy->tls() ? 1 : 0];
  if (idle.size() < kIdleEasies) idle.push_back(std::move(transfer.easy));
  transfer.easy = nullptr;
  --in_flight_;
}

void Loop::serve_multis() {
  const TimePoint at = now();
  for (const auto& multi : multis_) {
    if (multi->wake_at() <= at) multi->on_time();
    while (const auto finished = multi->try_finished()) {
      const Transfer& transfer = Easy::transfer_of(finished->handle);
      finish(transfers_[transfer.slot], finished->code);
    }
  }
}

void Loop::finish(const Owner& transfer, CURLcode code) {
  Owner owner = transfer;
  owner->ended = true;
  if (owner->starved && code == CURLE_COULDNT_CONNECT) {
    wait_for_descriptors(owner);
    return;
  }
  descriptor_limit_ = std::min(descriptor_limit_ + 1, max_in_flight_);
  if (code == CURLE_OK) {
    detach(*owner);
    Response response = std::exchange(owner->response, {});
    settle(std::move(owner), std::move(response));
    return;
  }
  Error error = owner->failure ? std::move(*owner->failure) : owner->easy->describe(code);
  finish_lookup(*owner, code == CURLE_COULDNT_RESOLVE_HOST ? &error : nullptr);
  detach(*owner);
  settle(std::move(owner), std::unexpected(std::move(error)));
}

// Tells the handler, and either lets the transfer go or arranges for it to be sent again.
void Loop::settle(Owner transfer, Result<Response> result) {
  const bool final = !result && (result.error().kind == ErrorKind::kCancelled ||
                                 result.error().kind == ErrorKind::kInternal);
  if (!transfer->gate.try_enter()) {
    forget(*transfer);
    return;
  }
  publish_counts();  // so that who hears of the outcome finds it counted
  const std::optional<Duration> delay = transfer->handler.on_done(std::move(result));
  if (!delay || final) {
    transfer->handler = {};
    transfer->gate.leave_closed();
    forget(*transfer);
    return;
  }
  if (!transfer->gate.leave()) {
    transfer->handler = {};
    forget(*transfer);
    return;
  }
  touch_lane(*transfer);
  transfer->phase = Phase::kDelayed;
  transfer->response = {};
  transfer->failure.reset();
  timers_.set(*transfer, now() + std::max(*delay, Duration::zero()));
}

// The mailbox is closed: what it still holds is settled like the rest.
void Loop::settle_all(const Error& error) {
  for (Command& command : mailbox_->take().commands) accept(command);
  queue_.clear();
  lanes_.clear();
  touched_lanes_.clear();
  leaders_.clear();
  while (!transfers_.empty()) {
    Owner transfer = transfers_.back();
    transfer->leads = false;
    detach(*transfer);
    settle(std::move(transfer), std::unexpected(error));
  }
}

// No answer is late that came in time and only waits to be read, because this thread was busy or had no
// processor: the clock is that of what has been heard.
void Loop::serve_timers() {
  const TimePoint at = sockets_.heard_until();
  while (!timers_.empty() && timers_.soonest().deadline <= at) {
    on_timer(transfers_[static_cast<Transfer&>(timers_.soonest()).slot], at);
  }
}

void Loop::on_timer(const Owner& transfer, TimePoint at) {
  Owner owner = transfer;
  if (owner->phase == Phase::kDelayed) {
    timers_.unset(*owner);
    join_line(std::move(owner), true);
    return;
  }
  if (owner->phase == Phase::kInLine) {
    timers_.unset(*owner);
    touch_lane(*owner);
    return;
  }
  if (const TimePoint due = deadline(*owner); at < due) {
    timers_.set(*owner, due);
    return;
  }
  Error error = timeout_error(*owner, at);
  if (owner->multi != nullptr) owner->multi->note_silence(origin_of(owner->request.url).scheme == "https");
  detach(*owner);
  settle(std::move(owner), std::unexpected(std::move(error)));
}

// Lets those go who waited for a leader that has its connection now.
void Loop::serve_leaders() {
  for (std::size_t i = 0; i < leaders_.size();) {
    const Owner leader = leaders_[i];
    if (leader->leads && leader->phase != Phase::kConnecting) finish_lookup(*leader, nullptr);
    if (leader->leads) {
      ++i;
    } else {
      leaders_.erase(leaders_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
}

// Ends the transfer's lead, if it has one. With an error, the name cannot be found, for nobody who waited.
void Loop::finish_lookup(Transfer& transfer, const Error* error) {
  if (!std::exchange(transfer.leads, false)) return;
  const bool found = error == nullptr && transfer.opened_socket;
  std::vector<Owner> waiters = lookups_.finish(origin_of(transfer.request.url).host, found, now());
  if (error == nullptr) {
    queue_.insert(queue_.begin(), waiters.begin(), waiters.end());
    return;
  }
  for (Owner& waiter : waiters) {
    if (waiter->held) settle(std::move(waiter), std::unexpected(*error));
  }
}

// The process has run out of descriptors: the transfer goes back to the head of the queue, and no more
// start than are in flight now until one finishes. Connections that idle in unused pools are closed.
void Loop::wait_for_descriptors(const Owner& transfer) {
  detach(*transfer);
  transfer->phase = Phase::kQueued;
  queue_.push_front(transfer);
  descriptor_limit_ = std::max<std::size_t>(in_flight_, 1);
  if (in_flight_ == 0) admit_at_ = now() + kDescriptorRetry;
  drop_idle_multis_ = true;
}

Multi& Loop::multi_with_room() {
  for (const auto& multi : multis_) {
    if (multi->size() < kTransfersPerMulti && !multi->retired()) return *multi;
  }
  multis_.push_back(std::make_unique<Multi>(sockets_, static_cast<long>(kTransfersPerMulti)));
  return *multis_.back();
}

void Loop::hold(const Owner& transfer) {
  transfer->held = true;
  transfer->slot = transfers_.size();
  transfers_.push_back(transfer);
}

// Handles may live on for long: what they share with the loop gives up its memory now.
void Loop::forget(Transfer& transfer) {
  touch_lane(transfer);
  transfer.held = false;
  transfer.request = {};
  transfer.response = {};
  transfers_.back()->slot = transfer.slot;
  const Owner last = std::exchange(transfers_[transfer.slot], std::move(transfers_.back()));
  transfers_.pop_back();
}

void Loop::publish_counts() {
  counters_.in_flight.store(in_flight_, std::memory_order_relaxed);
  counters_.waiting.store(transfers_.size() - in_flight_, std::memory_order_relaxed);
  counters_.most_in_flight.store(most_in_flight_, std::memory_order_relaxed);
  counters_.attempts.store(attempts_, std::memory_order_relaxed);
  counters_.connections.store(sockets_.opened_count(), std::memory_order_relaxed);
}

ReactorStats Loop::stats() const {
  return {.in_flight = counters_.in_flight.load(std::memory_order_relaxed),
          .waiting = counters_.waiting.load(std::memory_order_relaxed),
          .most_in_flight = counters_.most_in_flight.load(std::memory_order_relaxed),
          .attempts = counters_.attempts.load(std::memory_order_relaxed),
          .connections = counters_.connections.load(std::memory_order_relaxed)};
}

}  // namespace xcs::net
