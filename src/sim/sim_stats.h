#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <numeric>
#include <string>

#include "sim/fault.h"
#include "sim/limiter.h"

namespace xcs::sim {

// What the server has seen, as GET /sim/stats tells it. Requests for the counters themselves are not counted.
struct SimStats {
  std::uint64_t requests = 0;
  std::uint64_t chat_completions = 0;
  std::uint64_t responses = 0;
  std::uint64_t messages = 0;
  std::uint64_t embeddings = 0;
  std::uint64_t models = 0;
  std::uint64_t unknown_paths = 0;
  std::uint64_t http2_requests = 0;        // of all: came over HTTP/2
  std::map<int, std::uint64_t> by_status;  // answers begun, by HTTP status
  std::uint64_t duplicates = 0;            // requests whose canonical body came before
  std::uint64_t repeats = 0;               // of these: had been answered already, well and in full
  std::uint64_t in_flight = 0;
  std::uint64_t peak_in_flight = 0;
  std::array<std::uint64_t, kLimitKinds> refused{};  // over a limit, by LimitKind
  std::uint64_t refused_after_answer = 0;            // of these: over a limit that an earlier answer had told
  std::array<std::uint64_t, kFaultCount> faults{};   // that struck, by Fault
  std::uint64_t unrecorded = 0;                      // requests to which the recording has no answer
  std::uint64_t abandoned = 0;                       // the client left before the answer was complete
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_open = 0;
  std::uint64_t connections_slow = 0;      // accepted ones that are read slowly
  std::uint64_t descriptor_shortages = 0;  // times accepting paused because no file descriptor was left
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;

  std::uint64_t& of(Fault fault) { return faults[static_cast<std::size_t>(fault)]; }
  std::uint64_t& of(LimitKind kind) { return refused[static_cast<std::size_t>(kind)]; }
  std::uint64_t limit_violations() const {
    return std::accumulate(refused.begin(), refused.end(), std::uint64_t{0});
  }

  // All counters to 0; what is in flight or open stays.
  void clear();
};

std::string stats_json(const SimStats& stats);

}  // namespace xcs::sim
