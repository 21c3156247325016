// Tracers, profilers, debuggers and coverage tools: what they would be told of.
#pragma once

namespace xcs::python {

// Whether a tool is told of the calls and lines of this thread. What is entered by the window has no frame,
// so while there is one, functions run as they are.
bool is_traced();

}  // namespace xcs::python
