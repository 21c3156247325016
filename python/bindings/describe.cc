// What is known of values that are not there yet; see Note [known values].
#include "describe.h"

#include <algorithm>
#include <unordered_set>

#include "host.h"

namespace xcs::python {
namespace {

using window::Known;

constexpr std::size_t kMostItems = 5'000;  // of one container that are looked at

// Whether operators on it run no code of the program's and look at nothing that can change.
bool is_plain(Shape shape) {
  return shape == Shape::kPlain || shape == Shape::kCallable || shape == Shape::kAtom;
}

// The items of one container as they come to light.
class Gathered {
 public:
  // Returns whether it is still known what they are.
  bool add(const KnownRef& known) {
    all_ = started_ ? join(all_, known) : known;
    started_ = true;
    return all_ != nullptr;
  }
  bool add(PyObject* item, bool made, View& view) {
    if (PyUnicode_CheckExact(item) || PyLong_CheckExact(item) || PyFloat_CheckExact(item)) {
      if (data_) return true;
      data_ = true;
      return add(window::known_atom());
    }
    const Value v = to_value(item);
    if (v.is_pending()) return add(known_of(v, view));
    return add(describe_object(object_of(v), made, view));
  }
  KnownRef take() const { return started_ ? all_ : window::known_nothing(); }

 private:
  bool started_ = false, data_ = false;
  KnownRef all_;
};

// One container within others that are being described; with the GIL held.
class Level {
 public:
  Level() {
    if (depth_++ == 0) looked_at_ = 0;
  }
  ~Level() { --depth_; }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;

  // Whether that much more may be looked at.
  bool has_room_for(Py_ssize_t items) const {
    looked_at_ += items;
    return depth_ <= kDeepest && looked_at_ <= kMostTogether;
  }

 private:
  static constexpr int kDeepest = 32;
  static constexpr Py_ssize_t kMostTogether = 20'000;
  inline static int depth_ = 0;
  inline static Py_ssize_t looked_at_ = 0;
};

KnownRef items_held(PyObject* container, Part part, bool made, View& view) {
  const Py_ssize_t size = PyObject_Length(container);
  const Level level;
  if (size > static_cast<Py_ssize_t>(kMostItems) || !level.has_room_for(size)) return nullptr;
  Gathered items;
  if (PyDict_Check(container)) {
    PyObject *key = nullptr, *value = nullptr;
    Py_ssize_t position = 0;
    while (PyDict_Next(container, &position, &key, &value) != 0) {
      if (part != Part::kValues && !items.add(key, made, view)) return nullptr;
      if (part != Part::kKeys && !items.add(value, made, view)) return nullptr;
    }
    return items.take();
  }
  if (PyList_Check(container) || PyTuple_Check(container)) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(container); ++i)
      if (!items.add(PySequence_Fast_GET_ITEM(container, i), made, view)) return nullptr;
    return items.take();
  }
  for (nb::handle item : nb::borrow(container))
    if (!items.add(item.ptr(), made, view)) return nullptr;
  return items.take();
}

bool is_frozen(PyObject* object) { return PyTuple_Check(object) || PyFrozenSet_Check(object); }

// An instance that only a walk has: its class, and what its attributes hold and have been given by the walk.
KnownRef describe_instance(PyObject* object, View& view) {
  PyTypeObject* type = Py_TYPE(object);
  if (is_static(type) || !has_plain_getattr(type) || PyExceptionInstance_Check(object) != 0) return nullptr;
  const auto stored = view.attributes_made(address_of(object));
  const Level level;
  const auto own = own_attributes_of(object);
  if (!stored || !level.has_room_for(static_cast<Py_ssize_t>(own.size()))) return nullptr;
  std::vector<std::pair<Value, KnownRef>> attributes;
  for (const auto& [name, value] : own) {
    const Value v = to_value(value);
    attributes.emplace_back(borrow_value(name.ptr()),
                            v.is_pending() ? known_of(v, view) : describe_object(object_of(v), true, view));
  }
  for (const auto& [name, known] : *stored) {
    const auto same = [&](const auto& attribute) { return attribute.first.object() == name; };
    if (const auto found = std::ranges::find_if(attributes, same); found != attributes.end()) {
      found->second = join(found->second, known);
    } else {
      attributes.emplace_back(borrow_value(reinterpret_cast<PyObject*>(name)), known);
    }
  }
  const Shape shape = shape_of_instances(type);
  const auto holds_plain = [](const auto& attribute) {
    return attribute.second != nullptr && attribute.second->plain;
  };
  const bool plain =
      shape == Shape::kPlain || (shape == Shape::kRecord && std::ranges::all_of(attributes, holds_plain));
  return window::known_instance({borrow_value(reinterpret_cast<PyObject*>(type)), std::move(attributes)},
                                plain);
}

