// What an object leads to in one step, for what reads everything that can be reached.
#pragma once

#include "memory.h"

namespace xcs::python {

// The attributes and items of `object`, no container, that a node of this depth may come upon; borrowed. Of a
// function, what its closure, defaults and attributes hold; of an instance, with kArguments, what its class
// holds besides methods, too.
std::vector<PyObject*> held_by(PyObject* object, Depth depth);

// What the weak reference refers to, or None.
nb::object referent(PyObject* reference);

// Whether the generator's code may run on when it is closed. That of Python 3.12 and later always catches.
bool may_catch_closing(PyObject* generator);

// Whether code of the program's runs when the object itself goes: a __del__, a callback of a weak reference,
// or what a generator has left to do.
bool has_end(PyObject* object);

// Whether such code runs when the last of `references` references to the object, which are all there are,
// goes: its own, or that of what it alone holds.
bool ends_with_code(PyObject* object, std::uint32_t references);

// Whether it does for something that the container alone holds.
bool holds_what_ends_with_code(PyObject* container);

// Whether the callable has no memory of its own that anything could change.
bool is_fixed(PyObject* callable);

// The text of a module is that of its specification or, when it has none, made of these attributes. Nothing
// when making it may run the program's code.
std::optional<std::vector<PyObject*>> shown_of_module(PyObject* module);

}  // namespace xcs::python
