// Whether calling something can reach an independent call: when it cannot, CPython runs it whole at its own speed.
// Being wrong costs speed only.
#pragma once

#include "program.h"

namespace xcs::python {

bool reaches_independent(PyObject* callee);
bool reaches_independent(const HostProgram& program);
// Whether the region that statements[statement] stands for can.
bool statement_reaches(const HostProgram& program, ir::Index statement);

void bind_reach(nb::module_& m);

}  // namespace xcs::python
