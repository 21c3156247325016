// One libcurl multi handle: a set of transfers and a pool of connections.
#pragma once

#include <curl/curl.h>

#include <cstddef>
#include <optional>

#include "base/clock.h"

namespace xcs::net {

class Sockets;

// Used from the loop's thread alone.
class Multi {
 public:
  // Keeps at most `connections` connections alive.
  Multi(Sockets& sockets, long connections);
  ~Multi();  // every handle has been removed before
  Multi(const Multi&) = delete;
  Multi& operator=(const Multi&) = delete;

  void add(CURL* handle);
  void remove(CURL* handle);
  std::size_t size() const { return size_; }

  // Lets libcurl act on a socket's events, or on the time that has passed.
  void on_socket(int fd, int curl_events);
  void on_time();
  // When libcurl wants on_time to be called; TimePoint::max() when it does not.
  TimePoint wake_at() const { return wake_at_; }

  struct Finished {
    CURL* handle;
    CURLcode code;
  };
  // The next transfer that has ended since the last call; it still has to be removed.
  std::optional<Finished> try_finished();

 private:
  static int set_socket(CURL*, curl_socket_t fd, int what, void* multi, void*);
  static int set_timer(CURLM*, long milliseconds, void* multi);

  Sockets& sockets_;
  CURLM* const handle_;
  std::size_t size_ = 0;
  TimePoint wake_at_ = TimePoint::max();
};

}  // namespace xcs::net
