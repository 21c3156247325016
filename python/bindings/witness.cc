#include "witness.h"

namespace xcs::python {
namespace {

struct Witness {
  PyObject_HEAD PyObject* iterator;
  Watch* watch;
};

Witness* as_witness(PyObject* self) { return reinterpret_cast<Witness*>(self); }

void end_watch(PyObject* self) {
  if (Watch* watch = as_witness(self)->watch) watch->end();
}

void destroy(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  end_watch(self);
  Py_XDECREF(as_witness(self)->iterator);
  type->tp_free(self);
  Py_DECREF(type);
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(as_witness(self)->iterator);
  Py_VISIT(Py_TYPE(self));
  return 0;
}

PyObject* next(PyObject* self) {
  end_watch(self);
  return Py_TYPE(as_witness(self)->iterator)->tp_iternext(as_witness(self)->iterator);
}

// Copies and pickles are those of the iterator.
PyObject* reduce(PyObject* self, PyObject*) {
  return PyObject_CallMethod(as_witness(self)->iterator, "__reduce__", nullptr);
}

PyTypeObject* witness_type() {
  static PyMethodDef methods[] = {{"__reduce__", reduce, METH_NOARGS, nullptr}, {}};
  static PyTypeObject* type = [] {
    PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(destroy)},
                           {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                           {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
                           {Py_tp_iternext, reinterpret_cast<void*>(next)},
                           {Py_tp_methods, methods},
                           {0, nullptr}};
    PyType_Spec spec = {"xcs._core.Witness", sizeof(Witness), 0,
                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    return reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)).release().ptr());
  }();
  return type;
}

}  // namespace

nb::object make_witness(PyObject* iterable) {
  nb::object iterator = checked(PyObject_GetIter(iterable));
  PyTypeObject* type = witness_type();
  nb::object self = checked(type->tp_alloc(type, 0));
  as_witness(self.ptr())->iterator = iterator.release().ptr();
  return self;
}

Watch::Watch(PyObject* witness, std::move_only_function<void()> ends)
    : witness_(witness), ends_(std::move(ends)) {
  as_witness(witness_)->watch = this;
}

Watch::~Watch() {
  if (witness_ != nullptr) as_witness(witness_)->watch = nullptr;
}

Watch::Watch(Watch&& other) noexcept { *this = std::move(other); }

Watch& Watch::operator=(Watch&& other) noexcept {
  std::swap(witness_, other.witness_);
  std::swap(ends_, other.ends_);
  if (witness_ != nullptr) as_witness(witness_)->watch = this;
  if (other.witness_ != nullptr) as_witness(other.witness_)->watch = &other;
  return *this;
}

bool Watch::is_unasked() const { return witness_ != nullptr && Py_REFCNT(witness_) == 1; }

void Watch::end() {
  as_witness(std::exchange(witness_, nullptr))->watch = nullptr;
  std::exchange(ends_, {})();
}

}  // namespace xcs::python
