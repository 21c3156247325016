// Python objects as the window's values, and errors as exceptions.
#pragma once

#include <Python.h>
#include <nanobind/nanobind.h>
// Strings are cast in many files, and each must see the same caster.
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>

#include <utility>

#include "window/value.h"

namespace xcs::python {

namespace nb = nanobind;
using window::Value;

inline const window::ObjectOps kObjectOps = {
    [](window::Object* o) { Py_INCREF(reinterpret_cast<PyObject*>(o)); },
    [](window::Object* o) { Py_DECREF(reinterpret_cast<PyObject*>(o)); },
};

// REQUIRES: value.ready()
inline PyObject* object_of(const Value& value) { return reinterpret_cast<PyObject*>(value.object()); }
inline window::Object* address_of(PyObject* object) { return reinterpret_cast<window::Object*>(object); }
inline Value borrow_value(PyObject* object) { return Value::borrow(address_of(object), &kObjectOps); }
// Takes over one reference.
inline Value steal_value(PyObject* object) { return Value::steal(address_of(object), &kObjectOps); }
inline Value steal_value(nb::object object) { return steal_value(object.release().ptr()); }

// The current Python error, which is cleared: the exception with its traceback. REQUIRES: an error is set.
nb::object take_error();
// Whether a signal's handler raised the exception, rather than the code that the signal interrupted.
bool raised_by_signal(PyObject* exception);
// Makes `exception` the current Python error, with the traceback it has.
void set_error(PyObject* exception);

// The exception whose handler is running, or None.
nb::object handled_exception();
// Makes `exception` the one whose handler is running; None: there is none.
void handle_exception(PyObject* exception);

// Throws the current Python error as nb::python_error if `result` is null; else takes over its reference.
inline nb::object checked(PyObject* result) {
  if (result == nullptr) nb::raise_python_error();
  return nb::steal(result);
}

// The one string object that names are looked up with. It lives only while something holds it: of a name that
// no class or code has, the answer is all there is.
nb::object interned(const char* text);

// The arguments of a call as Python code passes them on: a tuple and a dict.
struct CallArguments {
  nb::object positional;
  nb::dict keywords;
};
// From those of the vectorcall protocol: `count` positional ones, then one for each of the names, which may
// be null.
CallArguments call_arguments(PyObject* const* arguments, std::size_t count, PyObject* keyword_names);

// How many threads the program has started that have not ended.
Py_ssize_t threads_of_program();

// An attribute of a module, imported if need be.
nb::object imported(const char* module, const char* attribute);

}  // namespace xcs::python
