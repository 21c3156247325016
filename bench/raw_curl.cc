#include "raw_curl.h"

#include <curl/curl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <memory>
#include <vector>

namespace xcs::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Slot {
  CURL* easy = nullptr;
  std::string answer;
};

class RawCurl {
 public:
  explicit RawCurl(const RawLoad& load)
      : load_(load), epoll_(epoll_create1(EPOLL_CLOEXEC)), multi_(curl_multi_init()) {
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &RawCurl::set_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &RawCurl::set_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(load.in_flight));
    headers_ = curl_slist_append(nullptr, "Content-Type: application/json");
  }
  ~RawCurl() {
    for (const auto& slot : slots_) curl_easy_cleanup(slot->easy);
    curl_multi_cleanup(multi_);
    curl_slist_free_all(headers_);
    close(epoll_);
  }

  std::size_t run() {
    while (slots_.size() < std::min(load_.in_flight, load_.total)) open_slot();
    int running = 0;
    while (finished_ < load_.total) {
      std::array<epoll_event, 256> events;
      const int count = epoll_wait(epoll_, events.data(), events.size(), milliseconds_left());
      if (milliseconds_left() == 0) {
        due_ = Clock::time_point::max();
        curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
      }
      for (int i = 0; i < count; ++i) {
        const unsigned happened = events[static_cast<std::size_t>(i)].events;
        const int action = (happened & EPOLLIN ? CURL_CSELECT_IN : 0) |
                           (happened & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                           (happened & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
        curl_multi_socket_action(multi_, events[static_cast<std::size_t>(i)].data.fd, action, &running);
      }
      collect();
    }
    return failed_;
  }

 private:
  static std::size_t take(char* data, std::size_t, std::size_t size, void* slot) {
    static_cast<Slot*>(slot)->answer.append(data, size);
    return size;
  }
  static int set_socket(CURL*, curl_socket_t fd, int what, void* self, void* known) {
    auto& raw = *static_cast<RawCurl*>(self);
    epoll_event event{};
    event.data.fd = fd;
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    if (what == CURL_POLL_REMOVE) {
      epoll_ctl(raw.epoll_, EPOLL_CTL_DEL, fd, &event);
    } else {
      epoll_ctl(raw.epoll_, known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
      curl_multi_assign(raw.multi_, fd, self);
    }
    return 0;
  }
  static int set_timer(CURLM*, long milliseconds, void* self) {
    static_cast<RawCurl*>(self)->due_ =
        milliseconds < 0 ? Clock::time_point::max() : Clock::now() + std::chrono::milliseconds(milliseconds);
    return 0;
  }
  int milliseconds_left() const {
    if (due_ == Clock::time_point::max()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due_ - Clock::now()).count();
    return left < 0 ? 0 : static_cast<int>(left);
  }

  void open_slot() {
    Slot& slot = *slots_.emplace_back(std::make_unique<Slot>());
    slot.easy = curl_easy_init();
    curl_easy_setopt(slot.easy, CURLOPT_URL, load_.url.c_str());
    curl_easy_setopt(slot.easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(slot.easy, CURLOPT_HTTPHEADER, headers_);
    curl_easy_setopt(slot.easy, CURLOPT_POSTFIELDS, load_.body.data());
    curl_easy_setopt(slot.easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(load_.body.size()));
    curl_easy_setopt(slot.easy, CURLOPT_WRITEFUNCTION, &RawCurl::take);
    curl_easy_setopt(slot.easy, CURLOPT_WRITEDATA, &slot);
    curl_easy_setopt(slot.easy, CURLOPT_PRIVATE, &slot);
    send(slot);
  }
  void send(Slot& slot) {
    ++sent_;
    slot.answer.clear();
    curl_multi_add_handle(multi_, slot.easy);
  }
  void collect() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      char* slot = nullptr;
      long status = 0;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot);
      curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
      failed_ += status != 200;
      if (finished_++ == 0) load_.on_first_answer();
      curl_multi_remove_handle(multi_, message->easy_handle);
      if (sent_ < load_.total) send(*reinterpret_cast<Slot*>(slot));
    }
  }

  const RawLoad& load_;
  const int epoll_;
  CURLM* const multi_;
  curl_slist* headers_ = nullptr;
  std::vector<std::unique_ptr<Slot>> slots_;
  Clock::time_point due_ = Clock::time_point::max();
  std::size_t sent_ = 0;
  std::size_t finished_ = 0;
  std::size_t failed_ = 0;
};

}  // namespace

std::size_t run_raw_curl(const RawLoad& load) { return RawCurl(load).run(); }

}  // namespace xcs::bench
