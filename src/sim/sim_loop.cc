#include "sim/sim_loop.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <functional>
#include <span>
#include <system_error>
#include <utility>

namespace xcs::sim {

namespace {

constexpr std::size_t kScratch = 64 * 1024;

Descriptor checked(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return Descriptor(fd);
}

std::uint64_t tag_of(int fd, std::uint32_t generation) {
  return static_cast<std::uint64_t>(generation) << 32 | static_cast<std::uint32_t>(fd);
}

int fd_of(std::uint64_t tag) { return static_cast<int>(tag & 0xffffffffU); }

std::uint32_t generation_of(std::uint64_t tag) { return static_cast<std::uint32_t>(tag >> 32); }

// The steady clock and CLOCK_MONOTONIC are the same clock.
timespec to_timespec(TimePoint time) {
  const auto since_epoch = std::chrono::nanoseconds(time.time_since_epoch()).count();
  return {static_cast<time_t>(since_epoch / 1'000'000'000), static_cast<long>(since_epoch % 1'000'000'000)};
}

}  // namespace

SimLoop::SimLoop(Descriptor listener, std::unique_ptr<SimService> service, std::unique_ptr<TlsContext> tls)
    : epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      listener_(std::move(listener)),
      wake_(checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      timer_(checked(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd_create")),
      news_(service->news_descriptor()),
      scratch_(kScratch, '\0'),
      tls_(std::move(tls)),
      service_(std::move(service)) {
  watch(listener_.get(), EPOLLIN);
  watch(wake_.get(), EPOLLIN);
  watch(timer_.get(), EPOLLIN);
  if (news_ >= 0) watch(news_, EPOLLIN);
}

void SimLoop::watch(int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag_of(fd, 0);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) < 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

void SimLoop::run() {
  constexpr int kRetryAcceptMs = 50;
  std::array<epoll_event, 512> events;
  MutexLock lock(mutex_);
  while (!stopping_) {
    arm_timer();
    lock.unlock();
    const int count =
        ::epoll_wait(epoll_.get(), events.data(), events.size(), accepting_ ? -1 : kRetryAcceptMs);
    lock.lock();
    if (count < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "epoll_wait");
    const std::span ready(events.data(), static_cast<std::size_t>(std::max(count, 0)));
    for (const epoll_event& event : ready) on_event(event.data.u64, event.events);
    if (!accepting_) resume_accepting();
  }
  service_->close();
  slots_.clear();
}

void SimLoop::stop() {
  const std::uint64_t one = 1;
  // The counter of an eventfd takes this write unless 2^64 - 2 stops came before.
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

SimStats SimLoop::stats() {
  const MutexLock lock(mutex_);
  return service_->stats();
}

std::optional<std::string> SimLoop::problem() {
  const MutexLock lock(mutex_);
  return service_->problem();
}

void SimLoop::on_event(std::uint64_t tag, std::uint32_t events) {
  const int fd = fd_of(tag);
  const std::uint32_t generation = generation_of(tag);
  if (generation == 0) {
    if (fd == listener_.get()) accept_clients();
    if (fd == timer_.get()) on_timer();
    if (fd == news_) on_news();
    if (fd == wake_.get()) stopping_ = true;
    return;
  }
  Slot& slot = slots_[static_cast<std::size_t>(fd)];
  if (slot.generation != generation || !slot.connection) return;
  const TimePoint now = std::chrono::steady_clock::now();
  Connection::State state = Connection::State::kOpen;
  if ((events & EPOLLOUT) != 0u) state = slot.connection->on_writable(now);
  if (state == Connection::State::kOpen && ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0u)) {
    state = slot.connection->on_readable(scratch_, now);
  }
  settle(fd, state);
}

void SimLoop::on_timer() {
  std::uint64_t expirations = 0;
  // Nothing to read means that the timer was set anew since the event; the heap decides either way.
  [[maybe_unused]] const ssize_t count = ::read(timer_.get(), &expirations, sizeof expirations);
  timer_set_ = TimePoint{};
  const TimePoint now = std::chrono::steady_clock::now();
  while (!timers_.empty() && timers_.front().due <= now) {
    const Timer timer = timers_.front();
    std::ranges::pop_heap(timers_, std::less<>());
    timers_.pop_back();
    Slot& slot = slots_[static_cast<std::size_t>(timer.fd)];
    if (slot.generation != timer.generation || !slot.connection || slot.armed != timer.due) continue;
    slot.armed = TimePoint{};
    settle(timer.fd, slot.connection->on_time(now));
  }
}

// Answers that are still coming in have grown: lets their connections send.
void SimLoop::on_news() {
  const TimePoint now = std::chrono::steady_clock::now();
  for (const std::uint64_t caller : service_->take_news()) {
    const int fd = fd_of(caller);
    Slot& slot = slots_[static_cast<std::size_t>(fd)];
    if (slot.generation != generation_of(caller) || !slot.connection) continue;
    settle(fd, slot.connection->on_time(now));
  }
}

void SimLoop::accept_clients() {
  while (true) {
    Descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno != EAGAIN) pause_accepting();
      return;
    }
    if (!adopt(std::move(socket))) {
      pause_accepting();
      return;
    }
  }
}

bool SimLoop::adopt(Descriptor socket) {
  const int fd = socket.get();
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (slots_.size() <= static_cast<std::size_t>(fd)) slots_.resize(static_cast<std::size_t>(fd) + 1);
  Slot& slot = slots_[static_cast<std::size_t>(fd)];
  if (++slot.generation == 0) ++slot.generation;
  slot.interest = EPOLLIN;
  slot.armed = TimePoint{};
  epoll_event event{};
  event.events = slot.interest;
  const std::uint64_t tag = tag_of(fd, slot.generation);
  event.data.u64 = tag;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) < 0) return false;
  slot.connection =
      std::make_unique<Connection>(std::move(socket), *service_, service_->next_read_rate(), tls_.get(), tag);
  ++service_->stats().connections_accepted;
  ++service_->stats().connections_open;
  return true;
}

