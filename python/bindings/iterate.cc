#include "iterate.h"

#include <algorithm>
#include <new>

#include "describe.h"

namespace xcs::python {
namespace {

Action stop() {
  Action a;
  a.verdict = Action::kStop;
  return a;
}

struct CursorObject {
  PyObject_HEAD std::unique_ptr<Cursor> cursor;
};

void destroy_cursor(PyObject* self) {
  reinterpret_cast<CursorObject*>(self)->cursor.~unique_ptr();
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

// Memory when everything has been committed.
class CommittedView final : public View {
 public:
  bool quiet() override { return true; }
  State look(window::Object*, Where) override { return State::kClear; }
  State look_anywhere() override { return State::kClear; }
  std::span<const PendingStore> stores() override { return {}; }
};

// Steps a cursor for code that CPython runs, such as a generator expression that was given one.
PyObject* step_natively(PyObject* self) {
  CommittedView view;
  Cursor& cursor = *reinterpret_cast<CursorObject*>(self)->cursor;
  try {
    Action a = cursor.peek(view);
    if (a.verdict == Action::kStop) return nullptr;
    if (a.verdict == Action::kRaised) {
      set_error(object_of(a.value));
      return nullptr;
    }
    cursor.advance();
    return Py_NewRef(object_of(a.value));
  } catch (nb::python_error& error) {
    error.restore();
    return nullptr;
  }
}

PyTypeObject* cursor_type() {
  static PyTypeObject* type = [] {
    PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(destroy_cursor)},
                           {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
                           {Py_tp_iternext, reinterpret_cast<void*>(step_natively)},
                           {0, nullptr}};
    PyType_Spec spec = {"xcs._core.Cursor", sizeof(CursorObject), 0,
                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    return reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)).release().ptr());
  }();
  return type;
}

// What another iterator is made over, which alone has it.
class InnerCursor final : public Cursor {
 public:
  explicit InnerCursor(nb::object iterator)
      : iterator_(std::move(iterator)), inner_(*Iterators::cursor_of(iterator_.ptr())) {}
  Action peek(View& view) override { return inner_.peek(view); }
  void advance() override { inner_.advance(); }
  void rewind(std::size_t steps) override { inner_.rewind(steps); }
  bool yields_constants(View& view) override { return inner_.yields_constants(view); }
  KnownRef describe(View& view) override { return inner_.describe(view); }

 private:
  nb::object iterator_;
  Cursor& inner_;
};

// Tuples, strings, bytes, ranges, and what only the host can see.
class SequenceCursor final : public Cursor {
 public:
  explicit SequenceCursor(nb::object sequence)
      : sequence_(std::move(sequence)), size_(PySequence_Size(sequence_.ptr())) {}
  Action peek(View&) override {
    if (index_ >= size_) return stop();
    PyObject* item = PySequence_GetItem(sequence_.ptr(), index_);
    if (item == nullptr) return raised();
    const nb::object held = nb::steal(item);
    return done(to_value(item));
  }
  void advance() override { ++index_; }
  void rewind(std::size_t steps) override { index_ -= static_cast<Py_ssize_t>(steps); }
  bool yields_constants(View&) override { return is_constant(sequence_.ptr()); }
  KnownRef describe(View& view) override {
    return PyTuple_Check(sequence_.ptr()) ? describe_contents(sequence_.ptr(), Part::kItems, view)
                                          : window::known_atom();
  }

 private:
  nb::object sequence_;
  Py_ssize_t index_ = 0;
  const Py_ssize_t size_;
};

// A list as it is at each step, forwards or backwards.
class ListCursor final : public Cursor {
 public:
  ListCursor(nb::object list, bool backwards, Py_ssize_t start)
      : list_(std::move(list)), backwards_(backwards), index_(start) {}

