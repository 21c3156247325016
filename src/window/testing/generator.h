// Random programs of the toy language.
#pragma once

#include <cstdint>

#include "window/testing/scenario.h"

namespace xcs::window::toy {

// A main program, helpers, a method and a closure, well formed, with aliasing, stores, loads, calls of every
// kind, nested control and exits. They may raise anywhere. The same seed gives the same scenario.
Scenario generate(std::uint64_t seed);

}  // namespace xcs::window::toy
