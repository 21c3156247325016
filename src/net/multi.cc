#include "net/multi.h"

#include <chrono>
#include <utility>

#include "base/check.h"
#include "net/sockets.h"

namespace xcs::net {
namespace {

void check(CURLMcode code) { XCS_CHECK(code == CURLM_OK, curl_multi_strerror(code)); }

}  // namespace

Multi::Multi(Sockets& sockets, long connections) : sockets_(sockets), handle_(curl_multi_init()) {
  XCS_CHECK(handle_ != nullptr);
  check(curl_multi_setopt(handle_, CURLMOPT_SOCKETFUNCTION, &Multi::set_socket));
  check(curl_multi_setopt(handle_, CURLMOPT_SOCKETDATA, this));
  check(curl_multi_setopt(handle_, CURLMOPT_TIMERFUNCTION, &Multi::set_timer));
  check(curl_multi_setopt(handle_, CURLMOPT_TIMERDATA, this));
  check(curl_multi_setopt(handle_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX)));
  check(curl_multi_setopt(handle_, CURLMOPT_MAXCONNECTS, connections));
}

Multi::~Multi() { curl_multi_cleanup(handle_); }

int Multi::set_socket(CURL*, curl_socket_t fd, int what, void* multi, void*) {
  auto& self = *static_cast<Multi*>(multi);
  self.sockets_.watch(fd, what, &self);
  std::erase(self.watched_, fd);
  if (what != CURL_POLL_REMOVE) self.watched_.push_back(fd);
  return 0;
}

int Multi::set_timer(CURLM*, long milliseconds, void* multi) {
  auto& self = *static_cast<Multi*>(multi);
  self.wake_at_ = milliseconds < 0
                      ? TimePoint::max()
                      : std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  return 0;
}

void Multi::add(CURL* handle) {
  check(curl_multi_add_handle(handle_, handle));
  ++size_;
  owes_reset_ = false;
}

void Multi::remove(CURL* handle, bool ended) {
  check(curl_multi_remove_handle(handle_, handle));
  --size_;
  owes_reset_ = owes_reset_ || (!ended && !http1_answers_);
}

// libcurl 7.88 may read a part of an HTTP/2 answer, or its end, while it serves another transfer of the
// connection, and then forget that it has it. It finds what it has when it is told that there is more to
// read; so it is told until nothing comes of it.
void Multi::act(int fd, int curl_events) {
  int running = 0;
  progress_ = false;
  check(curl_multi_socket_action(handle_, fd, curl_events, &running));
  while (http2_answers_ && std::exchange(progress_, false)) {
    for (const int watched : std::vector(watched_))
      check(curl_multi_socket_action(handle_, watched, CURL_CSELECT_IN, &running));
  }
}

void Multi::on_socket(int fd, int curl_events) { act(fd, curl_events); }

void Multi::on_time() {
  wake_at_ = TimePoint::max();
  act(CURL_SOCKET_TIMEOUT, 0);
}

std::optional<Multi::Finished> Multi::try_finished() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(handle_, &left)) {
    if (message->msg == CURLMSG_DONE) return Finished{message->easy_handle, message->data.result};
  }
  return std::nullopt;
}

}  // namespace xcs::net
