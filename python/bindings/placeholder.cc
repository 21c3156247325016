#include "placeholder.h"

#include <new>
#include <utility>

namespace xcs::python {
namespace {

struct Placeholder {
  PyObject_HEAD Value value;
};

void destroy(PyObject* self) {
  reinterpret_cast<Placeholder*>(self)->value.~Value();
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

// The value that `object`, a placeholder, stands for, or unbound while it is pending.
Value content_of(PyObject* object) {
  Value& value = reinterpret_cast<Placeholder*>(object)->value;
  value.settle();
  return value.ready() ? value : Value();
}

void set_refusal() { PyErr_SetString(placeholder_error(), "xcs: an answer that is not there yet was used"); }
PyObject* refuse(PyObject*) { return set_refusal(), nullptr; }
PyObject* refuse_two(PyObject*, PyObject*) { return set_refusal(), nullptr; }
PyObject* refuse_three(PyObject*, PyObject*, PyObject*) { return set_refusal(), nullptr; }
PyObject* refuse_comparison(PyObject*, PyObject*, int) { return set_refusal(), nullptr; }
Py_hash_t refuse_hash(PyObject*) { return set_refusal(), -1; }
int refuse_truth(PyObject*) { return set_refusal(), -1; }

bool is_placeholder(PyObject* object) { return Py_TYPE(object) == placeholder_type(); }

// Calls visit(item, index, key) with each item, or value of a dict, or content of a cell, that is a
// placeholder. The visit may replace it.
template <typename Visit>
void each_placeholder(PyObject* container, Visit visit) {
  if (PyCell_Check(container)) {
    if (PyObject* item = PyCell_GET(container); item != nullptr && is_placeholder(item))
      visit(item, 0, nullptr);
    return;
  }
  if (PyDict_Check(container)) {
    PyObject *key = nullptr, *item = nullptr;
    Py_ssize_t position = 0;
    while (PyDict_Next(container, &position, &key, &item) != 0)
      if (is_placeholder(item)) visit(item, 0, key);
    return;
  }
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(container); ++i)
    if (PyObject* item = PySequence_Fast_GET_ITEM(container, i); is_placeholder(item))
      visit(item, i, nullptr);
}

// Puts `value` in place of `placeholder`, which is an item of a list or tuple, the value of `key` in a dict,
// or what a cell holds.
void replace(PyObject* container, Py_ssize_t index, PyObject* key, PyObject* placeholder,
             const Value& value) {
  PyObject* object = object_of(value);
  if (PyDict_Check(container)) {
    // The value of a key that is there may be replaced while iterating.
    if (PyDict_SetItem(container, key, object) != 0) nb::raise_python_error();
  } else if (PyCell_Check(container)) {
    PyCell_Set(container, object);
  } else if (PyList_Check(container)) {
    PyList_SetItem(container, index, Py_NewRef(object));
  } else {
    // Nobody has looked at the position yet, so the tuple is as good as new.
    PyTuple_SET_ITEM(container, index, Py_NewRef(object));
    Py_DECREF(placeholder);
  }
}

}  // namespace

PyTypeObject* placeholder_type() {
  static PyTypeObject* type = [] {
    PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(destroy)},
                           {Py_tp_hash, reinterpret_cast<void*>(refuse_hash)},
                           {Py_tp_richcompare, reinterpret_cast<void*>(refuse_comparison)},
                           {Py_tp_repr, reinterpret_cast<void*>(refuse)},
                           {Py_tp_str, reinterpret_cast<void*>(refuse)},
                           {Py_tp_iter, reinterpret_cast<void*>(refuse)},
                           {Py_tp_call, reinterpret_cast<void*>(refuse_three)},
                           {Py_tp_getattro, reinterpret_cast<void*>(refuse_two)},
                           {Py_nb_bool, reinterpret_cast<void*>(refuse_truth)},
                           {Py_nb_index, reinterpret_cast<void*>(refuse)},
                           {Py_nb_float, reinterpret_cast<void*>(refuse)},
                           {Py_nb_negative, reinterpret_cast<void*>(refuse)},
                           {Py_nb_add, reinterpret_cast<void*>(refuse_two)},
                           {Py_nb_subtract, reinterpret_cast<void*>(refuse_two)},
                           {Py_nb_multiply, reinterpret_cast<void*>(refuse_two)},
                           {Py_nb_true_divide, reinterpret_cast<void*>(refuse_two)},
                           {Py_nb_floor_divide, reinterpret_cast<void*>(refuse_two)},
                           {Py_nb_remainder, reinterpret_cast<void*>(refuse_two)},
                           {Py_nb_and, reinterpret_cast<void*>(refuse_two)},
                           {Py_nb_or, reinterpret_cast<void*>(refuse_two)},
                           {Py_mp_length, reinterpret_cast<void*>(refuse_hash)},
                           {Py_mp_subscript, reinterpret_cast<void*>(refuse_two)},
                           {0, nullptr}};
    PyType_Spec spec = {"xcs._core.Placeholder", sizeof(Placeholder), 0,
                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    return reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)).release().ptr());
  }();
  return type;
}

