#include "types.h"

#include <structmember.h>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "cached.h"
#include "jitted.h"
#include "placeholder.h"

namespace xcs::python {
namespace {

struct TypeEntry {
  Shape shape;
  unsigned version;  // tp_version_tag: a class that changes, or another one at its address, has another tag
};

using TypeTable = std::unordered_map<PyTypeObject*, TypeEntry>;

// Types of the standard library, by module and name.
const std::unordered_map<std::string, Shape>& named_shapes() {
  static const auto* table = [] {
    auto* t = new std::unordered_map<std::string, Shape>;
    for (const char* name : {"builtins.str",
                             "builtins.int",
                             "builtins.float",
                             "builtins.bool",
                             "builtins.NoneType",
                             "builtins.bytes",
                             "builtins.complex",
                             "builtins.range",
                             "builtins.ellipsis",
                             "builtins.slice",
                             "builtins.NotImplementedType",
                             "builtins.code",
                             "datetime.date",
                             "datetime.datetime",
                             "datetime.time",
                             "datetime.timedelta",
                             "datetime.timezone",
                             "decimal.Decimal",
                             "fractions.Fraction",
                             "uuid.UUID",
                             "re.Pattern",
                             "re.Match",
                             "pathlib.PosixPath",
                             "pathlib.PurePosixPath",
                             "pathlib._local.PosixPath",
                             "pathlib._local.PurePosixPath",
                             "zoneinfo.ZoneInfo",
                             "ipaddress.IPv4Address",
                             "ipaddress.IPv6Address",
                             "numpy.bool",
                             "numpy.bool_",
                             "numpy.float16",
                             "numpy.float32",
                             "numpy.float64",
                             "numpy.int16",
                             "numpy.int32",
                             "numpy.int64",
                             "numpy.int8",
                             "numpy.str_",
                             "numpy.uint16",
                             "numpy.uint32",
                             "numpy.uint64",
                             "numpy.uint8"})
      t->emplace(name, Shape::kAtom);
    for (const char* name : {"builtins.function",
                             "builtins.builtin_function_or_method",
                             "builtins.method",
                             "builtins.method_descriptor",
                             "builtins.classmethod_descriptor",
                             "builtins.wrapper_descriptor",
                             "builtins.method-wrapper",
                             "builtins.classmethod",
                             "builtins.staticmethod",
                             "builtins.property",
                             "builtins.getset_descriptor",
                             "builtins.member_descriptor",
                             "builtins.module",
                             "builtins.generator",
                             "builtins.coroutine",
                             "builtins.async_generator",
                             "builtins.map",
                             "builtins.filter",
                             "functools.partial",
                             "functools._lru_cache_wrapper",
                             "xcs._core.Jitted",
                             "_io.TextIOWrapper",
                             "_io.BufferedWriter",
                             "_io.BufferedReader",
                             "_io.StringIO",
                             "_io.BytesIO",
                             "_thread.lock",
                             "_thread.RLock",
                             "builtins.object",
                             "_random.Random",
                             "random.Random"})
      t->emplace(name, Shape::kCallable);
    for (const char* name :
         {"builtins.list_iterator", "builtins.tuple_iterator", "builtins.range_iterator",
          "builtins.enumerate", "builtins.zip", "builtins.reversed", "builtins.list_reverseiterator",
          "builtins.str_iterator", "builtins.str_ascii_iterator", "builtins.set_iterator",
          "builtins.dict_keyiterator", "builtins.dict_valueiterator", "builtins.dict_itemiterator",
          "builtins.odict_iterator", "builtins.bytes_iterator", "xcs._core.Cursor"})
      t->emplace(name, Shape::kIterator);
    // Objects that have a state which only their methods look at.
    for (const char* name :
         {"_hashlib.HASH", "_hashlib.HMAC", "hmac.HMAC", "_blake2.blake2b", "_blake2.blake2s", "_md5.md5",
          "_sha1.sha1", "sqlite3.Connection", "sqlite3.Cursor"})
      t->emplace(name, Shape::kPlain);
    for (const char* name : {"builtins.dict_keys", "builtins.dict_values", "builtins.dict_items",
                             "builtins.odict_keys", "builtins.odict_values", "builtins.odict_items"})
      t->emplace(name, Shape::kView);
    for (const char* name :
         {"builtins.dict", "collections.defaultdict", "collections.OrderedDict", "collections.Counter"})
      t->emplace(name, Shape::kDict);
    t->emplace("builtins.list", Shape::kList);
    t->emplace("builtins.set", Shape::kSet);
    t->emplace("builtins.tuple", Shape::kTuple);
    t->emplace("builtins.frozenset", Shape::kTuple);
    t->emplace("builtins.bytearray", Shape::kBuffer);
    t->emplace("collections.deque", Shape::kDeque);
    return t;
  }();
  return *table;
}

// The module and qualified name of a class, as it was made: its metaclass is not asked. Empty when they are
// no strings.
std::string full_name(PyTypeObject* type) {
  if (is_static(type)) {
    const std::string name = type->tp_name;
    return name.find('.') == std::string::npos ? "builtins." + name : name;
  }
  PyObject* module = PyDict_GetItemString(type->tp_dict, "__module__");
  PyObject* name = reinterpret_cast<PyHeapTypeObject*>(type)->ht_qualname;
  if (module == nullptr || !PyUnicode_Check(module) || name == nullptr) return type->tp_name;
  const char* module_text = PyUnicode_AsUTF8(module);
  const char* name_text = PyUnicode_AsUTF8(name);
  if (module_text == nullptr || name_text == nullptr) return PyErr_Clear(), std::string();
  return std::string(module_text) + "." + name_text;
}

// Methods with double underscores that no operator calls.
bool is_harmless(std::string_view name) {
  static const auto* names = new std::unordered_set<std::string_view>{"__module__",
                                                                      "__doc__",
                                                                      "__dict__",
                                                                      "__weakref__",
                                                                      "__slots__",
                                                                      "__annotations__",
                                                                      "__qualname__",
                                                                      "__init__",
                                                                      "__new__",
                                                                      "__del__",
                                                                      "__call__",
                                                                      "__enter__",
                                                                      "__exit__",
                                                                      "__aenter__",
                                                                      "__aexit__",
                                                                      "__post_init__",
                                                                      "__orig_bases__",
                                                                      "__parameters__",
                                                                      "__class_getitem__",
                                                                      "__firstlineno__",
                                                                      "__match_args__",
                                                                      "__static_attributes__",
                                                                      "__dataclass_fields__",
                                                                      "__dataclass_params__",
                                                                      "__abstractmethods__",
                                                                      "__annotate__",
                                                                      "__annotate_func__",
                                                                      "__annotations_cache__",
                                                                      "__init_subclass__",
                                                                      "__subclasshook__",
                                                                      "__getstate__",
                                                                      "__setstate__",
                                                                      "__getnewargs__",
                                                                      "__replace__",
                                                                      "__getattr__",
                                                                      "__setattr__",
                                                                      "__delattr__",
                                                                      "__getattribute__",
                                                                      "__type_params__",
                                                                      "__classcell__"};
  return names->contains(name);
}

bool is_generated(PyObject* function) {
  if (!PyFunction_Check(function)) return function == Py_None;  // __hash__ = None
  auto* code = reinterpret_cast<PyCodeObject*>(PyFunction_GET_CODE(function));
  return PyUnicode_CompareWithASCIIString(code->co_filename, "<string>") == 0;
}

// Whether it is the wrapper that dataclasses put around the __repr__ they generate.
bool is_generated_repr(nb::handle function) {
  if (!PyFunction_Check(function.ptr()) || !nb::hasattr(function, "__wrapped__")) return false;
  if (!is_generated(nb::object(function.attr("__wrapped__")).ptr())) return false;
  const auto file = nb::cast<std::string>(function.attr("__code__").attr("co_filename"));
  return file.ends_with("dataclasses.py") || file.ends_with("reprlib.py");
}

// Whether it is a method that all enumerations have, or that is compiled.
bool is_enum_method(nb::handle member) {
  if (!PyFunction_Check(member.ptr()))
    return Py_TYPE(member.ptr()) == &PyWrapperDescr_Type || Py_TYPE(member.ptr()) == &PyMethodDescr_Type;
  const nb::object module = nb::borrow(reinterpret_cast<PyFunctionObject*>(member.ptr())->func_module);
  return PyUnicode_Check(module.ptr()) && PyUnicode_CompareWithASCIIString(module.ptr(), "enum") == 0;
}

// Whether it is a method that collections.namedtuple gives its classes.
bool is_namedtuple_method(nb::handle member) {
  static auto* file =
      nb::object(imported("collections", "namedtuple").attr("__code__").attr("co_filename")).release().ptr();
  const nb::object function = nb::getattr(member, "__func__", nb::borrow(member));
  if (PyCFunction_Check(function.ptr()) || PyType_Check(function.ptr())) return true;
  if (!PyFunction_Check(function.ptr())) return false;
  auto* code = reinterpret_cast<PyCodeObject*>(PyFunction_GET_CODE(function.ptr()));
  return is_generated(function.ptr()) || PyUnicode_Compare(code->co_filename, file) == 0;
}

enum class Operators : std::uint8_t { kNone, kGenerated, kOwn };

Operators operators_of(PyTypeObject* type, bool enumeration, bool named_tuple) {
  const bool dataclass = type_lookup(type, interned("__dataclass_fields__").ptr()) != nullptr;
  auto result = Operators::kNone;
  const nb::object items = checked(PyDict_Items(type->tp_dict));
  for (nb::handle item : items) {
    if (!nb::isinstance<nb::str>(item[0])) continue;
    const auto name = nb::cast<std::string>(item[0]);
    if (!name.starts_with("__") || !name.ends_with("__") || is_harmless(name)) continue;
    const nb::object member = nb::borrow(item[1]);
    if (enumeration && is_enum_method(member)) continue;
    if (named_tuple && is_namedtuple_method(member)) continue;
    if (!dataclass || !(is_generated(member.ptr()) || is_generated_repr(member))) return Operators::kOwn;
    result = Operators::kGenerated;
  }
  return result;
}

// Enumerations whose members get attributes. A class that is made where one of them was is none of them, but
// is taken for one, which is harmless.
std::unordered_set<PyTypeObject*>& changing_enumerations() {
  static auto* types = new std::unordered_set<PyTypeObject*>;
  return *types;
}

TypeTable& known_types() {
  static auto* table = new TypeTable;
  return *table;
}

Shape shape_of_class(PyTypeObject* type) {
  const std::string metatype = full_name(Py_TYPE(type));
  const bool enumeration = metatype == "enum.EnumType" || metatype == "enum.EnumMeta";
  const bool exception = PyType_FastSubclass(type, Py_TPFLAGS_BASE_EXC_SUBCLASS) != 0;
  const bool named_tuple = PyType_FastSubclass(type, Py_TPFLAGS_TUPLE_SUBCLASS) != 0 &&
                           type_lookup(type, interned("_field_defaults").ptr()) != nullptr;
  if (enumeration && changing_enumerations().contains(type)) return Shape::kOther;
  Shape shape = enumeration   ? Shape::kAtom
                : exception   ? Shape::kRecord
                : named_tuple ? Shape::kTuple
                              : Shape::kPlain;
  PyObject* mro = type->tp_mro;
  if (mro == nullptr) return Shape::kOther;  // a class whose metaclass is asked for its bases
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(mro); ++i) {
    auto* base = reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(mro, i));
    if (base == &PyBaseObject_Type) continue;
    if ((base->tp_flags & Py_TPFLAGS_IMMUTABLETYPE) != 0) {  // of compiled code
      const bool known = (exception && PyType_FastSubclass(base, Py_TPFLAGS_BASE_EXC_SUBCLASS) != 0) ||
                         (named_tuple && base == &PyTuple_Type) ||
                         (enumeration && (base == &PyUnicode_Type || base == &PyLong_Type));
      if (!known) return Shape::kOther;
      continue;
    }
    if (enumeration && full_name(base).starts_with("enum.")) continue;
    switch (operators_of(base, enumeration, named_tuple)) {
      case Operators::kNone:
        break;
      case Operators::kGenerated:
        if (shape == Shape::kPlain) shape = Shape::kRecord;
        break;
      case Operators::kOwn:
        return Shape::kOther;
    }
  }
  return shape;
}