// Out of descriptors or memory: clients wait in the backlog until a connection closes or the system recovers.
void SimLoop::pause_accepting() {
  epoll_event event{};
  event.data.u64 = tag_of(listener_.get(), 0);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, listener_.get(), &event);
  accepting_ = false;
  ++service_->stats().descriptor_shortages;
}

void SimLoop::resume_accepting() {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = tag_of(listener_.get(), 0);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, listener_.get(), &event);
  accepting_ = true;
}

// After a connection has worked: destroys it, or makes sure that it is called again when it has to be.
void SimLoop::settle(int fd, Connection::State state) {
  Slot& slot = slots_[static_cast<std::size_t>(fd)];
  if (state == Connection::State::kClosed) {
    slot.connection.reset();
    --service_->stats().connections_open;
    return;
  }
  update_interest(fd);
  const auto due = slot.connection->next_due();
  if (!due || *due == slot.armed) return;
  slot.armed = *due;
  timers_.push_back({*due, fd, slot.generation});
  std::ranges::push_heap(timers_, std::less<>());
}

void SimLoop::update_interest(int fd) {
  Slot& slot = slots_[static_cast<std::size_t>(fd)];
  const std::uint32_t interest =
      (slot.connection->wants_read() ? EPOLLIN : 0U) | (slot.connection->wants_write() ? EPOLLOUT : 0U);
  if (interest == slot.interest) return;
  slot.interest = interest;
  epoll_event event{};
  event.events = interest;
  event.data.u64 = tag_of(fd, slot.generation);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void SimLoop::arm_timer() {
  if (timers_.empty() || timers_.front().due == timer_set_) return;
  timer_set_ = timers_.front().due;
  itimerspec when{};
  when.it_value = to_timespec(timer_set_);
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

}  // namespace xcs::sim
