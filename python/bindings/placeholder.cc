#include "placeholder.h"

#include <new>
#include <utility>

namespace xcs::python {
namespace {

struct Placeholder {
  PyObject_HEAD
  Value value;
};

void destroy(PyObject* self) {
  reinterpret_cast<Placeholder*>(self)->value.~Value();
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

bool holds_value(PyObject* object) {
  if (Py_TYPE(object) != placeholder_type()) return false;
  Value& value = reinterpret_cast<Placeholder*>(object)->value;
  value.settle();
  return value.ready();
}

// Returns whether placeholders are left.
bool settle_tuple(PyObject* tuple) {
  bool left = false;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); ++i) {
    PyObject* item = PyTuple_GET_ITEM(tuple, i);
    if (Py_TYPE(item) != placeholder_type()) continue;
    if (!holds_value(item)) {
      left = true;
      continue;
    }
    // Nobody has looked at the position yet, so the tuple is as good as new.
    PyTuple_SET_ITEM(tuple, i, to_object(to_value(item)).release().ptr());
    Py_DECREF(item);
  }
  return left;
}

bool settle_list(PyObject* list) {
  bool left = false;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); ++i) {
    PyObject* item = PyList_GET_ITEM(list, i);
    if (Py_TYPE(item) != placeholder_type()) continue;
    if (!holds_value(item)) {
      left = true;
      continue;
    }
    PyList_SetItem(list, i, to_object(to_value(item)).release().ptr());
  }
  return left;
}

bool settle_dict(PyObject* dict) {
  bool left = false;
  PyObject *key = nullptr, *item = nullptr;
  Py_ssize_t position = 0;
  while (PyDict_Next(dict, &position, &key, &item) != 0) {
    if (Py_TYPE(item) != placeholder_type()) continue;
    if (!holds_value(item)) {
      left = true;
      continue;
    }
    // The value of a key that is there may be replaced while iterating.
    if (PyDict_SetItem(dict, key, to_object(to_value(item)).ptr()) != 0) nb::raise_python_error();
  }
  return left;
}

bool settle_container(PyObject* container) {
  if (PyTuple_Check(container)) return settle_tuple(container);
  return PyList_Check(container) ? settle_list(container) : settle_dict(container);
}

}  // namespace

PyTypeObject* placeholder_type() {
  static PyTypeObject* type = [] {
    PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(destroy)}, {0, nullptr}};
    PyType_Spec spec = {"xcs._core.Placeholder", sizeof(Placeholder), 0,
                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    return reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)).release().ptr());
  }();
  return type;
}

nb::object make_placeholder(Value value) {
  PyTypeObject* type = placeholder_type();
  nb::object self = checked(type->tp_alloc(type, 0));
  new (&reinterpret_cast<Placeholder*>(self.ptr())->value) Value(std::move(value));
  return self;
}

nb::object to_object(const Value& value) {
  Value settled = value;
  settled.settle();
  return settled.ready() ? nb::borrow(object_of(settled)) : make_placeholder(std::move(settled));
}

Value to_value(PyObject* object) {
  if (Py_TYPE(object) != placeholder_type()) return borrow_value(object);
  Value value = reinterpret_cast<Placeholder*>(object)->value;
  value.settle();
  return value;
}

void Placeholders::watch(nb::object container) {
  if (settle_container(container.ptr())) watched_.push_back(std::move(container));
}

namespace {

// The containers in `display` that directly hold placeholders, and how many those hold.
std::size_t find_holders(PyObject* display, std::vector<nb::object>& holders, int depth) {
  constexpr int kDeepest = 32;
  if (depth > kDeepest) return 0;
  std::size_t held = 0, inside = 0;
  auto visit = [&](PyObject* item) {
    if (Py_TYPE(item) == placeholder_type())
      ++held;
    else if (Py_REFCNT(item) == 1)  // part of the display, and no operand of it
      inside += find_holders(item, holders, depth + 1);
  };
  if (PyTuple_CheckExact(display) || PyList_CheckExact(display)) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(display); ++i) visit(PySequence_Fast_GET_ITEM(display, i));
  } else if (PyDict_CheckExact(display)) {
    PyObject *key = nullptr, *value = nullptr;
    Py_ssize_t position = 0;
    while (PyDict_Next(display, &position, &key, &value) != 0) visit(value);
  }
  if (held > 0) holders.push_back(nb::borrow(display));
  return held + inside;
}

}  // namespace

bool Placeholders::watch_display(nb::object display, std::size_t count) {
  std::vector<nb::object> holders;
  if (find_holders(display.ptr(), holders, 0) != count) return false;
  for (nb::object& holder : holders) watched_.push_back(std::move(holder));
  return true;
}

// A container that only this list refers to any more needs nothing.
void Placeholders::settle() {
  std::erase_if(watched_, [](const nb::object& container) {
    return Py_REFCNT(container.ptr()) == 1 || !settle_container(container.ptr());
  });
}

}  // namespace xcs::python
