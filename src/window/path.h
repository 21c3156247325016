// Names calls by where they stand in the program's execution.
#pragma once

#include "window/item.h"

namespace xcs::window {

// See Note [call paths]. REQUIRES: the entry's node stands in a region
CallPath path_of(const Entry& entry);

}  // namespace xcs::window
