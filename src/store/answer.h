// What an independent call answered, as a file keeps it.
#pragma once

#include <string>

namespace xcs::store {

struct Answer {
  int form = 0;  // how the bytes are to be read; the host's business
  std::string bytes;
};

// Seconds since 1970.
double now();

}  // namespace xcs::store
