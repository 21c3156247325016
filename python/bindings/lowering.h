// Programs from Python functions: capture, conversion and lowering in one step.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>

#include "ir/ir.h"

namespace xcs::python {

struct Lowered {
  std::shared_ptr<const ir::Program> program;
  nanobind::object fragments;  // a Fragments (python/xcs/_fragments.py): what the program's indices stand for
};

// Lowers `function`, a Python function object. Throws nanobind::python_error with UsageError when its source
// cannot be had.
Lowered lower_function(nanobind::handle function);
// Lowers what is captured of a function (xcs._capture.Captured).
Lowered lower_captured_function(const nanobind::object& captured);

// Adds lowering to the module: `lower`, and `Program` to look at what it made.
void bind_lowering(nanobind::module_& module);

}  // namespace xcs::python
