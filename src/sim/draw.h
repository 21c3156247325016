#pragma once

#include <cstdint>
#include <string_view>

namespace xcs::sim {

// Spreads every bit of `x` over the whole result; a bijection on 64 bits.
std::uint64_t mix(std::uint64_t x);

// Hash of `bytes` under `seed`, the same in every process and on every little-endian machine.
std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed);

// A stream of random draws that is a pure function of its key.
class Draw {
 public:
  explicit Draw(std::uint64_t key) : state_(key) {}

  std::uint64_t next();
  // Uniform in [0, 1).
  double unit();
  // Uniform in [0, bound), which must not be empty, but for a bias below bound / 2^64.
  std::uint64_t below(std::uint64_t bound);
  // True with probability p.
  bool chance(double p);
  // Log-normal with the given median and sigma of the logarithm.
  double log_normal(double median, double sigma);

 private:
  std::uint64_t state_;
};

}  // namespace xcs::sim