KnownRef describe_tuple(PyObject* tuple, bool made, View& view) {
  const Level level;
  if (!level.has_room_for(PyTuple_GET_SIZE(tuple))) return nullptr;
  std::vector<KnownRef> parts;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); ++i) {
    const Value part = to_value(PyTuple_GET_ITEM(tuple, i));
    parts.push_back(part.is_pending() ? known_of(part, view) : describe_object(object_of(part), made, view));
  }
  if (PyTuple_CheckExact(tuple)) return window::known_tuple(std::move(parts));
  PyTypeObject* type = Py_TYPE(tuple);
  PyObject* names = fields_of(type);
  if (names == nullptr || PyTuple_GET_SIZE(names) != PyTuple_GET_SIZE(tuple)) return nullptr;
  window::Instance instance{borrow_value(reinterpret_cast<PyObject*>(type)), {}};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    PyObject* name = PyTuple_GET_ITEM(names, static_cast<Py_ssize_t>(i));
    instance.attributes.emplace_back(borrow_value(name), parts[i]);
  }
  const bool plain =
      std::ranges::all_of(parts, [](const KnownRef& part) { return part != nullptr && part->plain; });
  instance.parts = std::move(parts);
  return window::known_instance(std::move(instance), plain);
}

}  // namespace

// Containers that exist stand for themselves: what they hold may change until it is looked at.
KnownRef describe_object(PyObject* object, bool inside, View& view) {
  if (is_constant(object)) {
    if (object == Py_None || PyBool_Check(object)) return window::known_constant(borrow_value(object));
    return window::known_atom();
  }
  const Shape shape = shape_of(object);
  const bool made = view.describes_made(address_of(object)) || (inside && Py_REFCNT(object) == 1);
  constexpr Py_ssize_t kMostParts = 16;
  const bool small =
      PyTuple_Check(object) && PyTuple_GET_SIZE(object) > 0 && PyTuple_GET_SIZE(object) <= kMostParts;
  if (small && (PyTuple_CheckExact(object) || fields_of(Py_TYPE(object)) != nullptr))
    return describe_tuple(object, made, view);
  if (is_frozen(object) && !PyTuple_CheckExact(object) && !PyFrozenSet_CheckExact(object))
    return made ? nullptr : window::known_object(borrow_value(object), false);
  if (is_container(shape) || is_frozen(object)) {
    if (made || is_frozen(object))
      return window::known_container(describe_contents(object, Part::kItems, view, made));
    const KnownRef items = describe_contents(object, Part::kItems, view);
    return window::known_object(borrow_value(object), items != nullptr && items->plain);
  }
  // A generator is taken over only when nothing else refers to it.
  const bool steps = shape == Shape::kIterator || PyGen_CheckExact(object);
  if (steps || shape == Shape::kView || shape == Shape::kPlaceholder) return nullptr;
  if (shape == Shape::kAtom) return window::known_atom();
  if (made) return describe_instance(object, view);
  return window::known_object(borrow_value(object), is_plain(shape));
}

