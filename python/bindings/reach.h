// Whether calling something can reach an independent call: when it cannot, CPython runs it whole at its own
// speed. Being wrong costs speed only.
#pragma once

#include "program.h"

namespace xcs::python {

bool reaches_independent(PyObject* callee);
bool reaches_independent(const HostProgram& program);
// Whether a function of a closed library (see registry/README.md) that is given the argument may reach one
// through it.
bool reaches_through(PyObject* argument);
// Whether the region that statements[statement] stands for can.
bool statement_reaches(const HostProgram& program, ir::Index statement);

class Observations;
// Whether the statement can, or with kNone the program, where calls call what they have called in this run:
// see Note [what calls have called].
bool reaches_as_observed(const HostProgram& program, ir::Index statement, Observations& observed);

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
