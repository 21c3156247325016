#include "net/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

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
  commands_.push_back(std::move(command));
  // The loop looks here before it waits.
  if (std::this_thread::get_id() != runner) wake();
  return true;
}

void Mailbox::close() {
  MutexLock lock(mutex_);
  closed_ = true;
  wake();
}

Mailbox::Delivery Mailbox::take() {
  MutexLock lock(mutex_);
  if (std::exchange(signalled_, false)) {
    std::uint64_t count = 0;
    const auto got = ::read(wakeup_, &count, sizeof count);
    XCS_CHECK(got == sizeof count, errno);
  }
  return {std::exchange(commands_, {}), closed_};
}

bool Mailbox::empty() {
  MutexLock lock(mutex_);
  return commands_.empty();
}

}  // namespace xcs::net
