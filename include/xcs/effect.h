// What a callable promises about when it may run.
#pragma once

#include <cstdint>

namespace xcs {

enum class Effect : std::uint8_t {
  // The result depends on the arguments only. Runs on the run's thread as soon as the arguments are there.
  kPure,
  // Reaches outside, and the order does not matter: a request, a read-only tool. Runs on a worker thread as
  // soon as
  // the arguments are there, together with other calls, of itself too.
  kIndependent,
  // Anything else. Runs on the run's thread, exactly once, when everything before it in program order is
  // complete.
  kOrdered,
};

inline constexpr Effect pure = Effect::kPure;
inline constexpr Effect independent = Effect::kIndependent;
inline constexpr Effect ordered = Effect::kOrdered;

}  // namespace xcs