  Action peek(View& view) override {
    if (index_ < 0) return stop();
    if (index_ < PyList_GET_SIZE(list_.ptr())) {
      const nb::object key = nb::int_(index_);
      switch (view.look(address_of(list_.ptr()), {Where::kItem, address_of(key.ptr())})) {
        case View::State::kClear:
          return done(to_value(PyList_GET_ITEM(list_.ptr(), index_)));
        case View::State::kBlocked:
          return blocked(kUnknown);
        case View::State::kPending:
          break;
      }
    }
    Replayed now = read_container(list_.ptr(), view);
    if (now.obstacle != Obstacle::kNothing) return held_up(now.obstacle, std::move(now.element), kUnknown);
    if (index_ >= PyList_GET_SIZE(now.copy.ptr())) return stop();
    return done(to_value(PyList_GET_ITEM(now.copy.ptr(), index_)));
  }
  void advance() override { index_ += backwards_ ? -1 : 1; }
  void rewind(std::size_t steps) override {
    index_ -= static_cast<Py_ssize_t>(steps) * (backwards_ ? -1 : 1);
  }
  bool yields_constants(View& view) override {
    if (view.look(address_of(list_.ptr()), {Where::kAll}) != View::State::kClear) return false;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list_.ptr()); ++i)
      if (!is_constant(PyList_GET_ITEM(list_.ptr(), i))) return false;
    return true;
  }
  KnownRef describe(View& view) override { return describe_contents(list_.ptr(), Part::kItems, view); }

 private:
  nb::object list_;
  const bool backwards_;
  Py_ssize_t index_;
};

// The keys of a dict or the elements of a set as they were when the loop began, as long as there are as many.
class KeyedCursor final : public Cursor {
 public:
  KeyedCursor(nb::object container, nb::object keys, Part part, Placeholders& placeholders)
      : container_(std::move(container)), keys_(std::move(keys)), part_(part), placeholders_(placeholders) {}

  Action peek(View& view) override {
    nb::object now = container_;
    const View::State state = view.look(address_of(container_.ptr()), {Where::kKeys});
    if (state == View::State::kBlocked) return blocked(kUnknown);
    if (state == View::State::kPending) {
      Replayed replayed = read_container(container_.ptr(), view);
      if (replayed.obstacle != Obstacle::kNothing)
        return held_up(replayed.obstacle, std::move(replayed.element), kUnknown);
      now = std::move(replayed.copy);
    }
    const bool ends = index_ >= PyList_GET_SIZE(keys_.ptr());
    if (ends && PyODict_Check(container_.ptr())) return stop();  // whatever has become of it
    if (static_cast<Py_ssize_t>(nb::len(now)) != PyList_GET_SIZE(keys_.ptr())) {
      PyErr_SetString(PyExc_RuntimeError, PySet_Check(container_.ptr()) ? "Set changed size during iteration"
                                          : PyODict_Check(container_.ptr())
                                              ? "OrderedDict mutated during iteration"
                                              : "dictionary changed size during iteration");
      return raised();
    }
    if (ends) return stop();
    PyObject* key = PyList_GET_ITEM(keys_.ptr(), index_);
    if (part_ == Part::kKeys) return done(borrow_value(key));
    Action value = value_of(view, key, now);
    if (value.verdict != Action::kDone || part_ == Part::kValues) return value;
    const nb::object pair = checked(PyTuple_Pack(2, key, to_object(value.value).ptr()));
    placeholders_.watch(pair);
    return done(pair);
  }
  void advance() override { ++index_; }
  void rewind(std::size_t steps) override { index_ -= static_cast<Py_ssize_t>(steps); }
  bool yields_constants(View& view) override {
    for (nb::handle key : keys_) {
      if (!is_constant(key.ptr())) return false;
      if (part_ == Part::kKeys) continue;
      Action value = value_of(view, key.ptr(), container_);
      if (value.verdict == Action::kRaised || value.verdict != Action::kDone || !value.value.ready() ||
          !is_constant(object_of(value.value)))
        return false;
    }
    return true;
  }
  KnownRef describe(View& view) override {
    KnownRef items = describe_contents(container_.ptr(), part_, view);
    if (part_ != Part::kItems || items == nullptr) return items;
    return window::known_tuple({describe_contents(container_.ptr(), Part::kKeys, view),
                                describe_contents(container_.ptr(), Part::kValues, view)});
  }

 private:
  // The value of `key`, with the stores of this key alone.
  Action value_of(View& view, PyObject* key, const nb::object& now) {
    PyObject* in = now.ptr();
    nb::object copy;
    if (in == container_.ptr()) {
      switch (view.look(address_of(in), {Where::kItem, address_of(key)})) {
        case View::State::kBlocked:
          return blocked(kUnknown);
        case View::State::kClear:
          break;
        case View::State::kPending: {
          Replayed replayed = read_container(in, view);
          if (replayed.obstacle != Obstacle::kNothing)
            return held_up(replayed.obstacle, std::move(replayed.element), kUnknown);
          copy = std::move(replayed.copy);
          in = copy.ptr();
        }
      }
    }
    PyObject* value = PyDict_GetItemWithError(in, key);
    if (value != nullptr) return done(to_value(value));
    if (PyErr_Occurred() == nullptr)
      PyErr_SetString(PyExc_RuntimeError, "dictionary keys changed during iteration");
    return raised();
  }

