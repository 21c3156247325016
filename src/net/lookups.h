// Lets one call at a time look up a host's name.
#pragma once

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace xcs::net {

// libcurl starts a thread for every name lookup and shares only finished ones. So the first call to a
// host goes ahead and the others wait until it has a connection; from then on the name is in libcurl's
// cache for a while. T is what waits. Used from the loop's thread alone.
template <class T>
class Lookups {
 public:
  // `lifetime` is how long a name that was found stays in the cache.
  explicit Lookups(Duration lifetime) : lifetime_(lifetime) {}

  enum class Turn {
    kGo,    // the name is known
    kLead,  // goes first, and must report with `finish`
    kWait,  // was put in line behind the leader
  };
  Turn take_turn(const std::string& host, const T& call, TimePoint now) {
    Host& entry = hosts_[host];
    if (now < entry.known_until) return Turn::kGo;
    if (std::exchange(entry.led, true)) {
      entry.waiters.push_back(call);
      return Turn::kWait;
    }
    return Turn::kLead;
  }

  // The host's leader reports whether the name is now in the cache. Returns who waited.
  std::vector<T> finish(const std::string& host, bool found, TimePoint now) {
    Host& entry = hosts_[host];
    entry.led = false;
    if (found) entry.known_until = now + lifetime_;
    return std::exchange(entry.waiters, {});
  }

 private:
  struct Host {
    TimePoint known_until{};
    bool led = false;
    std::vector<T> waiters;
  };
  const Duration lifetime_;
  std::unordered_map<std::string, Host> hosts_;
};

}  // namespace xcs::net
