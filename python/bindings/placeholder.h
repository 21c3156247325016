// Stands for a pending value inside a Python container that already exists.
//
// Note [placeholders]
// A display, *args or **kwargs may hold an answer that is not there yet. The container is made at once, with a
// placeholder in that position, so that code that does not look at the position goes on. Only the host ever sees a
// placeholder: it turns one that it reads into the pending value, and it puts every value in its place
// (Placeholders::settle) before any code but its own looks at the container, which is when everything before that
// code has been committed and so all values are there. Copies on which stores are replayed hold placeholders too.
#pragma once

#include <vector>

#include "objects.h"

namespace xcs::python {

PyTypeObject* placeholder_type();

// A new placeholder for `value`. REQUIRES: value.is_pending()
nb::object make_placeholder(Value value);

// The object, or a new placeholder for what is pending.
nb::object to_object(const Value& value);

// As the program sees `object`: the value a placeholder stands for, which may be there by now, or the object.
Value to_value(PyObject* object);

// The containers of one run that hold placeholders.
class Placeholders {
 public:
  // Remembers those directly in `container`, a list, tuple or dict (in its values) that nobody else has seen.
  void watch(nb::object container);
  // As watch, for a display that was evaluated with placeholders among its operands: also those in displays inside
  // it. Returns whether each of them is where it can be replaced.
  bool watch_display(nb::object display, std::size_t count);
  bool empty() const { return watched_.empty(); }
  // Puts the values that are there in place of their placeholders.
  void settle();

 private:
  std::vector<nb::object> watched_;
};

}  // namespace xcs::python
