// The yardstick of net_bench: libcurl's multi interface driven by epoll, with nothing on top.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace xcs::bench {

struct RawLoad {
  std::string url;
  std::string body;
  std::size_t total;                      // requests to send
  std::size_t in_flight;                  // how many at once
  std::function<void()> on_first_answer;  // called once
};

// Sends the load on this thread; returns how many requests did not end with status 200.
std::size_t run_raw_curl(const RawLoad& load);

}  // namespace xcs::bench
