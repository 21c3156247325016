// Stands between an iterator and what it was made over, and tells whether anybody has asked for an item.
#pragma once

#include "objects.h"

namespace xcs::python {

// An iterator over `iterable`; what making an iterator of it raises is thrown.
nb::object make_witness(PyObject* iterable);

// Whether `witness` has one holder besides the caller's, and has not been asked for anything.
bool is_unasked(PyObject* witness);

}  // namespace xcs::python
