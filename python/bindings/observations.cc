#include "observations.h"

#include "held.h"
#include "memory.h"
#include "reach.h"
#include "types.h"

namespace xcs::python {
namespace {

// After how many turns of a loop or entries of a function, each time twice as many, the observations are
// looked at.
constexpr std::uint32_t kFirstLook = 64;

// The one weak reference to the object, or itself when it holds nothing of a program's; null when there can
// be none.
nb::object weak_reference(PyObject* object) {
  if (Py_TYPE(object) == &PyMethodDescr_Type || (PyCFunction_Check(object) && !is_bound_builtin(object)))
    return nb::borrow(object);
  nb::object made = nb::steal(PyWeakref_NewRef(object, nullptr));
  if (!made.is_valid()) PyErr_Clear();
  return made;
}

}  // namespace

nb::object Observations::now(const nb::object& reference) {
  return PyWeakref_Check(reference.ptr()) ? referent(reference.ptr()) : reference;
}

void Observations::called(const ir::Node& node, PyObject* callee, PyObject* receiver) {
  if (PyMethod_Check(callee)) return called(node, PyMethod_GET_FUNCTION(callee), PyMethod_GET_SELF(callee));
  if (is_bound_builtin(callee)) {
    receiver = PyCFunction_GET_SELF(callee);
    PyObject* found = type_lookup(Py_TYPE(receiver), interned(method_name(callee)).ptr());
    if (found != nullptr) callee = found;
  }
  Callees& callees = calls_[&node];
  if (callees.more) return;
  const nb::object function = weak_reference(callee);
  const nb::object type =
      receiver == nullptr ? nb::object() : weak_reference(reinterpret_cast<PyObject*>(Py_TYPE(receiver)));
  for (std::size_t i = 0; i < callees.count; ++i)
    if (callees.known[i].function.is(function) && callees.known[i].type.is(type)) return;
  callees.more = !function.is_valid() || callees.count == kMost;
  if (!callees.more) callees.known[callees.count++] = {function, type};
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
