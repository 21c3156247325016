// Stores that happen at once, because nothing before them in the program can reach what they change. See
// Note [private objects] in window/view.cc.
#include <algorithm>
#include <string_view>

#include "held.h"
#include "host.h"

namespace xcs::python {
namespace {

// The methods of lists and dicts that look at no value the container holds, so that values may be
// placeholders.
bool ignores_values(PyObject* container, std::string_view name) {
  if (PyList_CheckExact(container))
    return name == "append" || name == "insert" || name == "pop" || name == "clear" || name == "extend" ||
           name == "reverse";
  return PyDict_CheckExact(container) &&
         (name == "setdefault" || name == "pop" || name == "clear" || name == "update");
}

// What the list or dict holds there, borrowed, or null.
PyObject* item_of(PyObject* container, PyObject* key) {
  if (PyDict_Check(container)) return PyDict_GetItemWithError(container, key);
  if (!PyList_CheckExact(container) || !PyLong_CheckExact(key)) return nullptr;
  Py_ssize_t index = PyLong_AsSsize_t(key);
  if (index == -1 && PyErr_Occurred() != nullptr) PyErr_Clear();
  if (index < 0) index += PyList_GET_SIZE(container);
  return index < 0 || index >= PyList_GET_SIZE(container) ? nullptr : PyList_GET_ITEM(container, index);
}

// The methods that may let go of something that the container holds.
bool lets_go(std::string_view name) {
  return name == "clear" || name == "remove" || name == "discard" || name.ends_with("update") ||
         name == "__init__" || name == "__setitem__" || name == "__delitem__";
}

Action stored(int status) { return status == 0 ? none_done() : raised(); }

std::uint32_t count(std::span<const Value> values, PyObject* object) {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(values, [&](const Value& v) { return v.object() == address_of(object); }));
}

}  // namespace

bool PythonHost::is_private(const Site& s, PyObject* object, std::uint32_t others) const {
#ifdef Py_GIL_DISABLED
  (void)s, (void)object, (void)others;  // what a reference count says there is not all
  return false;
#else
  constexpr std::uint32_t kMostVariables = 16;
  const std::uint32_t known = others + count(s.operands, object) + (placeholders_.holds(object) ? 1 : 0);
  const auto references = static_cast<std::uint64_t>(Py_REFCNT(object));
  if (references <= known || references > known + kMostVariables) return false;
  return references == known + s.view.held(address_of(object));
#endif
}

bool PythonHost::append_privately(const Site& s, PyObject* list, const Value& item, std::uint32_t others,
                                  Action& answer) {
  if (!PyList_CheckExact(list) || !is_private(s, list, others)) return false;
  nb::object object = to_object(item);
  answer = stored(PyList_Append(list, object.ptr()));
  if (item.is_pending()) placeholders_.watch_item(list, std::move(object), PyList_GET_SIZE(list) - 1);
  return true;
}

// The container is changed by `method`, which runs no code of the user's on these arguments.
bool PythonHost::mutate_privately(const Site& s, PyObject* container, std::string_view method,
                                  const Arguments& arguments, Action& answer) {
  std::uint32_t others = count(arguments.positional, container);
  for (const auto& [name, v] : arguments.keywords) others += v.object() == address_of(container) ? 1 : 0;
  if (s.node.op == ir::Op::kCall) {  // of a method that was bound before its arguments were evaluated
    PyObject* bound = s.object(0);
    if (!is_bound_builtin(bound) || PyCFunction_GET_SELF(bound) != container || !is_private(s, bound))
      return false;
    ++others;
  }
  const auto& given = arguments.positional;
  if (method == "append" && given.size() == 1 && arguments.keywords.empty() &&
      append_privately(s, container, given[0], others, answer)) {
    answer.changed = borrow_value(container);
    return true;
  }
  if (!arguments.ready() || !is_private(s, container, others)) return false;
  if (lets_go(method) && holds_what_ends_with_code(container)) return false;
  if (!ignores_values(container, method)) {  // it compares or hashes what is there, all the way down
    Snapshot now(s.view, placeholders_, Depth::kDeep);
    if (placeholders_.holds(container) || now.add(container) != Obstacle::kNothing || now.copied())
      return false;
  }
  if (!reads_plainly(s, arguments, depth_of_arguments(container))) return false;
  const nb::object bound = checked(PyObject_GetAttrString(container, std::string(method).c_str()));
  answer = call_native(bound.ptr(), arguments);
  if (answer.verdict != Action::kDone) return true;
  answer.value = to_value(object_of(answer.value));
  answer.changed = borrow_value(container);
  return true;
}

// Whether the arguments, as far as `depth` says, are what they are at this place: no store to them is
// pending, and no item is.
bool PythonHost::reads_plainly(const Site& s, const Arguments& arguments, Depth depth) {
  Snapshot now(s.view, placeholders_, depth);
  auto is_plain = [&](const Value& v) { return now.add(object_of(v)) == Obstacle::kNothing; };
  return std::ranges::all_of(arguments.positional, is_plain) &&
         std::ranges::all_of(arguments.keywords, [&](const auto& k) { return is_plain(k.second); }) &&
         !now.copied();
}

// REQUIRES: `key` is an atom
bool PythonHost::store_item_privately(const Site& s, PyObject* container, PyObject* key, Action& answer) {
  if (PySlice_Check(key) || !is_private(s, container)) return false;
  if (PyObject* old = item_of(container, key); old != nullptr && ends_with_code(old, 1)) return false;
  if (s.node.op == ir::Op::kDeleteItem) {
    answer = stored(PyObject_DelItem(container, key));
    return true;
  }
  const bool pending = s[2].is_pending();
  if (pending && !PyList_CheckExact(container) && !PyDict_Check(container)) return false;
  nb::object object = to_object(s[2]);
  answer = stored(PyObject_SetItem(container, key, object.ptr()));
  if (answer.verdict != Action::kDone || !pending) return true;
  if (PyDict_Check(container)) {
    placeholders_.watch_item(container, std::move(object), nb::borrow(key));
  } else {
    const Py_ssize_t index = PyNumber_AsSsize_t(key, nullptr);
    placeholders_.watch_item(container, std::move(object),
                             index < 0 ? index + PyList_GET_SIZE(container) : index);
  }
  return true;
}

// A null value is removed.
bool PythonHost::store_attribute_privately(const Site& s, PyObject* object, PyObject* name, PyObject* value,
                                           bool by_class, Action& answer) {
  if (!is_private(s, object) || shared_dict(object) != nullptr) return false;
  if (PyObject* old = attribute_in_dict(object, name); old != nullptr && ends_with_code(old, 1)) return false;
  answer =
      stored(by_class ? PyObject_SetAttr(object, name, value) : PyObject_GenericSetAttr(object, name, value));
  return true;
}

}  // namespace xcs::python
