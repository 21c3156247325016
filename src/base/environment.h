// Environment variables.
#pragma once

#include <cstdlib>

namespace xcs {

// The variable's value, or null when it is not set; valid until the environment changes. The library never
// changes it.
inline const char* environment_variable(const char* name) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): a race only with whoever changes the environment
  return std::getenv(name);
}

}  // namespace xcs