  nb::object container_, keys_;
  const Part part_;
  Placeholders& placeholders_;
  Py_ssize_t index_ = 0;
};

// enumerate and zip: tuples of what other cursors give.
class TupleCursor final : public Cursor {
 public:
  TupleCursor(std::vector<std::unique_ptr<Cursor>> parts, nb::object count, Placeholders& placeholders)
      : parts_(std::move(parts)), count_(std::move(count)), placeholders_(placeholders) {}

  Action peek(View& view) override {
    const std::size_t first = count_ ? 1 : 0;
    const nb::object tuple = checked(PyTuple_New(static_cast<Py_ssize_t>(parts_.size() + first)));
    if (count_) PyTuple_SET_ITEM(tuple.ptr(), 0, Py_NewRef(count_.ptr()));
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      Action part = parts_[i]->peek(view);
      if (part.verdict != Action::kDone) return part;
      PyTuple_SET_ITEM(tuple.ptr(), static_cast<Py_ssize_t>(i + first),
                       to_object(part.value).release().ptr());
    }
    placeholders_.watch(tuple);
    return parts_.empty() ? stop() : done(tuple);
  }
  void advance() override {
    for (auto& part : parts_) part->advance();
    if (count_) count_ = checked(PyNumber_Add(count_.ptr(), nb::int_(1).ptr()));
  }
  void rewind(std::size_t steps) override {
    for (auto& part : parts_) part->rewind(steps);
    if (count_) count_ = checked(PyNumber_Subtract(count_.ptr(), nb::int_(steps).ptr()));
  }
  bool yields_constants(View& view) override {
    return std::ranges::all_of(parts_, [&](const auto& part) { return part->yields_constants(view); });
  }
  KnownRef describe(View& view) override {
    std::vector<KnownRef> parts;
    if (count_) parts.push_back(window::known_atom());
    for (const auto& part : parts_) {
      parts.push_back(part->describe(view));
      if (parts.back() == nullptr) return nullptr;
    }
    return window::known_tuple(std::move(parts));
  }

 private:
  std::vector<std::unique_ptr<Cursor>> parts_;
  nb::object count_;
  Placeholders& placeholders_;
};

// Steps an iterator that only the cursor holds.
class OwnedCursor final : public KeepingCursor {
 public:
  OwnedCursor(nb::object iterator, bool constants) : iterator_(std::move(iterator)), constants_(constants) {}
  Action peek(View&) override {
    if (!has_item()) {
      PyObject* next = PyIter_Next(iterator_.ptr());
      if (next == nullptr) return PyErr_Occurred() != nullptr ? raised() : stop();
      keep(nb::steal(next));
    }
    return item();
  }
  bool yields_constants(View&) override { return constants_; }
  KnownRef describe(View&) override { return constants_ ? window::known_atom() : nullptr; }

 private:
  nb::object iterator_;
  const bool constants_;
};

// The types of iterators that took all they need from memory when they were made.
bool reads_no_memory(PyTypeObject* type) {
  static const auto* types = [] {
    auto* all = new std::vector<PyTypeObject*>;
    for (const char* name :
         {"combinations", "combinations_with_replacement", "count", "permutations", "product", "repeat"})
      all->push_back(reinterpret_cast<PyTypeObject*>(imported("itertools", name).release().ptr()));
    return all;
  }();
  return type == &PyTupleIter_Type || type == &PyRangeIter_Type || type == &PyUnicodeIter_Type ||
         std::ranges::find(*types, type) != types->end();
}

bool yields_constants(PyTypeObject* type) { return type == &PyRangeIter_Type || type == &PyUnicodeIter_Type; }

}  // namespace

void KeepingCursor::advance() {
  constexpr std::size_t kMostKept = 4096;
  if (++index_ < 2 * kMostKept) return;
  items_.erase(items_.begin(), items_.begin() + kMostKept);
  index_ -= kMostKept;
}

nb::object make_iterator(std::unique_ptr<Cursor> cursor) {
  PyTypeObject* type = cursor_type();
  nb::object self = checked(type->tp_alloc(type, 0));
  new (&reinterpret_cast<CursorObject*>(self.ptr())->cursor) std::unique_ptr<Cursor>(std::move(cursor));
  return self;
}

// What was made over another iterator may be the last to hold it, which takes itself out when it goes.
Iterators::~Iterators() {
  while (!remembered_.empty()) const auto gone = remembered_.extract(remembered_.begin());
}