KnownRef describe_contents(PyObject* container, Part part, View& view, bool made) {
  if (is_frozen(container)) return items_held(container, part, made, view);
  switch (view.look(address_of(container), {Where::kAll})) {
    case View::State::kClear:
      return items_held(container, part, made, view);
    case View::State::kPending: {
      const Replayed now = replay(container, view.stores());
      if (now.obstacle == Obstacle::kNothing) return items_held(now.copy.ptr(), part, made, view);
      view.look(address_of(container), {Where::kAll});
      [[fallthrough]];
    }
    case View::State::kBlocked: {
      const KnownRef stored = view.blocked_known();
      const KnownRef held = stored == nullptr ? nullptr : items_held(container, part, made, view);
      if (held == nullptr) return nullptr;
      // The keys that something is stored by are atoms.
      const bool keys = PyDict_Check(container) && part != Part::kValues;
      return join(keys ? join(held, window::known_atom()) : held, stored);
    }
  }
  return nullptr;
}

// Of a container that exists or not, of data, or of several of these; null when it may be anything else.
KnownRef items_of(const KnownRef& known, Part part, View& view) {
  if (known == nullptr || known->any) return nullptr;
  Gathered items;
  for (const window::Instance& instance : known->instances) {
    if (instance.parts.empty()) return nullptr;
    for (const KnownRef& one : instance.parts)
      if (!items.add(one)) return nullptr;
  }
  if (may_be_container(*known)) {
    const bool seen = view.look_anywhere() == View::State::kClear;
    const KnownRef unnamed = seen ? view.stored_unnamed(nullptr) : nullptr;
    if (unnamed == nullptr || (unnamed != window::known_nothing() && !items.add(unnamed))) return nullptr;
  }
  if (known->data && !items.add(known->changeable ? window::known_data() : window::known_atom()))
    return nullptr;
  if (known->constant.bound() && !items.add(window::known_atom())) return nullptr;
  if (known->items != nullptr && !items.add(known->items)) return nullptr;
  for (const KnownRef& one : known->parts)
    if (!items.add(one)) return nullptr;
  for (const Value& object : known->objects) {
    if (!is_container(shape_of(object_of(object)))) return nullptr;
    if (!items.add(describe_contents(object_of(object), part, view))) return nullptr;
  }
  return items.take();
}

KnownRef items_of(const Value& value, Part part, View& view) {
  if (value.is_pending()) return items_of(window::known_of_pending(value), part, view);
  PyObject* object = object_of(value);
  if (Cursor* cursor = Iterators::cursor_of(object)) return cursor->describe(view);
  if (shape_of(object) == Shape::kView) {
    const Part of = PyDictKeys_Check(object)     ? Part::kKeys
                    : PyDictValues_Check(object) ? Part::kValues
                                                 : Part::kItems;
    const KnownRef items = describe_contents(dict_of_view(object), of, view);
    return of == Part::kItems && items != nullptr ? window::known_container(items) : items;
  }
  if (is_container(shape_of(object)) || is_frozen(object)) return describe_contents(object, part, view);
  return is_constant(object) ? window::known_atom() : nullptr;
}

KnownRef known_of(const Value& value, View& view) {
  if (value.is_pending()) return window::known_of_pending(value);
  return describe_object(object_of(value), false, view);
}

bool is_builtin(const Value& value, View& view) {
  if (value.ready()) {
    PyObject* object = object_of(value);
    const Shape shape = shape_of(object);
    if (PyTuple_Check(object)) return PyTuple_CheckExact(object) != 0;
    return (is_container(shape) || shape == Shape::kView) && is_static(Py_TYPE(object));
  }
  if (is_pure_data(value, view)) return true;
  const KnownRef known = window::known_of_pending(value);
  return known != nullptr && !known->any && known->instances.empty() &&
         std::ranges::all_of(known->objects, [&](const Value& object) { return is_builtin(object, view); });
}

bool may_hold(const Value& target, const Value& stored, View& view) {
  const KnownRef known = known_of(target, view);
  const bool data = known == nullptr || known->any || (known->data && known->changeable);
  return !data || is_pure_data(stored, view);
}

