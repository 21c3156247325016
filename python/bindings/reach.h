// Whether calling something can reach an independent call: when it cannot, CPython runs it whole at its own
// speed. Being wrong costs speed only.
#pragma once

#include "program.h"

namespace xcs::python {

bool reaches_independent(PyObject* callee);
bool reaches_independent(const HostProgram& program);
// Whether the region that statements[statement] stands for can.
bool statement_reaches(const HostProgram& program, ir::Index statement);

// A function or a statement that is not lowered: what it calls is not known.
struct RunsWhole {
  const HostProgram* program;
  std::string reason;  // the code
  ir::Position position;
};
// Those that are met on the way when `callee` is looked at for independent calls, up to the first such call.
std::vector<RunsWhole> what_runs_whole(PyObject* callee);

void bind_reach(nb::module_& m);

}  // namespace xcs::python
