// Stands for a pending value inside a Python container that already exists.
//
// Note [placeholders]
// A display, *args, **kwargs or a variable that a nested function captures may hold an answer that is not
// there yet. The container, or cell, is made at once, with a placeholder in that position, so that code that
// does not look at the position goes on. Only the host ever sees a placeholder: it turns one that it reads
// into the pending value, and it puts every value in its place (Placeholders::settle) before any code but its
// own looks at the container, which is when everything before that code has been committed and so all values
// are there. Copies on which stores are replayed hold placeholders too. Code that runs ahead may move one
// from container to container, as list.copy() does. All else that it could do with one, such as hash or
// compare it, raises placeholder_error(), and the host takes that for an operation that has to wait.
#pragma once

#include <list>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "objects.h"

namespace xcs::python {

PyTypeObject* placeholder_type();

// The exception that looking at a placeholder raises. The program never sees it.
PyObject* placeholder_error();

// A new placeholder for `value`. REQUIRES: value.is_pending()
nb::object make_placeholder(Value value);

// The object, or a new placeholder for what is pending.
nb::object to_object(const Value& value);

// As the program sees `object`: the value a placeholder stands for, which may be there by now, or the object.
Value to_value(PyObject* object);

// A value that is still pending in a tuple or in tuples inside it; unbound when there is none.
Value pending_inside(PyObject* object);

// Puts the values that are there in place of their placeholders directly in a copy that only the host has
// seen.
void settle_directly(PyObject* container);

// The containers of one run that hold placeholders.
class Placeholders {
 public:
  Placeholders() = default;
  ~Placeholders();
  Placeholders(const Placeholders&) = delete;
  Placeholders& operator=(const Placeholders&) = delete;

  // Remembers those directly in `container`, a list, tuple, dict (in its values) or cell that nobody else has
  // seen.
  void watch(nb::object container);
  // As watch, for a display that was evaluated with placeholders among its operands: also those in displays
  // inside it. Returns whether each of them is where it can be replaced.
  bool watch_display(nb::object display, std::size_t count);
  // As watch, for one that has just been put into `container`: at `index` of a list, or as the value of `key`
  // in a dict.
  void watch_item(PyObject* container, nb::object placeholder, Py_ssize_t index);
  void watch_item(PyObject* container, nb::object placeholder, nb::object key);

  // Whether `container` is known to hold placeholders. As long as it does, there is one reference to it from
  // here.
  bool holds(PyObject* container) const { return holders_.contains(container); }

  // Whether values have come that settle() would put in their place.
  bool any_ready() const { return !ready_.empty(); }
  // Puts the values that are there in place of their placeholders.
  void settle();

 private:
  struct Holder {
    nb::object container;
    std::size_t missing = 0;
  };
  // One placeholder in one container.
  class Gap final : public window::Waiter {
   public:
    Gap(Placeholders& owner, PyObject* container, nb::object placeholder, Py_ssize_t index, nb::object key)
        : owner_(owner),
          container_(container),
          placeholder_(std::move(placeholder)),
          index_(index),
          key_(std::move(key)) {}
    // Waits for the value, or is ready. `self` is where this stands in gaps_.
    void wait(std::list<Gap>::iterator self);
    void wake() override { wait(self_); }
    void forget();
    PyObject* container() const { return container_; }
    // REQUIRES: the value is there
    void fill();

   private:
    Placeholders& owner_;
    PyObject* container_;  // its Holder keeps it alive
    nb::object placeholder_;
    Py_ssize_t index_;  // list, tuple: where it was put
    nb::object key_;    // dict
    Value awaited_;
    std::list<Gap>::iterator self_;
  };

  void add(PyObject* container, nb::object placeholder, Py_ssize_t index, nb::object key);

  std::unordered_map<PyObject*, Holder> holders_;
  std::list<Gap> gaps_;
  std::vector<std::list<Gap>::iterator> ready_;  // their values are there
};

// A tuple of the values, those that are not there yet as placeholders.
nb::object tuple_of(std::span<const Value> values, Placeholders& placeholders);

}  // namespace xcs::python
