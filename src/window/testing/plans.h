// The ways in which each generated program is run.
#pragma once

#include <vector>

#include "window/testing/checker.h"

namespace xcs::window::toy {

// Options in every position, with latencies that make calls finish in different orders.
inline std::vector<Plan> plans(std::uint64_t seed) {
  std::vector<Plan> all(12);
  // A loop that lengthens the list it runs over goes on until something fails or the window is full.
  for (Plan& p : all) p.options.window = 400;
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].seed = seed * 31 + i;
    all[i].longest = i % 2 == 0 ? 20 : 3;
  }
  all[1].longest = 1;
  all[2].options.forward = false;
  all[3].options.summaries = false;
  all[4].options.max_in_flight = 1;
  all[5].options.max_in_flight = 2;
  all[6].options.window = 1 + static_cast<std::uint32_t>(seed % 12);
  all[7].options.forward = all[7].options.summaries = false;
  all[7].options.window = 5;
  for (std::size_t i = 8; i < 12; ++i) all[i].options.speculate = static_cast<std::uint32_t>(1 + seed % 5);
  all[9].longest = 1;
  all[10].options.max_in_flight = 2;
  all[11].options.forward = all[11].options.summaries = false;
  all[11].options.window = 1 + static_cast<std::uint32_t>(seed % 12);
  return all;
}

}  // namespace xcs::window::toy
