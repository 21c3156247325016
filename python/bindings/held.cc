#include "held.h"

#include <unordered_map>

#include "cached.h"
#include "jitted.h"

namespace xcs::python {
namespace {

using Objects = std::vector<PyObject*>;

void push(Objects& objects, PyObject* held) {
  if (held != nullptr && held != Py_None) objects.push_back(held);
}

void push_items(Objects& objects, PyObject* tuple) {
  if (tuple == nullptr || !PyTuple_Check(tuple)) return;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); ++i) push(objects, PyTuple_GET_ITEM(tuple, i));
}

PyTypeObject* partial_type() {
  static auto* type = reinterpret_cast<PyTypeObject*>(imported("functools", "partial").release().ptr());
  return type;
}

// Whether it is an object that a class may share among its instances, rather than a part of the class.
bool is_shared(PyObject* value) {
  if (PyFunction_Check(value)) return PyFunction_GET_CLOSURE(value) != nullptr;
  switch (shape_of(value)) {
    case Shape::kAtom:
    case Shape::kCallable:
    case Shape::kIterator:
      return false;
    case Shape::kOther:
      return !is_static(Py_TYPE(value)) && Py_TYPE(value)->tp_descr_get == nullptr;
    default:
      return true;
  }
}

Objects find_shared(PyTypeObject* type) {
  Objects found;
  for (Py_ssize_t i = 0; type->tp_mro != nullptr && i < PyTuple_GET_SIZE(type->tp_mro); ++i) {
    auto* base = reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(type->tp_mro, i));
    if (is_static(base)) continue;
    PyObject *key = nullptr, *value = nullptr;
    Py_ssize_t position = 0;
    while (PyDict_Next(base->tp_dict, &position, &key, &value) != 0) {
      const char* name = PyUnicode_Check(key) ? PyUnicode_AsUTF8(key) : nullptr;
      if (name != nullptr && std::string_view(name).starts_with("__")) continue;
      if (is_shared(value)) found.push_back(value);
    }
  }
  return found;
}

// What the class holds for its instances. A class that changes has another version.
const Objects& shared_by(PyTypeObject* type) {
  struct Found {
    unsigned version = 0;
    Objects objects;
  };
  static auto* table = new std::unordered_map<PyTypeObject*, Found>;
  Found& found = (*table)[type];
  if (found.version == 0 || found.version != type->tp_version_tag) {
    found.objects = find_shared(type);
    type_lookup(type, interned("__class__").ptr());  // gives the type a version tag when it has none
    found.version = type->tp_version_tag;
  }
  return found.objects;
}

void push_callable(Objects& objects, PyObject* callable) {
  if (PyFunction_Check(callable)) {
    auto* function = reinterpret_cast<PyFunctionObject*>(callable);
    push_items(objects, function->func_closure);
    push_items(objects, function->func_defaults);
    push(objects, function->func_kwdefaults);
  } else if (PyMethod_Check(callable)) {
    push(objects, PyMethod_GET_FUNCTION(callable));
    push(objects, PyMethod_GET_SELF(callable));
  } else if (is_bound_builtin(callable)) {
    push(objects, PyCFunction_GET_SELF(callable));
  } else if (Py_TYPE(callable) == jitted_type()) {
    push(objects, jitted_function(callable));
  } else if (Py_TYPE(callable) == partial_type()) {
    const nb::handle partial(callable);  // which keeps these alive
    push(objects, nb::object(partial.attr("func")).ptr());
    push_items(objects, nb::object(partial.attr("args")).ptr());
    push(objects, nb::object(partial.attr("keywords")).ptr());
  } else if (PyType_Check(callable)) {
    const Objects& shared = shared_by(reinterpret_cast<PyTypeObject*>(callable));
    objects.insert(objects.end(), shared.begin(), shared.end());
  }
}

// Whether all that operators and texts look at is what the exception was made of.
bool shows_arguments(PyObject* exception) {
  PyTypeObject* type = Py_TYPE(exception);
  PyTypeObject* base = type;
  while (!is_static(base)) base = base->tp_base;
  return type->tp_str == base->tp_str && type->tp_repr == base->tp_repr &&
         type->tp_richcompare == base->tp_richcompare && type->tp_hash == base->tp_hash;
}

}  // namespace

Objects held_by(PyObject* object, Depth depth) {
  if (depth == Depth::kDeep && PyExceptionInstance_Check(object) && shows_arguments(object)) {
    Objects arguments;
    push(arguments, reinterpret_cast<PyBaseExceptionObject*>(object)->args);
    return arguments;
  }
  if (PyCell_Check(object)) {
    Objects content;
    push(content, PyCell_GET(object));
    return content;
  }
  if (shape_of(object) != Shape::kCallable) {
    Objects objects = attributes_of(object);
    if (depth == Depth::kArguments && !is_static(Py_TYPE(object))) {
      const Objects& shared = shared_by(Py_TYPE(object));
      objects.insert(objects.end(), shared.begin(), shared.end());
    }
    return objects;
  }
  Objects objects;
  const bool copied =
      Py_TYPE(object) == partial_type();  // by copy.deepcopy, which gives functions as they are
  const bool whole = depth == Depth::kArguments || (depth == Depth::kReached && copied);
  if (PyMethod_Check(object) && !whole) push(objects, PyMethod_GET_SELF(object));
  if (copied && !whole) push_callable(objects, object);
  if (!whole || PyModule_Check(object)) return objects;
  push_callable(objects, object);
  if (!PyType_Check(object))
    for (PyObject* value : attributes_of(object)) push(objects, value);
  return objects;
}

