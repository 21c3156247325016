#include "draws.h"

#include <string_view>

#include "types.h"

namespace xcs::python {
namespace {

nb::object done_on(const nb::object& copy, const Draw& draw) {
  nb::object arguments = checked(PyTuple_New(static_cast<Py_ssize_t>(draw.positional.size() + 1)));
  PyTuple_SET_ITEM(arguments.ptr(), 0, Py_NewRef(copy.ptr()));
  for (std::size_t i = 0; i < draw.positional.size(); ++i)
    PyTuple_SET_ITEM(arguments.ptr(), static_cast<Py_ssize_t>(i + 1), Py_NewRef(draw.positional[i].ptr()));
  return nb::steal(PyObject_Call(draw.function.ptr(), arguments.ptr(), draw.keywords.ptr()));
}

}  // namespace

bool Draws::is_generator(PyObject* object) {
  static auto* type = imported("random", "Random").release().ptr();
  return reinterpret_cast<PyObject*>(Py_TYPE(object)) == type || is_numpy_generator(object);
}

bool Draws::is_numpy_generator(PyObject* object) {
  const std::string_view name(Py_TYPE(object)->tp_name);
  return is_static(Py_TYPE(object)) &&
         (name == "numpy.random.mtrand.RandomState" || name == "numpy.random._generator.Generator");
}

bool Draws::is_iterator(PyObject* object) {
  static auto* count = imported("itertools", "count").release().ptr();
  PyTypeObject* type = Py_TYPE(object);
  return type == &PyListIter_Type || type == &PyTupleIter_Type || type == &PyRangeIter_Type ||
         type == &PyUnicodeIter_Type || reinterpret_cast<PyObject*>(type) == count;
}

nb::object Draws::draw(PyObject* source, std::size_t pending, Draw draw) {
  Shadow& shadow = shadows_[source];
  if (!shadow.source) shadow.source = nb::borrow(source);
  if (shadow.draws.size() > pending) {  // those after an exception never happen
    shadow.draws.resize(pending);
    shadow.copy = {};
  }
  if (shadow.draws.size() < pending) return {};
  if (pending == 0) shadow.copy = {};  // anything may have used the source in the meantime
  if (!shadow.copy) {
    // A copy of numpy's shares what it draws from.
    shadow.copy = imported("copy", is_numpy_generator(source) ? "deepcopy" : "copy")(shadow.source);
    for (const Draw& earlier : shadow.draws) done_on(shadow.copy, earlier);
  }
  nb::object result = done_on(shadow.copy, draw);
  if (!result) {
    PyErr_Clear();
    shadow.copy = {};
    return {};
  }
  shadow.draws.push_back(std::move(draw));
  return result;
}

void Draws::happens(PyObject* source) {
  const auto found = shadows_.find(source);
  if (found == shadows_.end()) return;
  if (!found->second.draws.empty()) found->second.draws.pop_front();
  if (found->second.draws.empty()) shadows_.erase(found);
}

}  // namespace xcs::python
