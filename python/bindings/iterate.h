// Iterators as the window steps them: one item at a time, each read at its own place.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "actions.h"
#include "witness.h"

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
  // What its items are, at the view's place; null when that is not known.
  virtual window::KnownRef describe(View& view) = 0;
};

// Steps over what gives each item once: those it has given are kept for rewind(), as long as a loop may look
// that far ahead.
class KeepingCursor : public Cursor {
 public:
  void advance() final;
  void rewind(std::size_t steps) final { index_ -= steps; }

 protected:
  bool has_item() const { return index_ < items_.size(); }
  Action item() const { return done(to_value(items_[index_].ptr())); }  // REQUIRES: has_item()
  void keep(nb::object item) { items_.push_back(std::move(item)); }

 private:
  std::vector<nb::object> items_;
  std::size_t index_ = 0;
};

// Which part of a dict is iterated over.
enum class Part : std::uint8_t { kKeys, kValues, kItems };

// An iterator that steps the cursor.
nb::object make_iterator(std::unique_ptr<Cursor> cursor);

// The iterators of one run.
class Iterators {
 public:
  explicit Iterators(Placeholders& placeholders) : placeholders_(placeholders) {}
  ~Iterators();
  Iterators(const Iterators&) = delete;
  Iterators& operator=(const Iterators&) = delete;

  // What kIter makes of `iterable`, which `maker` gave if that is not null: an object that holds a cursor.
  // kUnknown when its type is not one that is known.
  struct Made {
    Obstacle obstacle = Obstacle::kNothing;
    nb::object cursor;
    Value element;
  };
  Made make(PyObject* iterable, const ir::Node* maker, View& view);

  // The cursor in an object that make() gave, or null.
  static Cursor* cursor_of(PyObject* object);

  // As make, for an iterator that only the code at hand has: one of CPython's that read no memory when they
  // are stepped, or one that was remembered; null for any other.
  nb::object own(PyObject* iterator, View& view);

  // Whether `callee` makes an iterator out of iterables and nothing else: enumerate, zip, reversed.
  static bool composes(PyObject* callee);
  // Where an iterator was made, by a callee that composes, and which nodes gave the arguments; null where
  // something other than a temporary may hold them.
  struct Origin {
    const ir::Node* maker;
    PyObject* callee;
    std::vector<const ir::Node*> givers;
  };
  // Remembers how `iterator` was made, over `witness` in place of its first argument if that is not null.
  // `length` is that of a list given to reversed, which looks at it then. See Note [composed iterators].
  void remember(nb::object iterator, nb::object witness, Origin origin, std::vector<nb::object> arguments,
                Py_ssize_t length);
  // Whether an iterator made so can be stepped item by item.
  bool known(const Origin& origin, const std::vector<nb::object>& arguments, View& view);

 private:
  struct Remembered {
    nb::object iterator;  // null when a witness is watched for it
    Watch watch;
    Origin origin;
    std::vector<nb::object> arguments;
    Py_ssize_t length;
  };
  struct Piece {
    Obstacle obstacle = Obstacle::kNothing;
    std::unique_ptr<Cursor> cursor;
    Value element;
  };
  Piece make_cursor(PyObject* iterable, View& view);
  Piece make_keyed(const nb::object& container, Part part, View& view);
  Piece compose(const Remembered& remembered, View& view);
  const Remembered* find(PyObject* iterator) const;

  Placeholders& placeholders_;
  std::unordered_map<PyObject*, Remembered> remembered_;
};

}  // namespace xcs::python