// CPython readies some of its own classes, such as that of co_positions(), when an attribute is first looked
// up.
void make_ready(PyTypeObject* type) {
  if (type->tp_mro == nullptr && is_static(type) && PyType_Ready(type) != 0) throw nb::python_error();
}

Shape find_shape(PyTypeObject* type) {
  make_ready(type);
  const std::string name = full_name(type);
  if (auto found = named_shapes().find(name); found != named_shapes().end()) return found->second;
  if (type == placeholder_type()) return Shape::kPlaceholder;
  if (PyType_IsSubtype(type, &PyType_Type)) {
    const bool known = type == &PyType_Type || name == "abc.ABCMeta" || name == "enum.EnumMeta" ||
                       name == "enum.EnumType" || name == "typing._ProtocolMeta";
    return known ? Shape::kCallable : Shape::kOther;
  }
  return shape_of_class(type);
}

}  // namespace

Shape shape_of(PyObject* object) { return shape_of_instances(Py_TYPE(object)); }

void note_assigned(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  if (is_static(type) || shape_of(object) != Shape::kAtom) return;
  changing_enumerations().insert(type);
  known_types().erase(type);
}

Shape shape_of_instances(PyTypeObject* type) {
  TypeTable& table = known_types();
  auto found = table.find(type);
  if (found != table.end() && found->second.version == type->tp_version_tag && type->tp_version_tag != 0)
    return found->second.shape;
  const Shape shape = find_shape(type);
  type_lookup(type, interned("__class__").ptr());  // gives the type a version tag when it has none
  table[type] = {shape, type->tp_version_tag};
  return shape;
}

