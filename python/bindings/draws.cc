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

namespace {

// Another counter at the same place, or null. Copying one is deprecated in Python 3.12 and gone in 3.14.
nb::object copied_counter(PyObject* counter) {
  const nb::object held = imported("gc", "get_referents")(nb::handle(counter));
  nb::list numbers;
  for (nb::handle part : held) {
    if (part.is(nb::handle(reinterpret_cast<PyObject*>(Py_TYPE(counter))))) continue;
    if (!PyLong_CheckExact(part.ptr()) && !PyFloat_CheckExact(part.ptr())) return {};
    numbers.append(part);
  }
  const nb::handle make(reinterpret_cast<PyObject*>(Py_TYPE(counter)));
  if (numbers.size() == 2) return make(numbers[0], numbers[1]);
  if (numbers.size() != 1) return {};
  // It counts by one, in a number that only its text, "count(5)", shows.
  const std::string text = nb::cast<std::string>(nb::repr(nb::handle(counter)));
  const std::size_t first = text.find('(') + 1;
  return make(checked(PyLong_FromString(text.substr(first, text.size() - first - 1).c_str(), nullptr, 10)));
}

nb::object copied_source(PyObject* source) {
  static auto* count = imported("itertools", "count").release().ptr();
  if (reinterpret_cast<PyObject*>(Py_TYPE(source)) == count) return copied_counter(source);
  // A copy of numpy's shares what it draws from.
  return imported("copy", Draws::is_numpy_generator(source) ? "deepcopy" : "copy")(nb::handle(source));
}

}  // namespace

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
    shadow.copy = copied_source(source);
    if (!shadow.copy) return {};
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
