// Runs that stop in between: those of coroutine functions, which an event loop drives, and those of generator
// functions, which their consumer drives.
#pragma once

#include "objects.h"
#include "run_options.h"

namespace xcs::python {

bool is_coroutine_function(PyObject* function);
bool is_generator_function(PyObject* function);

// What calling a jitted coroutine or generator function gives: a coroutine or generator that has not started.
// `function` is that of `jitted`. Throws nb::python_error when the arguments do not fit.
nb::object make_resumable(nb::object jitted, PyObject* function, RunOptions options, PyObject* const* args,
                          std::size_t count, PyObject* keyword_names);

void bind_resumable_run(nb::module_& m);

}  // namespace xcs::python
