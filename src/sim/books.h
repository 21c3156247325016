#pragma once

#include <cstdint>
#include <unordered_map>

#include "sim/script.h"
#include "sim/sim_stats.h"

namespace xcs::sim {

// What a server has seen: its counters, and which requests came before. Used by one thread at a time.
class Books {
 public:
  SimStats& stats() { return stats_; }

  // A request has come whose canonical body has this hash; returns how many such came before.
  std::uint64_t note(std::uint64_t hash);

  // The script is the answer to a noted request, which is in flight until end().
  void begin(Script& script, std::uint64_t hash);

  // A script is over; `complete` is false if the client left before its answer was complete. Of a script that
  // begin() was not told of, nothing is counted.
  void end(const Script& script, bool complete);

  // All counters to 0 and no request seen; what is in flight stays.
  void clear();

 private:
  struct Seen {
    std::uint64_t count = 0;
    bool answered = false;  // well and in full
  };

  SimStats stats_;
  std::unordered_map<std::uint64_t, Seen> seen_;  // by canonical hash
};

}  // namespace xcs::sim
