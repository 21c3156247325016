// Makes a failing scenario smaller.
#pragma once

#include <functional>

#include "window/testing/scenario.h"

namespace xcs::window::toy {

// The smallest scenario found that still fails, by taking away nodes and putting bodies in the place of
// control nodes. REQUIRES: fails(scenario)
Scenario shrink(Scenario scenario, const std::function<bool(const Scenario&)>& fails);

}  // namespace xcs::window::toy