bool is_pure_data(const Value& value, View& view) {
  if (value.is_pending())
    return (value.flags() & (kData | kAtom)) != 0 || window::flags_of(value.known()) != kUnknown;
  PyObject* object = object_of(value);
  if (PyUnicode_CheckExact(object) || PyLong_CheckExact(object) || is_constant(object)) return true;
  const Shape shape = shape_of(object);
  if (shape == Shape::kAtom) return true;
  if (!is_container(shape) && !is_frozen(object) && shape != Shape::kView) return false;
  return is_data(items_of(value, Part::kItems, view));
}

bool all_pure_data(std::span<const Value> values, View& view) {
  for (const Value& v : values)
    if (!is_pure_data(v, view)) return false;
  return true;
}

namespace {

// How much of what one operand holds is looked at.
struct Budget {
  int objects = 50'000;
  int depth = 200;
};

bool is_plain_inside(PyObject* object, View& view, Budget& budget);

bool all_plain(PyObject* container, View& view, Budget& budget) {
  if (PyDict_Check(container)) {
    PyObject *key = nullptr, *value = nullptr;
    Py_ssize_t position = 0;
    while (PyDict_Next(container, &position, &key, &value) != 0)
      if (!is_plain_inside(key, view, budget) || !is_plain_inside(value, view, budget)) return false;
    return true;
  }
  if (PyList_Check(container) || PyTuple_Check(container)) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(container); ++i)
      if (!is_plain_inside(PySequence_Fast_GET_ITEM(container, i), view, budget)) return false;
    return true;
  }
  for (nb::handle item : nb::borrow(container))
    if (!is_plain_inside(item.ptr(), view, budget)) return false;
  return true;
}

// Of what the place of the container or instance holds, with what earlier code may still put there.
bool is_plain_memory(PyObject* object, View& view) {
  switch (view.look(address_of(object), {Where::kAll})) {
    case View::State::kClear:
      break;
    case View::State::kPending: {
      const std::vector<PendingStore> stores(view.stores().begin(), view.stores().end());
      for (const PendingStore& store : stores)
        for (Value v : store.operands) {
          v.settle();
          if (v.bound() && v.object() != address_of(object) && !is_data(v, view)) return false;
        }
      break;
    }
    case View::State::kBlocked: {
      const KnownRef stored = view.blocked_known();
      if (stored == nullptr || !stored->plain) return false;
    }
  }
  return true;
}

bool holds_plain(PyObject* object, View& view, Budget& budget) {
  if (--budget.depth < 0) return false;
  bool plain = true;
  switch (shape_of(object)) {
    case Shape::kTuple:
      plain = all_plain(object, view, budget);
      break;
    case Shape::kView:
      plain = is_plain_memory(dict_of_view(object), view) && all_plain(dict_of_view(object), view, budget);
      break;
    case Shape::kRecord:  // its operators are those of what it holds
      plain = is_plain_memory(object, view) &&
              std::ranges::all_of(attributes_of(object),
                                  [&](PyObject* value) { return is_plain_inside(value, view, budget); });
      break;
    default:
      plain = is_plain_memory(object, view) && all_plain(object, view, budget);
  }
  ++budget.depth;
  return plain;
}

bool is_plain_inside(PyObject* object, View& view, Budget& budget) {
  if (PyUnicode_CheckExact(object) || PyLong_CheckExact(object) || PyFloat_CheckExact(object) ||
      object == Py_None)
    return true;
  if (--budget.objects < 0) return false;
  switch (shape_of(object)) {
    case Shape::kAtom:
    case Shape::kCallable:
    case Shape::kPlain:
    case Shape::kBuffer:
    case Shape::kIterator:
      return true;
    case Shape::kPlaceholder:
      return is_data(to_value(object), view);
    case Shape::kOther:
      return false;
    default:
      return holds_plain(object, view, budget);
  }
}

}  // namespace

