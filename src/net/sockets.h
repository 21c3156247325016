// The sockets libcurl watches, on one epoll instance.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/clock.h"

namespace xcs::net {

class Multi;

// Used from the loop's thread alone.
//
// libcurl stops watching a connection whenever it is idle and starts again with the next request. For
// the sockets it opened through `opened`, the registration with the kernel is kept over such pauses and
// given up when an event arrives that nobody watches for; a reused connection then costs no epoll_ctl.
class Sockets {
 public:
  Sockets();
  ~Sockets();
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;

  // Watches a descriptor that belongs to no Multi; its events arrive with `multi` null.
  void watch_wakeup(int fd);

  // From libcurl: tells that a socket was opened, closes one, sets what to watch for (CURL_POLL_*).
  void opened(int fd);
  void close(int fd);
  void watch(int fd, int curl_poll, Multi* multi);

  struct Event {
    int fd;
    int curl_events;  // CURL_CSELECT_*
    Multi* multi;     // who watches; null for a wakeup
  };
  // Waits for events until the deadline. The span lives until the next call.
  std::span<const Event> wait(TimePoint deadline);
  // Whatever had arrived by this moment has been among the events.
  TimePoint heard_until() const { return heard_until_; }

  std::size_t opened_count() const { return opened_count_; }

 private:
  struct Socket {
    Multi* multi = nullptr;
    std::uint32_t wanted = 0;      // epoll events libcurl wants
    std::uint32_t registered = 0;  // epoll events the kernel knows of
    bool ours = false;             // opened and closed through this class
  };
  Socket& at(int fd);
  void register_events(int fd, Socket& socket, std::uint32_t events) const;
  void note_given(std::size_t count);

  static constexpr int kBatch = 256;
  const int epoll_;
  int wakeup_ = -1;
  std::size_t opened_count_ = 0;
  std::vector<Socket> sockets_;  // by descriptor
  std::array<epoll_event, kBatch> ready_;
  std::vector<Event> events_;
  std::size_t given_ = 0;    // events since sweep_began_
  TimePoint sweep_began_{};  // the first wait after heard_until_ was last set
  TimePoint heard_until_ = TimePoint::min();
};

}  // namespace xcs::net