nb::object Iterators::own(PyObject* iterator, View& view) {
  if (Py_TYPE(iterator) == &PyListIter_Type) {
    const nb::object parts = nb::handle(iterator).attr("__reduce__")();
    const nb::object list = parts[1][0];
    if (nb::len(parts) != 3 || !PyList_CheckExact(list.ptr())) return {};
    return make_iterator(
        std::make_unique<ListCursor>(list, false, nb::cast<Py_ssize_t>(nb::object(parts[2]))));
  }
  if (reads_no_memory(Py_TYPE(iterator)))
    return make_iterator(std::make_unique<OwnedCursor>(nb::borrow(iterator),
                                                       xcs::python::yields_constants(Py_TYPE(iterator))));
  const Remembered* found = find(iterator);
  if (found == nullptr || found->iterator) return {};
  // A dict or set has been looked at when the iterator was made.
  const auto has_no_size = [](const nb::object& o) {
    return PyList_CheckExact(o.ptr()) || PyTuple_CheckExact(o.ptr()) || PyRange_Check(o.ptr()) ||
           PyUnicode_CheckExact(o.ptr()) || PyLong_Check(o.ptr());
  };
  if (!std::ranges::all_of(found->arguments, has_no_size)) return {};
  Piece piece = compose(*found, view);
  if (piece.obstacle != Obstacle::kNothing) return {};
  remembered_.erase(iterator);
  return make_iterator(std::move(piece.cursor));
}

namespace {

struct Callees {
  PyObject* enumerate;
  PyObject* zip;
  PyObject* reversed;
};

const Callees& callees() {
  static const auto* all = new Callees{imported("builtins", "enumerate").release().ptr(),
                                       imported("builtins", "zip").release().ptr(),
                                       imported("builtins", "reversed").release().ptr()};
  return *all;
}

}  // namespace

bool Iterators::composes(PyObject* callee) {
  return callee == callees().enumerate || callee == callees().zip || callee == callees().reversed;
}

Cursor* Iterators::cursor_of(PyObject* object) {
  return Py_TYPE(object) == cursor_type() ? reinterpret_cast<CursorObject*>(object)->cursor.get() : nullptr;
}

// Note [composed iterators]
// enumerate, zip and reversed make an object that any code may step. A loop steps it in its own way, item by
// item at the item's place, only where the object cannot be met anywhere else: the call that makes it stands
// in the loop's head, so that nothing but a temporary ever holds it.
//
// One that a variable holds is known by its witness (witness.h). Once nothing but the code at hand has it, it
// is stepped in the same way if nobody has asked it for an item.
void Iterators::remember(nb::object iterator, nb::object witness, Origin origin,
                         std::vector<nb::object> arguments, Py_ssize_t length) {
  PyObject* key = iterator.ptr();
  Watch watch;
  if (witness) {
    iterator = {};
    watch = Watch(witness.ptr(), [this, key] { const auto gone = remembered_.extract(key); });
  }
  remembered_[key] = {std::move(iterator), std::move(watch), std::move(origin), std::move(arguments), length};
}

const Iterators::Remembered* Iterators::find(PyObject* iterator) const {
  const auto found = remembered_.find(iterator);
  if (found == remembered_.end()) return nullptr;
  return found->second.iterator || found->second.watch.is_unasked() ? &found->second : nullptr;
}

bool Iterators::known(const Origin& origin, const std::vector<nb::object>& arguments, View& view) {
  return compose({{}, {}, origin, arguments, 0}, view).obstacle != Obstacle::kUnknown;
}

Iterators::Made Iterators::make(PyObject* iterable, const ir::Node* maker, View& view) {
  Piece part;
  const Remembered* found = find(iterable);
  if (found == nullptr) {
    part = make_cursor(iterable, view);
  } else if (maker != nullptr && maker == found->origin.maker) {
    part = compose(*found, view);
  } else {
    part.obstacle = Obstacle::kUnknown;
  }
  if (part.obstacle != Obstacle::kNothing) return {part.obstacle, {}, std::move(part.element)};
  return {Obstacle::kNothing, make_iterator(std::move(part.cursor)), {}};
}

