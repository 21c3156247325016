#include "observations.h"

#include "reach.h"

namespace xcs::python {
namespace {

// After how many turns of a loop or entries of a function, each time twice as many, the observations are
// looked at.
constexpr std::uint32_t kFirstLook = 64;

}  // namespace

void Observations::called(const ir::Node& node, PyObject* callee, PyObject* receiver) {
  if (PyMethod_Check(callee)) return called(node, PyMethod_GET_FUNCTION(callee), PyMethod_GET_SELF(callee));
  Callees& callees = calls_[&node];
  PyObject* type = receiver == nullptr ? nullptr : reinterpret_cast<PyObject*>(Py_TYPE(receiver));
  for (std::size_t i = 0; i < callees.count; ++i)
    if (callees.known[i].function.ptr() == callee && callees.known[i].type.ptr() == type) return;
  if (callees.count == kMost) {
    callees.more = true;
  } else {
    callees.known[callees.count++] = {nb::borrow(callee), nb::borrow(type)};
  }
}

const Observations::Callees* Observations::at(const ir::Node& node) const {
  const auto found = calls_.find(&node);
  return found == calls_.end() ? nullptr : &found->second;
}

bool Observations::harmless(const HostProgram& program, ir::Index statement, bool look) {
  const void* key =
      statement == ir::kNone ? static_cast<const void*>(&program) : &program.statements[statement];
  if (harmless_.contains(key)) return true;
  if (!look || reaches_as_observed(program, statement, *this)) return false;
  harmless_.insert(key);
  return true;
}

bool Observations::harmless_when_entered(const HostProgram& program) {
  const std::uint32_t times = ++entered_[&program];
  const bool look = times >= kFirstLook && (times & (times - 1)) == 0;
  return harmless(program, ir::kNone, look);
}

}  // namespace xcs::python
