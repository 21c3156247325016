#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "sim/connection.h"
#include "sim/descriptor.h"
#include "sim/sim_service.h"

namespace xcs::sim {

// The server's one thread: accepts connections, reads and writes, and performs what is due, on epoll.
class SimLoop {
 public:
  // `listener` is a listening, non-blocking socket. With `tls`, which may be null, it serves TLS. Throws
  // std::system_error if the system has no room for an epoll.
  SimLoop(Descriptor listener, std::unique_ptr<SimService> service, std::unique_ptr<TlsContext> tls);

  // Serves until stop() is called; then every connection is closed.
  void run();

  // Safe to call from any thread, and before run().
  void stop();

  // Safe to call from any thread.
  SimStats stats();
  std::optional<std::string> problem();

 private:
  struct Slot {
    std::unique_ptr<Connection> connection;
    std::uint32_t generation = 0;  // tells the users of one descriptor number apart
    std::uint32_t interest = 0;    // what epoll watches for
    TimePoint armed{};             // when a timer goes off for it; the epoch: never
  };
  struct Timer {
    TimePoint due;
    int fd;
    std::uint32_t generation;
    bool operator<(const Timer& other) const { return due > other.due; }  // the heap's top is the earliest
  };

  void watch(int fd, std::uint32_t events);
  void on_event(std::uint64_t tag, std::uint32_t events) XCS_REQUIRES(mutex_);
  void on_timer() XCS_REQUIRES(mutex_);
  void on_news() XCS_REQUIRES(mutex_);
  void accept_clients() XCS_REQUIRES(mutex_);
  bool adopt(Descriptor socket) XCS_REQUIRES(mutex_);
  void pause_accepting() XCS_REQUIRES(mutex_);
  void resume_accepting();
  void settle(int fd, Connection::State state) XCS_REQUIRES(mutex_);
  void update_interest(int fd);
  void arm_timer();

  Descriptor epoll_;
  Descriptor listener_;
  Descriptor wake_;
  Descriptor timer_;
  const int news_;         // the descriptor of answers that are still coming in; -1: there are none
  TimePoint timer_set_{};  // when timer_ goes off; the epoch: never
  bool accepting_ = true;
  bool stopping_ = false;
  std::string scratch_;
  const std::unique_ptr<TlsContext> tls_;
  std::vector<Timer> timers_;  // a heap

  Mutex mutex_;  // held by run() except while it waits for events
  const std::unique_ptr<SimService> service_ XCS_GUARDED_BY(mutex_);
  std::vector<Slot> slots_;  // by descriptor; used by run() alone; refers to service_
};

}  // namespace xcs::sim
