// Iterators as the window steps them: one item at a time, each read at its own place.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "actions.h"

namespace xcs::python {

// Steps over one iterable of a known type.
class Cursor {
 public:
  virtual ~Cursor() = default;
  // The next item, which may be pending, or kStop, or what it waits for. Has no effect.
  virtual Action peek(View& view) = 0;
  // Goes past the item that peek() gave. REQUIRES: peek() answered kDone since the last call
  virtual void advance() = 0;
  // Goes back over the last `steps` advances.
  virtual void rewind(std::size_t steps) = 0;
  // Whether all items from here on are constants, at the view's place.
  virtual bool yields_constants(View& view) = 0;
};

// Which part of a dict is iterated over.
enum class Part : std::uint8_t { kKeys, kValues, kItems };

// The iterators of one run.
class Iterators {
 public:
  explicit Iterators(Placeholders& placeholders) : placeholders_(placeholders) {}

  // What kIter makes of `iterable`: an object that holds a cursor. kUnknown when its type is not one that is known.
  struct Made {
    Obstacle obstacle = Obstacle::kNothing;
    nb::object cursor;
    Value element;
  };
  Made make(PyObject* iterable, View& view);

  // The cursor in an object that make() gave, or null.
  static Cursor* cursor_of(PyObject* object);

  // Whether `callee` makes an iterator out of iterables and nothing else: enumerate, zip, reversed.
  static bool composes(PyObject* callee);
  // Remembers that calling `callee`, which composes, with the arguments made `iterator`.
  void remember(nb::object iterator, PyObject* callee, std::vector<nb::object> arguments);

  // Brings a remembered iterator up to where its cursor is, and forgets it: code other than the host's will use it.
  void surrender(PyObject* iterator);
  bool empty() const { return remembered_.empty(); }

 private:
  struct Remembered {
    nb::object iterator;
    PyObject* callee;
    std::vector<nb::object> arguments;
    nb::object cursor;  // once it has been iterated over
    std::shared_ptr<std::size_t> stepped;  // shared with the cursor, which may outlive the memory of it
  };
  struct Piece {
    Obstacle obstacle = Obstacle::kNothing;
    std::unique_ptr<Cursor> cursor;
    Value element;
  };
  Piece make_cursor(PyObject* iterable, View& view);
  Piece make_keyed(const nb::object& container, Part part, View& view);
  Piece compose(const Remembered& remembered, View& view);

  Placeholders& placeholders_;
  std::unordered_map<PyObject*, Remembered> remembered_;
};

}  // namespace xcs::python
