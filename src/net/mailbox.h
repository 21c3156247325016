// How other threads reach the loop.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "net/transfer.h"

namespace xcs::net {

struct Command {
  enum class Kind { kStart, kCancel };
  Kind kind;
  std::shared_ptr<Transfer> transfer;
};

// Shared by the loop and every handle, because a handle may outlive the loop.
class Mailbox {
 public:
  Mailbox();
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // Any thread. False, and the command is dropped, when the mailbox is closed.
  bool try_post(Command command);
  // Any thread: makes the loop's next take return closed = true.
  void close();

  struct Delivery {
    std::vector<Command> commands;
    bool closed;
    bool cancels;  // whether any command is a cancellation
  };
  // The loop's thread. After a delivery of cancellations, no other makes the descriptor readable until the
  // next take: the loop looks for more of them by itself, within kCancelRest. Who gives up ten thousand
  // requests would otherwise compete for the processor with the loop that closes their connections.
  Delivery take();
  static constexpr std::chrono::milliseconds kCancelRest{100};
  // Any thread but the loop's: waits until all that was posted before is done.
  void catch_up();
  // The loop's thread: whether there is mail that must not wait, or somebody waits for what was posted.
  bool has_urgent();

  // Readable, in the sense of poll, when another thread than the runner has posted or closed.
  int descriptor() const { return wakeup_; }

  // The loop's thread; set before any other thread can see the mailbox.
  std::thread::id runner;

 private:
  void wake() XCS_REQUIRES(mutex_);

  const int wakeup_;  // an eventfd
  Mutex mutex_;
  std::condition_variable_any taken_;
  std::vector<Command> commands_ XCS_GUARDED_BY(mutex_);
  std::uint64_t takes_ XCS_GUARDED_BY(mutex_) = 0;
  int waiting_ XCS_GUARDED_BY(mutex_) = 0;  // in catch_up
  bool closed_ XCS_GUARDED_BY(mutex_) = false;
  bool resting_ XCS_GUARDED_BY(mutex_) = false;    // the loop comes back by itself
  bool signalled_ XCS_GUARDED_BY(mutex_) = false;  // the eventfd is readable
};

}  // namespace xcs::net