namespace {

// Of an object of an atomic type: whether the objects that it is made of are atoms.
bool is_made_of_atoms(PyObject* object) {
  if (PySlice_Check(object)) {
    const auto* slice = reinterpret_cast<PySliceObject*>(object);
    return is_atom(slice->start) && is_atom(slice->stop) && is_atom(slice->step);
  }
  static auto* datetime = reinterpret_cast<PyTypeObject*>(imported("datetime", "datetime").release().ptr());
  static auto* time = reinterpret_cast<PyTypeObject*>(imported("datetime", "time").release().ptr());
  if (Py_TYPE(object) != datetime && Py_TYPE(object) != time) return true;
  const nb::object zone = nb::handle(object).attr("tzinfo");
  return zone.is_none() || shape_of(zone.ptr()) == Shape::kAtom;
}

}  // namespace

bool is_atom(PyObject* object) {
  if (PyUnicode_CheckExact(object) || PyLong_CheckExact(object) || object == Py_None ||
      PyBool_Check(object) || PyFloat_CheckExact(object))
    return true;
  switch (shape_of(object)) {
    case Shape::kAtom:
      return is_made_of_atoms(object);
    case Shape::kIterator:
    case Shape::kCallable:
    case Shape::kPlain:
      return true;
    case Shape::kTuple:
      break;
    default:
      return false;
  }
  if (!PyTuple_Check(object)) {
    for (nb::handle element : nb::borrow(object))
      if (!is_atom(element.ptr())) return false;
    return true;
  }
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object); ++i)
    if (!is_atom(PyTuple_GET_ITEM(object, i))) return false;
  return true;
}