bool is_data(const Value& value, View& view) {
  if (value.is_pending()) {
    if ((value.flags() & kAtom) != 0) return true;
    const bool data = (value.flags() & kData) != 0;
    if (!data && (value.known() == nullptr || !value.known()->plain)) return false;
    if (view.look_anywhere() != View::State::kClear) return false;
    return view.unnamed_is_plain(!data);
  }
  Budget budget;
  return is_plain_inside(object_of(value), view, budget);
}

bool all_data(std::span<const Value> values, View& view) {
  for (const Value& v : values)
    if (!is_data(v, view)) return false;
  return true;
}

KnownRef combined(std::span<const Value> operands, View& view) {
  KnownRef all = window::known_atom();
  for (const Value& v : operands) {
    const KnownRef known = known_of(v, view);
    if (known == nullptr) return nullptr;
    const KnownRef items = items_of(v, Part::kItems, view);
    if (items == nullptr) return nullptr;
    all = join(all, window::known_container(items));
    if (all == nullptr) return nullptr;
  }
  return all;
}

KnownRef made_of(std::span<const Value> operands, std::size_t displays, View& view) {
  KnownRef all = combined(operands, view);
  for (const Value& v : operands) {
    const KnownRef known = known_of(v, view);
    all = all == nullptr || known == nullptr ? nullptr : join(all, known);
  }
  for (std::size_t i = 0; i < displays && all != nullptr; ++i) all = join(all, window::known_container(all));
  return all;
}

bool all_new_data(std::span<const Value> values, View& view) {
  return std::ranges::all_of(values, [&](const Value& v) { return window::is_data(known_of(v, view)); });
}

KnownRef PythonHost::describe(const Value& value, View& view) {
  PyObject* object = object_of(value);
  if (Cursor* cursor = Iterators::cursor_of(object)) return window::known_container(cursor->describe(view));
  return describe_object(object, false, view);
}

KnownRef PythonHost::describe_items(const Value& value, View& view) {
  const bool keyed = value.ready() && PyDict_Check(object_of(value));
  return items_of(value, keyed ? Part::kKeys : Part::kItems, view);
}

bool PythonHost::is_sole(const Value& value) {
  PyObject* object = object_of(value);
  const auto walked = walked_.find(reinterpret_cast<PyObject*>(Py_TYPE(object)));
  if (walked != walked_.end() && walked->second.object.ptr() == object) return true;
  return Py_REFCNT(object) == (placeholders_.holds(object) ? 2 : 1);
}

namespace {

// A module's variables are reached through names and attributes, not through values: only one that is known
// to be such a dict is one.
bool is_namespace(PyObject* object) {
  static PyObject* const names[] = {interned("__builtins__").release().ptr(),
                                    interned("__spec__").release().ptr()};
  if (!PyDict_CheckExact(object)) return false;
  return std::ranges::any_of(names, [&](PyObject* name) { return PyDict_Contains(object, name) == 1; });
}

}  // namespace

window::Host::MayBe PythonHost::may_be(const Value& target, window::Object* object) {
  const KnownRef known = window::known_of_pending(target);
  if (known == nullptr) return MayBe::kYes;
  for (const Value& one : known->objects)
    if (one.object() == object) return MayBe::kYes;
  if (window::is_atom(window::without_objects(known))) return MayBe::kNo;
  auto* one = reinterpret_cast<PyObject*>(object);
  if (known->any || known->changeable) return is_namespace(one) ? MayBe::kNo : MayBe::kLate;
  const auto is_of = [&](const window::Instance& i) {
    return object_of(i.type) == reinterpret_cast<PyObject*>(Py_TYPE(one));
  };
  if (std::ranges::any_of(known->instances, is_of)) return MayBe::kLate;
  // What is described as a container is none of a class of the program's, unless that derives from one.
  const bool container = !is_plain(shape_of(one)) && shape_of(one) != Shape::kRecord;
  return may_be_container(*known) && container && !is_namespace(one) ? MayBe::kLate : MayBe::kNo;
}

namespace {

constexpr std::size_t kMostReached = 2'000;

// What is reached from an object through the references that the garbage collector knows of. Code, and the
// modules that it names, are left out.
struct Reached {
  std::vector<window::Object*> objects;
  std::unordered_set<PyObject*> seen;

