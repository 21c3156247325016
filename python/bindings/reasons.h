// The reason registry, for reports.
#pragma once

#include "objects.h"

namespace xcs::python {

void bind_reasons(nb::module_& m);

}  // namespace xcs::python