nb::object referent(PyObject* reference) { return checked(PyObject_CallNoArgs(reference)); }

bool may_catch_closing(PyObject* generator) {
#if PY_VERSION_HEX >= 0x030B0000
  const auto* code = reinterpret_cast<PyCodeObject*>(reinterpret_cast<PyGenObject*>(generator)->gi_code);
  return PyBytes_GET_SIZE(code->co_exceptiontable) != 0;
#else
  return (void)generator, true;
#endif
}

namespace {

bool is_suspended(PyObject* generator) {
  static const nb::object* suspended = new nb::object(imported("inspect", "GEN_SUSPENDED"));
  static const nb::object* state = new nb::object(imported("inspect", "getgeneratorstate"));
  return (*state)(nb::handle(generator)).equal(*suspended);
}

}  // namespace

bool has_end(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  if (type == &PyUnicode_Type || type == &PyLong_Type || type == &PyList_Type || type == &PyDict_Type)
    return false;
  if (PyCoro_CheckExact(object) || PyAsyncGen_CheckExact(object)) return true;  // the one may warn
  if (PyGen_CheckExact(object)) return may_catch_closing(object) && is_suspended(object);
  if (!is_static(type) && type_lookup(type, interned("__del__").ptr()) != nullptr) return true;
  if (!PyType_SUPPORTS_WEAKREFS(type)) return false;
  const auto* references = reinterpret_cast<PyWeakReference*>(*PyObject_GET_WEAKREFS_LISTPTR(object));
  for (; references != nullptr; references = references->wr_next)
    if (references->wr_callback != nullptr) return true;
  return false;
}

namespace {

int add_owned(PyObject* held, void* objects) {
  if (Py_REFCNT(held) == 1) static_cast<Objects*>(objects)->push_back(held);
  return 0;
}

// What goes with the object, if nothing else holds it.
void push_owned(Objects& objects, PyObject* object) {
  if (PyType_Check(object) || PyModule_Check(object) || !PyObject_IS_GC(object)) return;
  if (const traverseproc traverse = Py_TYPE(object)->tp_traverse)
    traverse(object, add_owned, static_cast<void*>(&objects));
}

bool any_ends_with_code(Objects objects) {
  constexpr int kMost = 1000;
  for (int seen = 0; !objects.empty() && seen < kMost; ++seen) {
    PyObject* object = objects.back();
    objects.pop_back();
    if (PyUnicode_CheckExact(object) || PyLong_CheckExact(object)) continue;
    if (has_end(object)) return true;
    push_owned(objects, object);
  }
  return false;
}

}  // namespace

bool ends_with_code(PyObject* object, std::uint32_t references) {
  if (PyUnicode_CheckExact(object) || PyLong_CheckExact(object)) return false;
  return static_cast<std::uint64_t>(Py_REFCNT(object)) == references && any_ends_with_code({object});
}

bool holds_what_ends_with_code(PyObject* container) {
  Objects owned;
  push_owned(owned, container);
  return any_ends_with_code(std::move(owned));
}

bool is_fixed(PyObject* callable) {
  if (PyCFunction_Check(callable)) return !is_bound_builtin(callable);
  if (PyType_Check(callable)) return is_static(reinterpret_cast<PyTypeObject*>(callable));
  PyTypeObject* type = Py_TYPE(callable);
  return type == &PyMethodDescr_Type || type == &PyWrapperDescr_Type || type == &PyClassMethodDescr_Type ||
         type == &PyGetSetDescr_Type || type == &PyMemberDescr_Type || type == &PyBaseObject_Type;
}

std::optional<Objects> shown_of_module(PyObject* module) {
  static auto* specification =
      reinterpret_cast<PyTypeObject*>(imported("importlib.machinery", "ModuleSpec").release().ptr());
  PyObject* space = PyModule_GetDict(module);
  const auto get = [&](const char* name) { return PyDict_GetItemString(space, name); };
  const auto is_missing = [](PyObject* value) { return value == nullptr || value == Py_None; };
  Objects shown;
  PyObject* spec = get("__spec__");
  if (is_missing(spec)) {
    if (get("__getattr__") != nullptr || !is_missing(get("__loader__"))) return std::nullopt;
    push(shown, get("__name__"));
    push(shown, get("__file__"));
    return shown;
  }
  if (Py_TYPE(spec) != specification) return std::nullopt;
  PyObject* origin = attribute_in_dict(spec, interned("origin").ptr());
  if (origin == nullptr || !PyUnicode_CheckExact(origin)) return std::nullopt;  // then its loader is shown
  push(shown, spec);
  return shown;
}

}  // namespace xcs::python
