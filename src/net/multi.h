// One libcurl multi handle: a set of transfers and a pool of connections.
#pragma once

#include <curl/curl.h>

#include <cstddef>
#include <optional>
#include <vector>

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
  // `ended` is whether the transfer had come to its end by itself.
  void remove(CURL* handle, bool ended);
  std::size_t size() const { return size_; }

  // An answer has begun. HTTP/2 is where transfers share a connection.
  void note_answer(bool http2) { (http2 ? http2_answers_ : http1_answers_) = true; }
  // Something of an answer has come.
  void note_progress() { progress_ = true; }
  // A transfer was given up because nothing came. When its connection may be one that others share, and so
  // may be dead without anyone saying so, no more transfers should be added here, and they get another
  // connection.
  void note_silence(bool tls) { retired_ = retired_ || http2_answers_ || (tls && !http1_answers_); }
  bool retired() const { return retired_; }

  // Whether this is of no more use: nothing is under way, and either nothing may be added, or a server that
  // shares a connection among transfers has not been told that one was given up. libcurl tells it only with
  // the next transfer; closing the connection does, too.
  bool spent() const { return size_ == 0 && (retired_ || owes_reset_); }

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
  void act(int fd, int curl_events);
  static int set_socket(CURL*, curl_socket_t fd, int what, void* multi, void*);
  static int set_timer(CURLM*, long milliseconds, void* multi);

  Sockets& sockets_;
  CURLM* const handle_;
  std::size_t size_ = 0;
  bool http1_answers_ = false;
  bool http2_answers_ = false;
  bool retired_ = false;
  bool owes_reset_ = false;
  bool progress_ = false;     // since it was last looked at
  std::vector<int> watched_;  // what libcurl wants to hear of
  TimePoint wake_at_ = TimePoint::max();
};

}  // namespace xcs::net
