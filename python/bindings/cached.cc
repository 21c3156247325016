#include "cached.h"

namespace xcs::python {
namespace {

// What stands in for a function while a cache calls it, once. With the GIL held.
struct StandIn {
  PyObject* function = nullptr;
  vectorcallfunc real = nullptr;
  PyObject* answer = nullptr;  // null: it raises

  void restore() {
    if (function != nullptr) reinterpret_cast<PyFunctionObject*>(function)->vectorcall = real;
    function = nullptr;
  }
};

StandIn stand_in;

PyObject* answer_once(PyObject* function, PyObject* const* arguments, std::size_t count, PyObject* names) {
  if (function != stand_in.function) return _PyObject_Vectorcall(function, arguments, count, names);
  PyObject* answer = stand_in.answer;
  stand_in.restore();
  if (answer == nullptr) PyErr_SetNone(PyExc_LookupError);
  return Py_XNewRef(answer);
}

// Calls the cache. If it calls its function, that does nothing and returns the one item of `answer`, or
// raises when there is none, of which nothing is seen.
// REQUIRES: `function` is a function of Python's; hashing and comparing the arguments runs no code
void call_answered(const nb::object& cache, const nb::object& function, const nb::tuple& positional,
                   const nb::dict& keywords, const nb::tuple& answer) {
  auto* f = reinterpret_cast<PyFunctionObject*>(function.ptr());
  stand_in = {function.ptr(), f->vectorcall, answer.size() == 0 ? nullptr : nb::object(answer[0]).ptr()};
  f->vectorcall = &answer_once;
  PyObject* result = PyObject_Call(cache.ptr(), positional.ptr(), keywords.ptr());
  stand_in.restore();
  if (result == nullptr && answer.size() == 0 && PyErr_ExceptionMatches(PyExc_LookupError) != 0) {
    PyErr_Clear();
    return;
  }
  checked(result);
}

// Changes whenever the dict does, where Python keeps count.
std::uint64_t dict_version(const nb::dict& dict) {
#if PY_VERSION_HEX < 0x030E0000
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  return reinterpret_cast<PyDictObject*>(dict.ptr())->ma_version_tag;
#pragma GCC diagnostic pop
#else
  return static_cast<std::uint64_t>(dict.size());
#endif
}

}  // namespace

bool is_lru_cache(PyObject* object) {
  static auto* type =
      reinterpret_cast<PyTypeObject*>(imported("functools", "_lru_cache_wrapper").release().ptr());
  return Py_TYPE(object) == type;
}

nb::object wrapped_by_cache(PyObject* cache) {
  return nb::getattr(nb::handle(cache), "__wrapped__", nb::object());
}

void bind_cached(nb::module_& m) {
  m.def("call_answered", &call_answered, nb::arg("wrapper"), nb::arg("function"), nb::arg("positional"),
        nb::arg("keywords"), nb::arg("answer"));
  m.def("dict_version", &dict_version, nb::arg("dict"));
}

}  // namespace xcs::python
