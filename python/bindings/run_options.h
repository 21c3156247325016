// What a run is given besides its function and arguments.
#pragma once

#include "ledger.h"
#include "objects.h"
#include "window/run.h"

namespace xcs::python {

struct RunOptions {
  window::Options window;
  CallOptions calls;
  nb::object journal = nb::none(), cache = nb::none();  // as in xcs.Config

  bool records() const { return !journal.is_none() || !cache.is_none(); }
};

}  // namespace xcs::python
