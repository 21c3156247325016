#include "sim/draw.h"

#include <cmath>
#include <cstring>
#include <numbers>

namespace xcs::sim {

namespace {
constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15ULL;
}

std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebULL;
  x ^= x >> 31;
  return x;
}

std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) {
  std::uint64_t hash = mix(seed + (kGolden * (bytes.size() + 1)));
  while (bytes.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    hash = mix(hash ^ word) + kGolden;
    bytes.remove_prefix(sizeof word);
  }
  std::uint64_t tail = 0;
  if (!bytes.empty()) std::memcpy(&tail, bytes.data(), bytes.size());
  return mix(hash ^ tail);
}

std::uint64_t Draw::next() {
  state_ += kGolden;
  return mix(state_);
}

double Draw::unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

std::uint64_t Draw::below(std::uint64_t bound) { return next() % bound; }

bool Draw::chance(double p) { return unit() < p; }

double Draw::log_normal(double median, double sigma) {
  // Box and Muller's method; 1 - unit() keeps the logarithm's argument above 0.
  const double radius = std::sqrt(-2.0 * std::log(1.0 - unit()));
  const double normal = radius * std::cos(2.0 * std::numbers::pi * unit());
  return median * std::exp(sigma * normal);
}

}  // namespace xcs::sim
