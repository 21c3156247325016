// Stands between an iterator and what it was made over, and tells whether anybody has asked for an item.
#pragma once

#include <functional>

#include "objects.h"

namespace xcs::python {

// An iterator over `iterable`; what making an iterator of it raises is thrown.
nb::object make_witness(PyObject* iterable);

// Watches a witness that it does not hold, until it is asked for its first item or goes.
class Watch {
 public:
  Watch() = default;
  // `ends` is called once, when the watch ends; it may destroy the watch.
  Watch(PyObject* witness, std::move_only_function<void()> ends);
  ~Watch();
  Watch(Watch&& other) noexcept;
  Watch& operator=(Watch&& other) noexcept;

  // Whether the witness has one holder, and has not been asked for anything.
  bool is_unasked() const;
  bool exists() const { return witness_ != nullptr; }
  void end();

 private:
  PyObject* witness_ = nullptr;
  std::move_only_function<void()> ends_;
};

}  // namespace xcs::python
