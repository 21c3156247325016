// The object that @xcs.jit makes of a function.
#pragma once

#include <memory>

#include "objects.h"
#include "run_report.h"

namespace xcs::python {

PyTypeObject* jitted_type();
// The function a Jitted was made of, borrowed. REQUIRES: Py_TYPE(jitted) == jitted_type()
PyObject* jitted_function(PyObject* jitted);

void set_last_run(PyObject* jitted, std::unique_ptr<RunReport> report);

void bind_jitted(nb::module_& m);

}  // namespace xcs::python
