// What functools.lru_cache makes: compiled code around a function.
#pragma once

#include "objects.h"

namespace xcs::python {

bool is_lru_cache(PyObject* object);

// The function that it calls, as far as its __wrapped__ tells; null when it has none.
nb::object wrapped_by_cache(PyObject* cache);

void bind_cached(nb::module_& m);

}  // namespace xcs::python
