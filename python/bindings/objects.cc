#include "objects.h"

namespace xcs::python {

nb::object take_error() {
#if PY_VERSION_HEX >= 0x030C0000
  return nb::steal(PyErr_GetRaisedException());
#else
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback != nullptr) PyException_SetTraceback(value, traceback);
  Py_XDECREF(type);
  Py_XDECREF(traceback);
  return nb::steal(value);
#endif
}

bool raised_by_signal(PyObject* exception) {
  static auto* raised = imported("xcs._interrupts", "raised_by_signal").release().ptr();
  return nb::cast<bool>(nb::handle(raised)(nb::handle(exception)));
}

void set_error(PyObject* exception) {
#if PY_VERSION_HEX >= 0x030C0000
  PyErr_SetRaisedException(Py_NewRef(exception));
#else
  PyErr_Restore(Py_NewRef(reinterpret_cast<PyObject*>(Py_TYPE(exception))), Py_NewRef(exception),
                PyException_GetTraceback(exception));
#endif
}

nb::object handled_exception() {
#if PY_VERSION_HEX >= 0x030B0000
  PyObject* handled = PyErr_GetHandledException();
#else
  PyObject *type = nullptr, *handled = nullptr, *traceback = nullptr;
  PyErr_GetExcInfo(&type, &handled, &traceback);
  Py_XDECREF(type);
  Py_XDECREF(traceback);
#endif
  return handled == nullptr ? nb::none() : nb::steal(handled);
}

void handle_exception(PyObject* exception) {
#if PY_VERSION_HEX >= 0x030B0000
  PyErr_SetHandledException(exception);
#else
  if (exception == Py_None) {
    PyErr_SetExcInfo(nullptr, nullptr, nullptr);
    return;
  }
  PyErr_SetExcInfo(Py_NewRef(reinterpret_cast<PyObject*>(Py_TYPE(exception))), Py_NewRef(exception),
                   PyException_GetTraceback(exception));
#endif
}

nb::object interned(const char* text) { return checked(PyUnicode_InternFromString(text)); }

nb::object imported(const char* module, const char* attribute) {
  // Not through __import__, which the program may have replaced.
  const nb::object names = nb::make_tuple(attribute);
  return checked(PyImport_ImportModuleLevel(module, nullptr, nullptr, names.ptr(), 0)).attr(attribute);
}

Py_ssize_t threads_of_program() {
  static PyObject* const count = imported("_thread", "_count").release().ptr();
  return PyLong_AsSsize_t(checked(PyObject_CallNoArgs(count)).ptr());
}

CallArguments call_arguments(PyObject* const* arguments, std::size_t count, PyObject* keyword_names) {
  CallArguments all{checked(PyTuple_New(static_cast<Py_ssize_t>(count))), nb::dict()};
  for (std::size_t i = 0; i < count; ++i)
    PyTuple_SET_ITEM(all.positional.ptr(), static_cast<Py_ssize_t>(i), Py_NewRef(arguments[i]));
  const Py_ssize_t named = keyword_names == nullptr ? 0 : PyTuple_GET_SIZE(keyword_names);
  for (Py_ssize_t i = 0; i < named; ++i)
    all.keywords[nb::handle(PyTuple_GET_ITEM(keyword_names, i))] =
        nb::handle(arguments[count + static_cast<std::size_t>(i)]);
  return all;
}

}  // namespace xcs::python
