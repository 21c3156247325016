#include "net/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "base/check.h"

namespace xcs::net {

Mailbox::Mailbox() : wakeup_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { XCS_CHECK(wakeup_ >= 0, errno); }

Mailbox::~Mailbox() { ::close(wakeup_); }

void Mailbox::wake() {
  if (std::exchange(signalled_, true)) return;
  const std::uint64_t one = 1;
  const auto written = ::write(wakeup_, &one, sizeof one);
  XCS_CHECK(written == sizeof one, errno);
}

bool Mailbox::try_post(Command command) {
  MutexLock lock(mutex_);
  if (closed_) return false;
  const bool urgent = command.kind != Command::Kind::kCancel || !resting_;
  commands_.push_back(std::move(command));
  // The loop looks here before it waits.
  if (urgent && std::this_thread::get_id() != runner) wake();
  return true;
}

void Mailbox::close() {
  MutexLock lock(mutex_);
  closed_ = true;
  wake();
  taken_.notify_all();
}

// What one take delivers is done when the next one begins.
void Mailbox::catch_up() {
  MutexLock lock(mutex_);
  const std::uint64_t done = takes_ + (commands_.empty() ? 1 : 2);
  ++waiting_;
  wake();
  while (takes_ < done && !closed_) taken_.wait(lock);
  --waiting_;
}

Mailbox::Delivery Mailbox::take() {
  MutexLock lock(mutex_);
  ++takes_;
  if (waiting_ > 0) taken_.notify_all();
  if (std::exchange(signalled_, false)) {
    std::uint64_t count = 0;
    const auto got = ::read(wakeup_, &count, sizeof count);
    XCS_CHECK(got == sizeof count, errno);
  }
  Delivery delivery{std::exchange(commands_, {}), closed_, false};
  delivery.cancels = std::ranges::any_of(delivery.commands,
                                         [](const Command& c) { return c.kind == Command::Kind::kCancel; });
  resting_ = delivery.cancels;
  return delivery;
}

bool Mailbox::has_urgent() {
  MutexLock lock(mutex_);
  if (waiting_ > 0) return true;
  return std::ranges::any_of(commands_, [resting = resting_](const Command& c) {
    return c.kind != Command::Kind::kCancel || !resting;
  });
}

}  // namespace xcs::net
