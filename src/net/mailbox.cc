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
  const std::uint64_t one = 1;
  const auto written = ::write(wakeup_, &one, sizeof one);
  XCS_CHECK(written == sizeof one, errno);
}

bool Mailbox::try_post(Command command) {
  MutexLock lock(mutex_);
  if (closed_) return false;
  commands_.push_back(std::move(command));
  if (commands_.size() == 1) wake();
  return true;
}

void Mailbox::close() {
  MutexLock lock(mutex_);
  closed_ = true;
  wake();
}

Mailbox::Delivery Mailbox::take() {
  MutexLock lock(mutex_);
  std::uint64_t count = 0;
  const auto got = ::read(wakeup_, &count, sizeof count);
  XCS_CHECK(got == sizeof count || errno == EAGAIN, errno);
  return {std::exchange(commands_, {}), closed_};
}

}  // namespace xcs::net
