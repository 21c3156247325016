#include "digest.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace xcs::python {
namespace {

constexpr int kDeepest = 200;

std::string to_bytes(nb::handle bytes) {
  return {PyBytes_AS_STRING(bytes.ptr()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.ptr()))};
}

}  // namespace

void Digest::put_text(char tag, std::string_view text) {
  bytes_.push_back(tag);
  bytes_ += std::to_string(text.size());
  bytes_.push_back(':');
  bytes_ += text;
}

bool Digest::put(nb::handle object, int depth) {
  PyObject* o = object.ptr();
  if (depth > kDeepest) return false;
  if (o == Py_None || o == Py_True || o == Py_False) {
    bytes_.push_back(o == Py_None ? 'N' : o == Py_True ? 'T' : 'F');
    return true;
  }
  if (PyUnicode_CheckExact(o)) {
    Py_ssize_t size = 0;
    const char* text = PyUnicode_AsUTF8AndSize(o, &size);
    if (text == nullptr) {
      PyErr_Clear();  // lone surrogates
      return false;
    }
    put_text('s', {text, static_cast<std::size_t>(size)});
    return true;
  }
  if (PyLong_CheckExact(o)) {
    put_text('i', nb::cast<std::string_view>(checked(PyNumber_ToBase(o, 16))));
    return true;
  }
  if (PyFloat_CheckExact(o)) {
    const double number = PyFloat_AS_DOUBLE(o);
    char raw[sizeof number];
    std::memcpy(raw, &number, sizeof raw);
    put_text('d', {raw, sizeof raw});
    return true;
  }
  if (PyBytes_CheckExact(o)) {
    put_text('b', {PyBytes_AS_STRING(o), static_cast<std::size_t>(PyBytes_GET_SIZE(o))});
    return true;
  }
  if (PyList_CheckExact(o)) return put_items('l', object, depth);
  if (PyTuple_CheckExact(o)) return put_items('t', object, depth);
  if (PyDict_CheckExact(o)) return put_dict(object, depth);
  if (PyAnySet_CheckExact(o)) return put_set(object, depth);
  return put_object(object, depth);
}

bool Digest::put_items(char tag, nb::handle sequence, int depth) {
  bytes_.push_back(tag);
  for (nb::handle item : nb::borrow<nb::sequence>(sequence))
    if (!put(item, depth + 1)) return false;
  bytes_.push_back('.');
  return true;
}

bool Digest::put_dict(nb::handle dict, int depth) {
  bytes_.push_back('{');
  for (auto [key, value] : nb::borrow<nb::dict>(dict))
    if (!put(key, depth + 1) || !put(value, depth + 1)) return false;
  bytes_.push_back('.');
  return true;
}

// Sets come in the order of their hashes, which differs between processes.
bool Digest::put_set(nb::handle set, int depth) {
  std::vector<std::string> items;
  const nb::object iterator = checked(PyObject_GetIter(set.ptr()));
  while (PyObject* item = PyIter_Next(iterator.ptr())) {
    Digest one;
    if (!one.put(nb::steal(item), depth + 1)) return false;
    items.push_back(std::move(one.bytes_));
  }
  std::ranges::sort(items);
  bytes_.push_back(PyFrozenSet_CheckExact(set.ptr()) ? 'f' : 'S');
  for (const std::string& item : items) bytes_ += item;
  bytes_.push_back('.');
  return true;
}

bool Digest::put_object(nb::handle object, int depth) {
  static auto* parts_of = imported("xcs._identity", "parts_of").release().ptr();
  static auto* leniently = imported("xcs._identity", "Leniently").release().ptr();
  if (Py_TYPE(object.ptr()) == reinterpret_cast<PyTypeObject*>(leniently)) {
    const std::size_t before = bytes_.size();
    const nb::object held = object.attr("held");
    if (put(held, depth + 1)) return true;
    bytes_.resize(before);
    put_text('?', Py_TYPE(held.ptr())->tp_name);
    return true;
  }
  nb::object parts;
  try {
    parts = nb::handle(parts_of)(object);
  } catch (nb::python_error& error) {
    // Whatever the object's own code raised when it was asked: it cannot be identified. An interrupt goes on.
    if (!error.matches(PyExc_Exception)) throw;
    return false;
  }
  bytes_.push_back('o');
  return put(parts, depth + 1);
}

std::string Digest::finish() const {
  static auto* digest_of = imported("xcs._identity", "digest_of").release().ptr();
  return to_bytes(nb::handle(digest_of)(nb::bytes(bytes_.data(), bytes_.size())));
}

std::string version_of(nb::handle code) {
  static auto* version = imported("xcs._identity", "version_of").release().ptr();
  return to_bytes(nb::handle(version)(code));
}

}  // namespace xcs::python