  void add(PyObject* object) {
    if (PyObject_IS_GC(object) == 0 || PyType_Check(object) || PyModule_Check(object) || PyCode_Check(object))
      return;
    if (PyDict_CheckExact(object) && is_namespace(object)) return;
    if (seen.insert(object).second) objects.push_back(address_of(object));
  }
  static int visit(PyObject* object, void* reached) {
    static_cast<Reached*>(reached)->add(object);
    return 0;
  }
};

}  // namespace

std::optional<std::vector<window::Object*>> PythonHost::reached_from(const Value& value) {
  Reached reached;
  reached.add(object_of(value));
  for (std::size_t i = 0; i < reached.objects.size(); ++i) {
    if (reached.objects.size() > kMostReached) return std::nullopt;
    auto* object = reinterpret_cast<PyObject*>(reached.objects[i]);
    Py_TYPE(object)->tp_traverse(object, &Reached::visit, &reached);
  }
  return std::move(reached.objects);
}

namespace {

bool is_atom_there(PyObject* item) {
  const Value v = to_value(item);
  return v.is_pending() ? (v.flags() & kAtom) != 0 : is_atom(object_of(v));
}

bool all_atoms_there(PyObject* container) {
  if (PyObject_Length(container) > static_cast<Py_ssize_t>(kMostItems)) return false;
  if (PyDict_Check(container)) {
    PyObject *key = nullptr, *value = nullptr;
    Py_ssize_t position = 0;
    while (PyDict_Next(container, &position, &key, &value) != 0)
      if (!is_atom_there(value)) return false;
    return true;
  }
  if (PyList_Check(container) || PyTuple_Check(container)) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(container); ++i)
      if (!is_atom_there(PySequence_Fast_GET_ITEM(container, i))) return false;
    return true;
  }
  for (nb::handle item : nb::borrow(container))
    if (!is_atom_there(item.ptr())) return false;
  return true;
}

// The value that the store leaves in its container, or null when it is not one of its operands.
const Value* stored_value(const PendingStore& store) {
  switch (store.node->op) {
    case ir::Op::kStoreItem:
      return &store.operands[2];
    case ir::Op::kAppend:
    case ir::Op::kAdd:
      return &store.operands[1];
    default:
      return nullptr;
  }
}

bool stores_atom(const PendingStore& store) {
  const Value* stored = stored_value(store);
  if (stored == nullptr) return false;
  Value v = *stored;
  v.settle();
  return v.is_pending() ? (v.flags() & kAtom) != 0 : v.bound() && is_atom(object_of(v));
}

// The builtins whose results follow from what their arguments hold, found once.
struct Builtins {
  PyObject* sum = imported("builtins", "sum").release().ptr();
  PyObject* max = imported("builtins", "max").release().ptr();
  PyObject* min = imported("builtins", "min").release().ptr();
  PyObject* sorted = imported("builtins", "sorted").release().ptr();
  // Of xcs._prelude.
  PyObject* in_order = imported("xcs._prelude", "in_order").release().ptr();
  PyObject* permuted = imported("xcs._prelude", "permuted").release().ptr();
  static const Builtins& found() {
    static const auto* builtins = new Builtins;
    return *builtins;
  }
};

KnownRef zipped(std::span<const Value> arguments, View& view) {
  std::vector<KnownRef> parts;
  for (const Value& v : arguments) {
    parts.push_back(items_of(v, Part::kItems, view));
    if (parts.back() == nullptr) return nullptr;
  }
  return parts.empty() ? window::known_data()
                       : window::known_container(window::known_tuple(std::move(parts)));
}