bool is_constant(PyObject* object) {
  if (!PyTuple_CheckExact(object)) return shape_of(object) == Shape::kAtom && !PySlice_Check(object);
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object); ++i)
    if (!is_constant(PyTuple_GET_ITEM(object, i))) return false;
  return true;
}

bool is_plain_exception(PyObject* object) {
  return PyExceptionInstance_Check(object) && shape_of(object) == Shape::kRecord &&
         is_constant(reinterpret_cast<PyBaseExceptionObject*>(object)->args);
}

PyObject* type_lookup(PyTypeObject* type, PyObject* name) {
  make_ready(type);
  return _PyType_Lookup(type, name);
}

bool comes_with_python(PyObject* function) {
  if (function == nullptr || !PyFunction_Check(function)) return function != nullptr;
  PyObject* name = PyDict_GetItemString(PyFunction_GET_GLOBALS(function), "__name__");
  if (name == nullptr || !PyUnicode_Check(name)) return false;
  for (const char* module :
       {"abc", "_py_abc", "_collections_abc", "typing", "typing_extensions", "enum", "contextlib", "os"})
    if (PyUnicode_CompareWithASCIIString(name, module) == 0) return true;
  return false;
}

bool has_plain_getattr(PyTypeObject* type) { return type->tp_getattro == PyObject_GenericGetAttr; }
bool finds_plainly(PyTypeObject* type) {
  static PyObject* name = checked(PyUnicode_InternFromString("__getattribute__")).release().ptr();
  return has_plain_getattr(type) || type_lookup(type, name) == type_lookup(&PyBaseObject_Type, name);
}
bool has_plain_setattr(PyTypeObject* type) { return type->tp_setattro == PyObject_GenericSetAttr; }

