// Managers of `with` statements that contextlib makes of generator functions.
#pragma once

#include <optional>

#include "program.h"
#include "window/host.h"

namespace xcs::python {

// Whether a call of `function` may make one, by what it is. Asked of every function that is entered.
bool may_make_manager(PyObject* function);

// The generator function that `function` makes managers of, when contextlib.contextmanager made it and
// nothing of that has been replaced; null for every other function.
PyObject* manager_maker(PyObject* function);

// Whether the call of `function` makes a manager like `self`, which is one, and decorates a function.
bool recreates_manager(PyObject* function, PyObject* self);

// Whether the generator's code yields at most once on any way through it.
bool yields_once(const HostProgram& generator);

// An object that stands for the manager whose generator begins so, where only a `with` statement has it.
Value make_manager(window::Enter begins);
// How the manager's generator begins, or null for every other object.
const window::Enter* begins_of(PyObject* manager);

// A place in contextlib's own code.
struct ContextPlace {
  ProgramRef program;
  const ir::Node* node;  // null where contextlib looks otherwise than expected
};
ContextPlace place_in_contextlib(window::ContextPart part);

}  // namespace xcs::python
