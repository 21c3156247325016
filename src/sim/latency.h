#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

#include "sim/fault.h"

namespace xcs::sim {

// How slow and how unreliable the provider is. Rates are probabilities in [0, 1], of one request unless it
// says otherwise; at most one fault befalls a request, so they add up to at most 1.
struct Weather {
  std::optional<double> fixed_ms;  // the first byte comes after exactly this long
  double first_byte_ms = 600;      // median of the log-normal time to the first byte
  double first_byte_sigma = 0.32;
  double tokens_per_second = 90;  // median of the log-normal rate; 0: all tokens at once
  double rate_sigma = 0.25;
  double straggler_rate = 0;  // `straggler_factor` times slower
  double straggler_factor = 10;
  double error_rate = 0;                    // 500, or 503 or 529 for an overloaded server, in equal parts
  double stall_ms = 30'000;                 // how long kStall and kLate pause, and how long a kTrickle takes
  std::array<double, kFaultCount> rates{};  // of each other fault, by Fault
  double slow_read_rate = 0;                // of connections: the server reads them slowly
  double slow_read_bytes = 10'000;          // a second, from such a one

  double& rate(Fault fault) { return rates[static_cast<std::size_t>(fault)]; }
};

// Every answer complete after exactly `ms`, without faults.
Weather fixed_latency(double ms);

// The weather of an ordinary day, of a bad day, and of a provider's incident.
Weather good_weather();
Weather bad_weather();
Weather incident_weather();

// What happens to one request.
struct Fate {
  Fault fault = Fault::kNone;
  std::chrono::nanoseconds first_byte{0};
  std::chrono::nanoseconds per_token{0};
  double position = 0;  // where in the answer the fault strikes, in [0, 1)
};

// A pure function of its arguments. `ordinal` counts the earlier requests with the same hash, so that a
// repeated request meets another fate.
Fate draw_fate(const Weather& weather, std::uint64_t seed, std::uint64_t hash, std::uint64_t ordinal);

}  // namespace xcs::sim