bool is_type(PyObject* callee, std::initializer_list<PyTypeObject*> types) {
  return std::ranges::any_of(types,
                             [&](PyTypeObject* t) { return reinterpret_cast<PyObject*>(t) == callee; });
}

bool is_data_descriptor(PyObject* descriptor) {
  return descriptor != nullptr && Py_TYPE(descriptor)->tp_descr_set != nullptr;
}

bool is_field(PyObject* descriptor) {
  static auto* type =
      reinterpret_cast<PyTypeObject*>(imported("_collections", "_tuplegetter").release().ptr());
  return descriptor != nullptr && Py_TYPE(descriptor) == type;
}

PyObject* fields_of(PyTypeObject* type) {
  if (PyType_FastSubclass(type, Py_TPFLAGS_TUPLE_SUBCLASS) == 0 || shape_of_instances(type) != Shape::kTuple)
    return nullptr;
  PyObject* fields = type_lookup(type, interned("_fields").ptr());
  return fields != nullptr && PyTuple_CheckExact(fields) ? fields : nullptr;
}

bool is_slot(PyObject* descriptor) {
  if (descriptor == nullptr || Py_TYPE(descriptor) != &PyMemberDescr_Type) return false;
  const PyMemberDef* member = reinterpret_cast<PyMemberDescrObject*>(descriptor)->d_member;
  return member->type == T_OBJECT_EX && (member->flags & READONLY) == 0;
}

namespace {

// Whether it is a functools.partialmethod of a function.
bool is_partial_method(PyObject* found) {
  static auto* type = reinterpret_cast<PyTypeObject*>(imported("functools", "partialmethod").release().ptr());
  return Py_TYPE(found) == type && PyFunction_Check(nb::object(nb::handle(found).attr("func")).ptr());
}

}  // namespace

bool has_copy_hooks(PyTypeObject* type) {
  constexpr const char* kHooks[] = {"__getstate__", "__setstate__", "__getnewargs__", "__getnewargs_ex__",
                                    "__new__"};
  if (is_static(type)) return false;
  return std::ranges::any_of(kHooks, [&](const char* name) {
    PyObject* hook = type_lookup(type, interned(name).ptr());
    return hook != nullptr && (PyFunction_Check(hook) || Py_TYPE(hook) == &PyStaticMethod_Type) &&
           !comes_with_python(hook);
  });
}

bool gives_attributes_plainly(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  if (PyModule_CheckExact(object))
    return PyDict_GetItemString(PyModule_GetDict(object), "__getattr__") == nullptr;
  if (!has_plain_getattr(type) && !PyFunction_Check(object)) return is_static(type);
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(type->tp_mro); ++i) {
    auto* base = reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(type->tp_mro, i));
    if (is_static(base)) continue;
    PyObject *key = nullptr, *value = nullptr;
    Py_ssize_t position = 0;
    while (PyDict_Next(base->tp_dict, &position, &key, &value) != 0)
      if (!binds_plainly(value) && Py_TYPE(value) != &PyGetSetDescr_Type) return false;
  }
  return true;
}

bool binds_plainly(PyObject* found) {
  if (found == nullptr || Py_TYPE(found)->tp_descr_get == nullptr) return true;
  PyTypeObject* type = Py_TYPE(found);
  return type == &PyFunction_Type || type == &PyClassMethod_Type || type == &PyStaticMethod_Type ||
         type == &PyMethodDescr_Type || type == &PyClassMethodDescr_Type || type == &PyWrapperDescr_Type ||
         type == &PyMemberDescr_Type || type == &PyMethod_Type || type == &PyCFunction_Type ||
         type == jitted_type() || is_lru_cache(found) || is_partial_method(found);
}

}  // namespace xcs::python