// One of the items of the only argument, or one of several arguments.
KnownResult chosen(std::span<const Value> arguments, View& view) {
  if (arguments.size() == 1)
    return {items_of(arguments[0], Part::kItems, view), holds_atoms(arguments[0], view)};
  KnownResult result{known_of(arguments[0], view), true};
  for (const Value& v : arguments) {
    const KnownRef known = known_of(v, view);
    result.known = result.known == nullptr || known == nullptr ? nullptr : join(result.known, known);
    result.atom = result.atom && (v.is_pending() ? (v.flags() & kAtom) != 0 : is_atom(object_of(v)));
  }
  return result;
}

}  // namespace

bool holds_atoms(const Value& container, View& view) {
  if (container.is_pending()) return (container.flags() & kAtom) != 0;
  PyObject* object = object_of(container);
  if (shape_of(object) == Shape::kView && PyDictValues_Check(object)) object = dict_of_view(object);
  if (is_frozen(object)) return all_atoms_there(object);
  if (!is_container(shape_of(object))) return is_constant(object);
  switch (view.look(address_of(object), {Where::kAll})) {
    case View::State::kClear:
      return all_atoms_there(object);
    case View::State::kPending: {
      const std::vector<PendingStore> stores(view.stores().begin(), view.stores().end());
      return std::ranges::all_of(stores, stores_atom) && all_atoms_there(object);
    }
    case View::State::kBlocked:
      return (view.blocked_flags() & kAtom) != 0 && all_atoms_there(object);
  }
  return false;
}

KnownResult result_of(PyObject* callee, std::span<const Value> arguments, View& view) {
  const Builtins& builtins = Builtins::found();
  if (arguments.empty()) return {};
  if (is_type(callee, {&PyZip_Type})) return {zipped(arguments, view)};
  if (callee == builtins.max || callee == builtins.min) return chosen(arguments, view);
  if (is_type(callee, {&PyEnum_Type})) {
    const KnownRef items = items_of(arguments[0], Part::kItems, view);
    if (items == nullptr) return {};
    return {window::known_container(window::known_tuple({window::known_data(), items}))};
  }
  if (callee == builtins.sum) {
    const bool data = is_data(items_of(arguments[0], Part::kItems, view));
    const bool start = arguments.size() == 1 || (arguments[1].ready() && is_atom(object_of(arguments[1])));
    if (!data || !start) return {};
    return {window::known_data(), holds_atoms(arguments[0], view)};
  }
  if (callee == builtins.in_order || callee == builtins.permuted) {
    const KnownRef items = items_of(arguments[0], Part::kItems, view);
    if (items == nullptr) return {};
    const KnownRef list = window::known_container(items);
    if (callee == builtins.in_order) return {list};
    // Keys that are data are compared by code of Python's, which raises nothing else.
    const KnownRef error = window::known_instance({borrow_value(PyExc_TypeError), {}}, true);
    return {window::known_tuple({list, join(window::known_constant(borrow_value(Py_None)), error)})};
  }
  if (arguments.size() != 1) return {};
  if (callee == builtins.sorted || is_type(callee, {&PyList_Type, &PyTuple_Type, &PySet_Type,
                                                    &PyFrozenSet_Type, &PyReversed_Type, &PyDict_Type})) {
    const KnownRef items = items_of(arguments[0], Part::kItems, view);
    return {items == nullptr ? nullptr : window::known_container(items)};
  }
  // The class of data is a builtin one, or that of an exception.
  if (is_type(callee, {&PyType_Type}) && is_data(known_of(arguments[0], view))) return {window::known_data()};
  return {};
}

KnownResult value_or(const Value& dict, const Value& fallback, View& view) {
  const KnownRef values = items_of(dict, Part::kValues, view);
  const KnownRef other = known_of(fallback, view);
  const bool atom = fallback.is_pending() ? (fallback.flags() & kAtom) != 0 : is_atom(object_of(fallback));
  return {values == nullptr || other == nullptr ? nullptr : join(values, other),
          atom && holds_atoms(dict, view)};
}

Action with_result(Action a, KnownResult result) {
  if (result.known == nullptr && !result.atom) return a;
  if (result.atom) a.flags |= kData | kAtom;
  return with_known(std::move(a), std::move(result.known));
}

}  // namespace xcs::python
