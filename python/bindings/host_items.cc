// Items of containers: loads, stores, membership, unpacking, and what comprehensions gather.
#include <fmt/format.h>

#include <array>

#include "host.h"
#include "reach.h"

namespace xcs::python {
namespace {

// Of containers that a pending value may be, to be looked into one by one.
constexpr std::size_t kMostAlternatives = 64;

PyTypeObject* default_dict_type() {
  static auto* type = reinterpret_cast<PyTypeObject*>(imported("collections", "defaultdict").release().ptr());
  return type;
}

bool is_default_dict(PyObject* dict) {
  PyTypeObject* type = default_dict_type();
  return PyType_IsSubtype(Py_TYPE(dict), type) != 0;
}

bool makes_builtin_default(PyObject* dict) {
  const nb::object factory = nb::handle(dict).attr("default_factory");
  return PyType_Check(factory.ptr()) &&
         (reinterpret_cast<PyTypeObject*>(factory.ptr())->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0;
}

// What it puts where a key is missing: an atom, an empty container, or data. REQUIRES:
// makes_builtin_default(dict)
KnownRef default_of(PyObject* dict) {
  const nb::object factory = nb::handle(dict).attr("default_factory");
  auto* type = reinterpret_cast<PyTypeObject*>(factory.ptr());
  if (type == &PyLong_Type || type == &PyFloat_Type || type == &PyUnicode_Type || type == &PyBool_Type)
    return window::known_atom();
  if (type == &PyList_Type || type == &PyDict_Type || type == &PySet_Type)
    return window::known_container(window::known_nothing());
  return nullptr;
}

// The stored value if the last of the stores is a plain assignment of an item.
const Value* assigned_item(std::span<const PendingStore> stores) {
  const PendingStore& last = stores.back();
  if (last.where.kind != Where::kItem) return nullptr;  // its key was not known: it may be another one
  return last.node->op == ir::Op::kStoreItem ? &last.operands[2] : nullptr;
}

// Whether the last of the stores to a key leaves it in its container.
bool makes_member(std::span<const PendingStore> stores) {
  const PendingStore& last = stores.back();
  if (last.where.kind != Where::kItem) return false;
  if (last.node->op == ir::Op::kStoreItem) return true;
  if (last.node->op != ir::Op::kCallMethod) return false;
  const ir::Program& program = *last.program;
  return program.names[program.calls[last.node->index].method] == "add";
}

// What reading `object[key]` on a container or copy gives.
Action item_of(PyObject* object, PyObject* key) {
  PyObject* item = PyObject_GetItem(object, key);
  if (item == nullptr) return raised();
  const nb::object held = nb::steal(item);
  return done(to_value(item));
}

// Whether its class finds items as the dict or list does that it derives from, and its attributes are not its
// items.
bool inherits_items(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  PyTypeObject* base = PyDict_Check(object) ? &PyDict_Type : PyList_Check(object) ? &PyList_Type : nullptr;
  if (base == nullptr || type_lookup(type, interned("__missing__").ptr()) != nullptr) return false;
  const nb::object name = interned("__getitem__");
  PyObject** attributes = _PyObject_GetDictPtr(object);
  return type_lookup(type, name.ptr()) == type_lookup(base, name.ptr()) &&
         (attributes == nullptr || *attributes != object);
}

}  // namespace

// Enters the factory of a defaultdict, in case the key is missing. Returns whether that gains something.
bool PythonHost::enter_default(const Site& s, Action& answer) {
  if (!s[0].ready() || Py_TYPE(s.object(0)) != default_dict_type()) return false;
  const nb::object factory = nb::handle(s.object(0)).attr("default_factory");
  if (!PyFunction_Check(factory.ptr()) || (s.view.quiet() && !reaches_independent(factory.ptr())))
    return false;
  if (s[1].ready() ? !is_atom(s.object(1)) : !is_data(s[1], s.view)) return false;
  static auto* defaulted = imported("xcs._prelude", "defaulted").release().ptr();
  Arguments arguments;
  arguments.positional = {s[0], borrow_value(factory.ptr()), s[1]};
  return enter_function(defaulted, std::move(arguments), answer);
}

Action PythonHost::load_item(const Site& s) {
  if (Action a; enter_default(s, a)) return a;
  if (const std::size_t i = first_pending(s.operands); i < s.operands.size()) {
    return load_pending_item(s, i);
  }
  PyObject* object = s.object(0);
  PyObject* key = s.object(1);
  if (Action a; enter_operator(s, object, "__getitem__", a)) return a;
  if (s.view.quiet()) return outcome(PyObject_GetItem(object, key));
  const Shape shape = shape_of(object);
  if (!is_atom(key)) return ordered(Reason::kUserOperator, Effect::kAnything);
  switch (shape) {
    case Shape::kTuple:
    case Shape::kAtom: {
      Action a = item_of(object, key);
      if (a.verdict == Action::kDone && PySlice_Check(key) && PyTuple_Check(object_of(a.value)))
        placeholders_.watch(nb::borrow(object_of(a.value)));
      return a;
    }
    case Shape::kList:
      return load_list_item(s, object, key);
    case Shape::kDict: {
      Action a = load_key(s, object, key, nullptr);
      // A key that is missing when it goes on is stored.
      const bool waits =
          a.verdict != Action::kDone && a.verdict != Action::kRaised && a.verdict != Action::kOrdered;
      if (!waits || !is_default_dict(object)) return a;
      a.effect.memory = makes_builtin_default(object) ? Effect::kOpaque : Effect::kAnything;
      a.effect.stores.push_back({s[0], {Where::kItems}});
      if (!makes_builtin_default(object)) return a;
      const KnownRef missing = default_of(object);
      a.effect.stores.back().known = missing;
      if (a.known == nullptr && (a.flags & kData) == 0)
        a = with_known(std::move(a), join(items_of(s[0], Part::kValues, s.view), missing));
      return a;
    }
    case Shape::kBuffer:
    case Shape::kDeque: {
      Replayed now = read_container(object, s.view);
      if (now.obstacle != Obstacle::kNothing) return held_up(now.obstacle, std::move(now.element), kUnknown);
      return item_of(now.copy.ptr(), key);
    }
    case Shape::kCallable:
      if (PyType_Check(object) &&
          (reinterpret_cast<PyTypeObject*>(object)->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0)
        return item_of(object, key);
      [[fallthrough]];
    default:
      if (inherits_items(object) && s.view.look(address_of(object), {Where::kAll}) == View::State::kClear)
        return item_of(object, key);
      return ordered(Reason::kUserOperator, Effect::kAnything);
  }
}

// Of a defaultdict, by a key that is not there yet: one that is missing is stored.
Action PythonHost::load_or_make(const Site& s, std::size_t pending) {
  const bool builtin = makes_builtin_default(s.object(0));
  Action a = needs_operand(pending, kUnknown, builtin ? Effect::kOpaque : Effect::kAnything);
  a.effect.stores.push_back({s[0], {Where::kItems}});
  if (!builtin) return a;
  const KnownRef missing = default_of(s.object(0));
  a.effect.stores.back().known = missing;
  if (window::is_atom(missing) && holds_atoms(s[0], s.view)) a.flags = kData | kAtom;
  return with_known(std::move(a), join(items_of(s[0], Part::kValues, s.view), missing));
}

namespace {

// Of a container with these parts and nothing else: the one at the index; null when there may be others.
const KnownRef* part_at(const window::Known& known, PyObject* number) {
  const Py_ssize_t index = PyLong_AsSsize_t(number);
  if (index == -1 && PyErr_Occurred() != nullptr) PyErr_Clear();
  const auto size = static_cast<Py_ssize_t>(known.parts.size());
  const bool only = !known.data && !known.constant.bound() && known.objects.empty() && known.items == nullptr;
  if (!only || index >= size || index < -size) return nullptr;
  return &known.parts[static_cast<std::size_t>(index < 0 ? index + size : index)];
}

}  // namespace

// What a key that is there finds in one of a few builtin containers that exist, whichever it is; null when
// that is not known.
KnownRef PythonHost::found_in_each(const Site& s) {
  const KnownRef known = s[0].known();
  if (known == nullptr || !s[1].ready() || known->objects.empty() ||
      known->objects.size() > kMostAlternatives || !window::is_known_object(*known))
    return nullptr;
  KnownRef all = window::known_nothing();
  for (const Value& container : known->objects) {
    PyObject* object = object_of(container);
    const Shape shape = shape_of(object);
    if ((shape != Shape::kDict && shape != Shape::kList) || !is_static(Py_TYPE(object)) ||
        is_default_dict(object))
      return nullptr;
    const std::array<Value, 2> operands = {container, s[1]};
    const Action a = load_item({s.program, s.node, operands, s.view});
    if (a.verdict == Action::kRaised) continue;
    if (a.effect.memory != Effect::kNone) return nullptr;
    const KnownRef one = a.verdict == Action::kDone ? known_of(a.value, s.view) : a.known;
    all = one == nullptr ? nullptr : join(all, one);
    if (all == nullptr) return nullptr;
  }
  return all;
}

// Of a container, or by a key, that is not there yet.
Action PythonHost::load_pending_item(const Site& s, std::size_t pending) {
  if (!is_data(s[1], s.view)) return needs_operand(pending, kUnknown, Effect::kAnything);
  if (s[0].ready() && is_default_dict(s.object(0))) return load_or_make(s, pending);
  const bool keyed = s[0].ready() && PyDict_Check(s.object(0));
  KnownRef items = items_of(s[0], Part::kValues, s.view);
  if (s[0].is_pending() && (s[0].flags() & kData) == 0 && items == nullptr)
    return needs_operand(pending, kUnknown, Effect::kAnything);
  if (s[0].ready() && !is_data(s[0], s.view)) return needs_operand(pending, kUnknown, Effect::kAnything);
  const bool one = s[1].ready() ? !PySlice_Check(s.object(1)) : keyed;
  if (const KnownRef known = s[0].known(); known != nullptr && s[1].ready() && PyLong_CheckExact(s.object(1)))
    if (const KnownRef* part = part_at(*known, s.object(1))) items = window::held(*part);
  const Flags data = window::flags_of(window::known_of_pending(s[0]));
  if (s[0].is_pending() && s[1].ready() && PySlice_Check(s.object(1)) && data != kUnknown)
    return with_known(needs_operand(pending, data), s[0].known());  // it is what it is a slice of
  if (const KnownRef found = found_in_each(s); found != nullptr)
    return with_known(needs_operand(pending, kUnknown), found);
  if (!one && items != nullptr)  // perhaps a slice
    items = s[1].ready() ? window::known_container(items) : join(items, window::known_container(items));
  const bool atom = keyed && one && holds_atoms(s[0], s.view);
  return with_known(needs_operand(pending, atom ? kData | kAtom : kUnknown), std::move(items));
}

Action PythonHost::load_list_item(const Site& s, PyObject* list, PyObject* index) {
  // An index that is in range stays so while only appends are pending; all else is read as a whole.
  if (PyLong_CheckExact(index)) {
    const Py_ssize_t i = PyLong_AsSsize_t(index);
    if (i == -1 && PyErr_Occurred() != nullptr) PyErr_Clear();
    if (i >= 0 && i < PyList_GET_SIZE(list)) {
      switch (s.view.look(address_of(list), {Where::kItem, address_of(index)})) {
        case View::State::kClear:
          return done(to_value(PyList_GET_ITEM(list, i)));
        case View::State::kBlocked:
          return blocked_at(s.view, PyList_GET_ITEM(list, i));
        case View::State::kPending:
          if (const Value* v = assigned_item(s.view.stores())) return settled(*v);
      }
    }
  }
  Replayed now = read_container(list, s.view);
  if (now.obstacle != Obstacle::kNothing) {
    Action a = held_up(now.obstacle, std::move(now.element), kUnknown);
    KnownRef items = items_of(borrow_value(list), Part::kItems, s.view);
    return with_known(std::move(a), PySlice_Check(index) ? window::known_container(items) : items);
  }
  Action a = item_of(now.copy.ptr(), index);
  if (a.verdict == Action::kDone && PySlice_Check(index)) placeholders_.watch(nb::borrow(object_of(a.value)));
  return a;
}

// dict[key], or dict.get(key, fallback). A defaultdict that lacks the key stores.
Action PythonHost::load_key(const Site& s, PyObject* dict, PyObject* key, const Value* fallback) {
  auto found_in = [&](PyObject* in) -> Action {
    if (fallback == nullptr) return item_of(in, key);
    PyObject* item = PyDict_GetItemWithError(in, key);
    if (item == nullptr && PyErr_Occurred() != nullptr) return raised();
    return item == nullptr ? done(*fallback) : done(to_value(item));
  };
  auto makes_default = [&](PyObject* in) {
    return fallback == nullptr && is_default_dict(dict) && PyDict_Contains(in, key) == 0;
  };
  switch (s.view.look(address_of(dict), {Where::kItem, address_of(key)})) {
    case View::State::kClear:
      if (!makes_default(dict)) return found_in(dict);
      break;
    case View::State::kBlocked: {
      PyObject* committed = PyDict_GetItemWithError(dict, key);
      if (committed == nullptr) {
        PyErr_Clear();
        const KnownRef values = items_of(borrow_value(dict), Part::kValues, s.view);
        if (fallback != nullptr)
          return with_known(blocked(kUnknown), join(values, known_of(*fallback, s.view)));
        return makes_default(dict) ? blocked(kUnknown) : with_known(blocked(kUnknown), values);
      }
      return blocked_at(s.view, committed);
    }
    case View::State::kPending:
      if (const Value* v = assigned_item(s.view.stores())) return settled(*v);
      Replayed now = read_container(dict, s.view);
      if (now.obstacle != Obstacle::kNothing) {
        Action a = held_up(now.obstacle, std::move(now.element), kUnknown);
        const KnownRef values = items_of(borrow_value(dict), Part::kValues, s.view);
        return with_known(std::move(a),
                          fallback == nullptr ? values : join(values, known_of(*fallback, s.view)));
      }
      if (!makes_default(now.copy.ptr())) return found_in(now.copy.ptr());
  }
  if (!makes_builtin_default(dict)) return ordered(Reason::kUserOperator, Effect::kAnything);
  if (s[0].object() == address_of(dict) && is_private(s, dict)) {
    Action a = item_of(dict, key);
    a.changed = borrow_value(dict);
    return a;
  }
  Action a = ordered_store(borrow_value(dict), {Where::kItems}, Effect::kOpaque);
  a.effect.stores.back().known = default_of(dict);
  return with_known(std::move(a),
                    join(items_of(borrow_value(dict), Part::kValues, s.view), default_of(dict)));
}

namespace {

// The store only takes things out.
Action stores_nothing(Action a) {
  for (Effect::Store& store : a.effect.stores) store.known = window::known_nothing();
  return a;
}

}  // namespace

// In its turn.
Action PythonHost::store_item_now(const Site& s, bool removes) {
  if (const std::size_t i = first_pending(s.operands); i < s.operands.size())
    return needs_operand(i, kUnknown, Effect::kAnything);
  if (Action a; !removes && enter_operator(s, s.object(0), "__setitem__", a)) return a;
  const int status = removes ? PyObject_DelItem(s.object(0), s.object(1))
                             : PyObject_SetItem(s.object(0), s.object(1), s.object(2));
  return status == 0 ? none_done() : raised();
}

// In a container that is not there yet.
Action PythonHost::store_pending_item(const Site& s, bool removes) {
  const bool builtin =
      is_builtin(s[0], s.view) && is_data(s[1], s.view) && (removes || may_hold(s[0], s[2], s.view));
  Action a = needs_operand(0, kUnknown, builtin ? Effect::kOpaque : Effect::kAnything);
  if (builtin) a.effect.stores.push_back({s[0], {Where::kItems}});
  return removes ? std::move(a) : stores_operand(std::move(a), 2);
}

Action PythonHost::store_item(const Site& s) {
  const bool removes = s.node.op == ir::Op::kDeleteItem;
  if (s.view.quiet()) return store_item_now(s, removes);
  if (s[0].is_pending()) return store_pending_item(s, removes);
  PyObject* object = s.object(0);
  if (Action a; !removes && enter_operator(s, object, "__setitem__", a)) return a;
  const Shape shape = shape_of(object);
  if (!is_container(shape) || shape == Shape::kSet) return ordered(Reason::kUserOperator, Effect::kAnything);
  if (s[1].is_pending()) {
    if (!is_data(s[1], s.view)) return needs_operand(1, kUnknown, Effect::kAnything);
    Action a = ordered_store(s[0], {Where::kItems});
    return removes ? stores_nothing(std::move(a)) : stores_operand(std::move(a), 2);
  }
  PyObject* key = s.object(1);
  if (!is_atom(key)) return ordered(Reason::kUserOperator, Effect::kAnything);
  if (Action a; store_item_privately(s, object, key, a)) return a;
  if (PySlice_Check(key) || removes || shape == Shape::kBuffer || shape == Shape::kDeque)
    return store_slice(s);
  if (shape == Shape::kList) {
    const Py_ssize_t i = PyLong_Check(key) ? PyLong_AsSsize_t(key) : -1;
    if (i == -1) PyErr_Clear();
    return stores_operand(
        ordered_store(s[0], i >= 0 ? Where{Where::kItem, address_of(key)} : Where{Where::kItems}), 2);
  }
  Action a = stores_operand(ordered_store(s[0], {Where::kItem, address_of(key)}), 2);
  const bool exists = s.view.look(address_of(object), {Where::kKeys}) == View::State::kClear &&
                      PyDict_Contains(object, key) == 1;
  if (!exists) a.effect.stores.push_back({.target = s[0], .where = {Where::kKeys}, .operand = 2});
  return is_constant(key) ? sure(std::move(a)) : std::move(a);
}

// Slice assignment reads what it assigns, here; a deletion reads nothing.
Action PythonHost::store_slice(const Site& s) {
  Action a = ordered_store(s[0], {Where::kItems});
  if (s.node.op == ir::Op::kDeleteItem) return stores_nothing(std::move(a));
  if (!is_data(s[2], s.view)) return ordered(Reason::kUserOperator, Effect::kAnything);
  if (s[2].ready() && PyIter_Check(s.object(2)) != 0) return ordered(Reason::kIterator, Effect::kAnything);
  a = stores_operand(std::move(a), 2, true);
  Snapshot now(s.view, placeholders_, Depth::kShallow);
  const Obstacle obstacle = s[2].is_pending() ? Obstacle::kElement : now.add(s.object(2));
  if (obstacle == Obstacle::kNothing && !now.copied()) return a;
  return once_read(std::move(a), obstacle, s[2].is_pending() ? s[2] : now.element());
}

// args[0] in args[1]
Action PythonHost::contains(const Site& s) {
  const Flags flags = kData | kAtom;
  const bool negated = s.node.index == 1;
  auto answer = [&](int found) {
    if (found < 0) return raised();
    return done(borrow_value((found != 0) != negated ? Py_True : Py_False));
  };
  if (Action a; enter_contains(s, negated, a)) return a;
  if (const std::size_t i = first_pending(s.operands); i < s.operands.size())
    return needs_operand(i, flags, all_data(s.operands, s.view) ? Effect::kNone : Effect::kAnything);
  PyObject* item = s.object(0);
  PyObject* in = s.object(1);
  if (s.view.quiet()) return answer(PySequence_Contains(in, item));
  const Shape shape = shape_of(in);
  if (shape == Shape::kPlain || shape == Shape::kOther || shape == Shape::kRecord ||
      shape == Shape::kIterator || (shape == Shape::kCallable && !PyType_Check(in)))
    return ordered(Reason::kUserOperator, Effect::kAnything, flags);
  const bool keyed = is_atom(item) && (shape == Shape::kDict || shape == Shape::kSet);
  if (keyed) {
    switch (s.view.look(address_of(in), {Where::kItem, address_of(item)})) {
      case View::State::kClear:
        return answer(PySequence_Contains(in, item));
      case View::State::kBlocked:
        return blocked(flags);
      case View::State::kPending:
        if (makes_member(s.view.stores())) return answer(1);
    }
    Replayed now = read_container(in, s.view);
    if (now.obstacle != Obstacle::kNothing) return held_up(now.obstacle, std::move(now.element), flags);
    return answer(PySequence_Contains(now.copy.ptr(), item));
  }
  Snapshot now(s.view, placeholders_, Depth::kDeep);
  for (PyObject* o : {item, in})
    if (const Obstacle obstacle = now.add(o); obstacle != Obstacle::kNothing)
      return held_up_inside(obstacle, now.element(), flags, all_data(s.operands, s.view));
  return answer(PySequence_Contains(now.get(in).ptr(), now.get(item).ptr()));
}

Action PythonHost::unpack(const Site& s) {
  const ir::Unpack& shape = s.program.unpacks[s.node.index];
  if (s[0].is_pending()) {
    if ((s[0].flags() & (kData | kAtom)) != 0) return needs_operand(0, kData);
    KnownRef items = items_of(s[0], Part::kItems, s.view);
    if (items == nullptr) return needs_operand(0, kUnknown, Effect::kAnything);
    const KnownRef& known = s[0].known();
    const bool tuple =
        !known->parts.empty() && !known->data && known->items == nullptr && known->objects.empty();
    return with_known(needs_operand(0, kUnknown), tuple ? known : window::known_container(std::move(items)));
  }
  nb::object source = nb::borrow(s.object(0));
  if (!PyTuple_CheckExact(source.ptr())) {
    if (!s.view.quiet()) {
      const Shape kind = shape_of(source.ptr());
      const bool plain =
          kind == Shape::kTuple || is_container(kind) || kind == Shape::kView || kind == Shape::kAtom;
      if (!plain) return ordered(Reason::kIterator, Effect::kAnything);
      const bool is_view = kind == Shape::kView;
      if (is_container(kind) || is_view) {
        Snapshot now(s.view, placeholders_, Depth::kShallow);
        now.keep_placeholders();
        if (const Obstacle o = now.add(source.ptr()); o != Obstacle::kNothing)
          return held_up(o, now.element(), kUnknown);
        source = now.get(source.ptr());
      }
    }
  }
  return spread(shape, source);
}

namespace {

Action wrong_count(const ir::Unpack& shape, Py_ssize_t got, bool more) {
  const auto wanted = static_cast<Py_ssize_t>(shape.dests.size()) - (shape.star == ir::kNone ? 0 : 1);
  const std::string message = more ? fmt::format("too many values to unpack (expected {})", wanted)
                                   : fmt::format("not enough values to unpack (expected {}{}, got {})",
                                                 shape.star == ir::kNone ? "" : "at least ", wanted, got);
  PyErr_SetString(PyExc_ValueError, message.c_str());
  return raised();
}

}  // namespace

// As the bytecodes UNPACK_SEQUENCE and UNPACK_EX: draws no more items than it has to.
Action PythonHost::spread(const ir::Unpack& shape, const nb::object& source) {
  PyObject* made = PyObject_GetIter(source.ptr());
  if (made == nullptr) {
    if (PyErr_ExceptionMatches(PyExc_TypeError) != 0 && Py_TYPE(source.ptr())->tp_iter == nullptr &&
        PySequence_Check(source.ptr()) == 0) {
      PyErr_Clear();
      PyErr_SetString(
          PyExc_TypeError,
          fmt::format("cannot unpack non-iterable {} object", Py_TYPE(source.ptr())->tp_name).c_str());
    }
    return raised();
  }
  const nb::object iterator = nb::steal(made);
  Action a;
  std::vector<nb::object> rest;
  const std::size_t size = shape.dests.size();
  const std::size_t before = shape.star == ir::kNone ? size : shape.star;
  auto draw = [&](nb::object& item) {
    PyObject* next = PyIter_Next(iterator.ptr());
    item = next == nullptr ? nb::object() : nb::steal(next);
    return next != nullptr;
  };
  nb::object item;
  for (std::size_t i = 0; i < before; ++i) {
    if (!draw(item))
      return PyErr_Occurred() != nullptr ? raised() : wrong_count(shape, static_cast<Py_ssize_t>(i), false);
    a.values.push_back(to_value(item.ptr()));
  }
  if (shape.star == ir::kNone) {
    if (draw(item)) return wrong_count(shape, 0, true);
    return PyErr_Occurred() != nullptr ? raised() : std::move(a);
  }
  while (draw(item)) rest.push_back(item);
  if (PyErr_Occurred() != nullptr) return raised();
  const std::size_t after = size - before - 1;
  if (rest.size() < after) return wrong_count(shape, static_cast<Py_ssize_t>(before + rest.size()), false);
  nb::list middle;
  for (std::size_t i = 0; i < rest.size() - after; ++i) middle.append(rest[i]);
  placeholders_.watch(middle);
  a.values.push_back(steal_value(std::move(middle)));
  for (std::size_t i = rest.size() - after; i < rest.size(); ++i) a.values.push_back(to_value(rest[i].ptr()));
  return a;
}

// The element of a comprehension's list or set, which only the comprehension knows until it ends.
Action PythonHost::append(const Site& s) {
  const bool list = s.node.op == ir::Op::kAppend;
  if (s[0].is_pending()) return needs_operand(0, kUnknown, Effect::kAnything);
  if (s.view.quiet()) {
    if (s[1].is_pending()) return needs_operand(1, kUnknown, Effect::kAnything);
    const int status = list ? PyList_Append(s.object(0), s.object(1)) : PySet_Add(s.object(0), s.object(1));
    return status == 0 ? none_done() : raised();
  }
  if (Action a; list && append_privately(s, s.object(0), s[1], 0, a)) return a;
  if (list) return stores_operand(sure(ordered_store(s[0], {Where::kKeys})), 1);
  if (!is_data(s[1], s.view)) return ordered(Reason::kUserOperator, Effect::kAnything);
  const bool hashed = s[1].ready() && !pending_inside(s.object(1)).bound();
  if (hashed && is_private(s, s.object(0)))
    return PySet_Add(s.object(0), s.object(1)) == 0 ? none_done() : raised();
  return stores_operand(ordered_store(s[0], {Where::kItems}), 1);
}

}  // namespace xcs::python