PyObject* placeholder_error() {
  static PyObject* error =
      checked(PyErr_NewException("xcs._core.PlaceholderError", PyExc_BaseException, nullptr)).release().ptr();
  return error;
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
  if (!is_placeholder(object)) return borrow_value(object);
  Value value = reinterpret_cast<Placeholder*>(object)->value;
  value.settle();
  return value;
}

Value pending_inside(PyObject* object) {
  if (is_placeholder(object)) {
    const Value value = to_value(object);
    return value.is_pending() ? value : Value();
  }
  if (!PyTuple_Check(object)) return {};
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object); ++i)
    if (Value found = pending_inside(PyTuple_GET_ITEM(object, i)); found.bound()) return found;
  return {};
}

void settle_directly(PyObject* container) {
  if (!PyTuple_Check(container) && !PyList_Check(container) && !PyDict_Check(container)) return;
  each_placeholder(container, [&](PyObject* item, Py_ssize_t index, PyObject* key) {
    if (const Value value = content_of(item); value.bound()) replace(container, index, key, item, value);
  });
}

Placeholders::~Placeholders() {
  for (Gap& gap : gaps_) gap.forget();
}

void Placeholders::Gap::wait(std::list<Gap>::iterator self) {
  self_ = self;
  awaited_ = to_value(placeholder_.ptr());
  if (awaited_.is_pending()) {
    awaited_.cell()->wait(this);
  } else {
    owner_.ready_.push_back(self);
  }
}

void Placeholders::Gap::forget() {
  if (awaited_.is_pending()) awaited_.cell()->forget(this);
}

// The program may have moved the item in the meantime, or taken it out.
void Placeholders::Gap::fill() {
  if (!awaited_.bound()) return;
  PyObject* placeholder = placeholder_.ptr();
  if (key_) {
    if (PyDict_GetItemWithError(container_, key_.ptr()) == placeholder)
      return replace(container_, 0, key_.ptr(), placeholder, awaited_);
    PyErr_Clear();
  } else if (!PyCell_Check(container_) && index_ < PySequence_Fast_GET_SIZE(container_) &&
             PySequence_Fast_GET_ITEM(container_, index_) == placeholder) {
    return replace(container_, index_, nullptr, placeholder, awaited_);
  }
  each_placeholder(container_, [&](PyObject* item, Py_ssize_t i, PyObject* key) {
    if (item == placeholder) replace(container_, i, key, item, awaited_);
  });
}

void Placeholders::add(PyObject* container, nb::object placeholder, Py_ssize_t index, nb::object key) {
  Holder& holder = holders_[container];
  if (!holder.container) holder.container = nb::borrow(container);
  ++holder.missing;
  gaps_.emplace_back(*this, container, std::move(placeholder), index, std::move(key));
  gaps_.back().wait(std::prev(gaps_.end()));
}

void Placeholders::watch_item(PyObject* container, nb::object placeholder, Py_ssize_t index) {
  add(container, std::move(placeholder), index, {});
}

void Placeholders::watch_item(PyObject* container, nb::object placeholder, nb::object key) {
  add(container, std::move(placeholder), 0, std::move(key));
}

void Placeholders::watch(nb::object container) {
  each_placeholder(container.ptr(), [&](PyObject* item, Py_ssize_t index, PyObject* key) {
    if (const Value value = content_of(item); value.bound()) {
      replace(container.ptr(), index, key, item, value);
    } else {
      add(container.ptr(), nb::borrow(item), index, key == nullptr ? nb::object() : nb::borrow(key));
    }
  });
}

namespace {

// The containers in `display` that directly hold placeholders, and how many those hold.
std::size_t find_holders(PyObject* display, std::vector<nb::object>& holders, int depth) {
  constexpr int kDeepest = 32;
  if (depth > kDeepest) return 0;
  std::size_t held = 0, inside = 0;
  auto visit = [&](PyObject* item) {
    if (is_placeholder(item))
      ++held;
    else if (Py_REFCNT(item) == 1)  // part of the display, and no operand of it
      inside += find_holders(item, holders, depth + 1);
  };
  if (PyTuple_CheckExact(display) || PyList_CheckExact(display)) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(display); ++i)
      visit(PySequence_Fast_GET_ITEM(display, i));
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
  for (nb::object& holder : holders) watch(std::move(holder));
  return true;
}

// A container that only this object refers to any more needs nothing.
void Placeholders::settle() {
  while (!ready_.empty()) {
    const auto gap = ready_.back();
    ready_.pop_back();
    const auto holder = holders_.find(gap->container());
    const nb::object container = holder->second.container;
    if (Py_REFCNT(container.ptr()) > 2) gap->fill();  // `container` and its holder are two
    if (--holder->second.missing == 0) holders_.erase(holder);
    gaps_.erase(gap);
  }
}

nb::object tuple_of(std::span<const Value> values, Placeholders& placeholders) {
  nb::object tuple = checked(PyTuple_New(static_cast<Py_ssize_t>(values.size())));
  for (std::size_t i = 0; i < values.size(); ++i)
    PyTuple_SET_ITEM(tuple.ptr(), i, to_object(values[i]).release().ptr());
  placeholders.watch(tuple);
  return tuple;
}

}  // namespace xcs::python
