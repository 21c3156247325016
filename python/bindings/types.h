// What the host knows of an object from its type alone.
#pragma once

#include <initializer_list>

#include "objects.h"

namespace xcs::python {

// How operators, comparisons, hashing and formatting see an object.
enum class Shape : std::uint8_t {
  kAtom,   // immutable, and they run no code of the user's
  kTuple,  // tuple, frozenset or named tuple: as its elements
  kList,
  kDict,  // dict, defaultdict, OrderedDict, Counter
  kSet,
  kDeque,
  kBuffer,       // bytearray
  kView,         // keys, values or items of a dict
  kIterator,     // of a builtin container: by identity; stepping it reads the container
  kCallable,     // function, class, module, generator, ...: by identity; using it otherwise may do anything
  kPlain,        // an instance whose class defines no operator: by identity
  kRecord,       // an exception, or an instance of a dataclass with generated operators: as its attributes
  kPlaceholder,  // stands for a pending value inside a container; see placeholder.h
  kOther,        // they may do anything
};

// Classes are looked at again when they have changed.
Shape shape_of(PyObject* object);

// Whether operators on it depend on its identity and on immutable objects only, and run no code of the
// user's.
bool is_atom(PyObject* object);

// Says that an attribute of the object is assigned: a member of an enumeration is no constant then.
void note_assigned(PyObject* object);

// As shape_of, for instances of a class.
Shape shape_of_instances(PyTypeObject* type);

// Whether nothing of it can be changed through any reference: no function, no instance, all the way down.
bool is_constant(PyObject* object);

// Whether it is an exception whose text is made of immutable objects alone.
bool is_plain_exception(PyObject* object);

inline bool is_container(Shape shape) { return shape >= Shape::kList && shape <= Shape::kBuffer; }

// Whether `type` is a builtin class, or one that compiled code made once and for all.
inline bool is_static(PyTypeObject* type) { return (type->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0; }

// What `type` or one of its bases defines as `name`: borrowed, or null; sets no error.
PyObject* type_lookup(PyTypeObject* type, PyObject* name);

// Whether it is compiled code, or a function of the modules of the standard library that define abstract
// classes.
bool comes_with_python(PyObject* function);

// Whether it is one of these types.
bool is_type(PyObject* callee, std::initializer_list<PyTypeObject*> types);

// Attribute access on instances of `type` is CPython's own: no __getattribute__, __getattr__ or __setattr__.
bool has_plain_getattr(PyTypeObject* type);
// An attribute that is there is found as by CPython itself; __getattr__ may be asked for one that is not.
bool finds_plainly(PyTypeObject* type);
bool has_plain_setattr(PyTypeObject* type);

// Whether it is asked before the instance's own attributes.
bool is_data_descriptor(PyObject* descriptor);
// Whether it is a place of a class's __slots__, which takes any object.
bool is_slot(PyObject* descriptor);
// Whether it is what gives a field of a named tuple; it may be null.
bool is_field(PyObject* descriptor);
// The names of the fields of a class of named tuples that does what tuples do, or null.
PyObject* fields_of(PyTypeObject* type);
// Whether copying an instance runs code of the program's.
bool has_copy_hooks(PyTypeObject* type);
// Whether no attribute of the object is given by code of the program's.
bool gives_attributes_plainly(PyObject* object);
// Whether binding the descriptor runs no code of the user's: functions, builtin descriptors, plain values.
bool binds_plainly(PyObject* found);

}  // namespace xcs::python