Iterators::Piece Iterators::make_cursor(PyObject* iterable, View& view) {
  const nb::object held = nb::borrow(iterable);
  if (PyUnicode_CheckExact(iterable) || PyBytes_CheckExact(iterable) || PyRange_Check(iterable) ||
      PyTuple_Check(iterable)) {
    if (PyTuple_Check(iterable) && shape_of(iterable) != Shape::kTuple) return {Obstacle::kUnknown, {}, {}};
    return {Obstacle::kNothing, std::make_unique<SequenceCursor>(held), {}};
  }
  if (cursor_of(iterable) != nullptr) return {Obstacle::kNothing, std::make_unique<InnerCursor>(held), {}};
  switch (shape_of(iterable)) {
    case Shape::kList:
      return {Obstacle::kNothing, std::make_unique<ListCursor>(held, false, 0), {}};
    case Shape::kDict:
      return make_keyed(held, Part::kKeys, view);
    case Shape::kSet:
      return make_keyed(held, Part::kKeys, view);
    case Shape::kView: {
      const nb::object dict = nb::borrow(dict_of_view(iterable));
      const Part part = PyDictKeys_Check(iterable)     ? Part::kKeys
                        : PyDictValues_Check(iterable) ? Part::kValues
                                                       : Part::kItems;
      if (shape_of(dict.ptr()) != Shape::kDict) return {Obstacle::kUnknown, {}, {}};
      return make_keyed(dict, part, view);
    }
    case Shape::kTuple: {  // frozenset
      return {Obstacle::kNothing, std::make_unique<SequenceCursor>(checked(PySequence_Tuple(iterable))), {}};
    }
    default:
      break;
  }
  // A class derived from list that iterates as list does.
  if (PyList_Check(iterable) && Py_TYPE(iterable)->tp_iter == PyList_Type.tp_iter)
    return {Obstacle::kNothing, std::make_unique<ListCursor>(held, false, 0), {}};
  return {Obstacle::kUnknown, {}, {}};
}

Iterators::Piece Iterators::make_keyed(const nb::object& container, Part part, View& view) {
  const View::State state = view.look(address_of(container.ptr()), {Where::kKeys});
  if (state == View::State::kBlocked) return {Obstacle::kBlocked, {}, {}};
  nb::object now = container;
  if (state == View::State::kPending) {
    Replayed replayed = read_container(container.ptr(), view);
    if (replayed.obstacle != Obstacle::kNothing) return {replayed.obstacle, {}, std::move(replayed.element)};
    now = std::move(replayed.copy);
  }
  nb::object keys = checked(PySequence_List(now.ptr()));
  return {
      Obstacle::kNothing, std::make_unique<KeyedCursor>(container, std::move(keys), part, placeholders_), {}};
}

Iterators::Piece Iterators::compose(const Remembered& remembered, View& view) {
  const auto& given = remembered.arguments;
  if (remembered.origin.callee == callees().reversed) {
    PyObject* list = given[0].ptr();
    if (PyTuple_CheckExact(list) || PyUnicode_CheckExact(list) || PyRange_Check(list)) {
      nb::object items = checked(PySequence_List(list));
      if (PyList_Reverse(items.ptr()) != 0) nb::raise_python_error();
      return {
          Obstacle::kNothing, std::make_unique<SequenceCursor>(checked(PySequence_Tuple(items.ptr()))), {}};
    }
    if (!PyList_CheckExact(list)) return {Obstacle::kUnknown, {}, {}};
    return {Obstacle::kNothing, std::make_unique<ListCursor>(given[0], true, remembered.length - 1), {}};
  }
  const bool counts = remembered.origin.callee == callees().enumerate;
  std::vector<std::unique_ptr<Cursor>> parts;
  for (std::size_t i = 0; i < (counts ? 1 : given.size()); ++i) {
    const Remembered* found = find(given[i].ptr());
    const bool alone = found != nullptr && found->origin.maker != nullptr &&
                       found->origin.maker == remembered.origin.givers[i];
    if (found != nullptr && !alone) return {Obstacle::kUnknown, {}, {}};
    // It is held by the temporary it was made in, by the composed iterator, and here.
    const bool made_here = !counts && remembered.origin.givers[i] != nullptr &&
                           reads_no_memory(Py_TYPE(given[i].ptr())) && Py_REFCNT(given[i].ptr()) <= 3;
    Piece part = alone       ? compose(*found, view)
                 : made_here ? Piece{Obstacle::kNothing, std::make_unique<OwnedCursor>(given[i], false), {}}
                             : make_cursor(given[i].ptr(), view);
    if (part.obstacle != Obstacle::kNothing) return part;
    parts.push_back(std::move(part.cursor));
  }
  nb::object count;
  if (counts) count = given.size() > 1 ? given[1] : nb::object(nb::int_(0));
  return {Obstacle::kNothing,
          std::make_unique<TupleCursor>(std::move(parts), std::move(count), placeholders_),
          {}};
}

}  // namespace xcs::python
