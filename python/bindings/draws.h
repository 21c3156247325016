// Draws from random generators and iterators, before their turn.
//
// Note [early draws]
// A draw changes its source and gives something that depends on what was drawn before. It is an effect, and
// happens in its turn like any other; but what it will give is found at once, on a copy of the source on
// which the draws that have not happened yet were done. So a draw that never happens, because of an exception
// before it, leaves no trace.
#pragma once

#include <deque>
#include <unordered_map>
#include <vector>

#include "objects.h"

namespace xcs::python {

// What is called with a source and these arguments.
struct Draw {
  nb::object function;
  std::vector<nb::object> positional;
  nb::dict keywords;
};

class Draws {
 public:
  // Whether a copy of the object gives what the object would give.
  static bool is_generator(PyObject* object);  // random.Random, and numpy's
  static bool is_numpy_generator(PyObject* object);
  static bool is_iterator(PyObject* object);  // of itertools.count, or of a list, tuple, string or range

  // What `draw` gives when the first `pending` of the draws done here have not happened yet, and no others.
  // Null when it raises: it has not been done then.
  nb::object draw(PyObject* source, std::size_t pending, Draw draw);
  // The oldest draw from the source happens.
  void happens(PyObject* source);

 private:
  struct Shadow {
    nb::object source;  // kept alive, so that its address names it
    nb::object copy;    // null: to be made
    std::deque<Draw> draws;
  };
  std::unordered_map<PyObject*, Shadow> shadows_;
};

}  // namespace xcs::python
