// How long answers take, as far as the last few hundred tell.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "base/clock.h"

namespace xcs::llm {

class Latencies {
 public:
  static constexpr std::size_t kFewest = 20;

  void add(Duration latency) {
    seen_[count_++ % seen_.size()] = latency;
    if (count_ % kRefresh == 0) known_for_ = -1;
  }

  // The share `percentile`, from (0, 1), of answers came sooner than this; nothing after fewer than kFewest.
  std::optional<Duration> at(double percentile) {
    if (count_ < kFewest) return std::nullopt;
    if (known_for_ == percentile) return known_;
    const std::size_t size = std::min(count_, seen_.size());
    std::vector<Duration> sorted(seen_.begin(), seen_.begin() + static_cast<std::ptrdiff_t>(size));
    const auto rank = std::min(static_cast<std::size_t>(percentile * static_cast<double>(size)), size - 1);
    std::ranges::nth_element(sorted, sorted.begin() + static_cast<std::ptrdiff_t>(rank));
    known_for_ = percentile;
    known_ = sorted[rank];
    return known_;
  }

  // What the slower of the answers took on the average; nothing when none was slower than this.
  std::optional<Duration> mean_beyond(Duration latency) const {
    Duration sum{};
    int slower = 0;
    for (std::size_t i = 0; i < std::min(count_, seen_.size()); ++i) {
      if (seen_[i] <= latency) continue;
      sum += seen_[i];
      ++slower;
    }
    return slower == 0 ? std::nullopt : std::optional(sum / slower);
  }

 private:
  static constexpr std::size_t kRefresh = 16;
  std::array<Duration, 512> seen_{};
  std::size_t count_ = 0;
  double known_for_ = -1;  // the percentile that known_ is of, while it is fresh
  Duration known_{};
};

}  // namespace xcs::llm
