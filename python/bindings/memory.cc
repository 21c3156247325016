#include "memory.h"

#include <structmember.h>

#include <algorithm>
#include <new>
#include <unordered_set>

#include "held.h"
#include "program.h"

namespace xcs::python {
namespace {

// Objects that one independent call may reach before the host gives up looking at each of them, and how deep
// they may lie.
constexpr std::size_t kMostVisited = 20'000;
constexpr int kDeepest = 500;

// The order of a set's elements, now and after more are added or removed, is that of its table, which depends
// on how it came about. So the copy gets the same table.
nb::object copy_set(PyObject* set) {
  nb::object copy = checked(PySet_New(nullptr));
  auto* from = reinterpret_cast<PySetObject*>(set);
  auto* to = reinterpret_cast<PySetObject*>(copy.ptr());
  const auto size = static_cast<std::size_t>(from->mask) + 1;
  if (from->table != from->smalltable) {
    setentry* table = PyMem_New(setentry, size);
    if (table == nullptr) throw std::bad_alloc();
    to->table = table;
  }
  for (std::size_t i = 0; i < size; ++i) {
    to->table[i] = from->table[i];
    if (to->table[i].hash != -1) Py_XINCREF(to->table[i].key);  // else the mark of one that was removed
  }
  to->fill = from->fill;
  to->used = from->used;
  to->mask = from->mask;
  to->finger = from->finger;
  return copy;
}

nb::object copy_container(PyObject* object) {
  if (PyList_CheckExact(object)) return checked(PyList_GetSlice(object, 0, PyList_GET_SIZE(object)));
  if (PyDict_CheckExact(object)) return checked(PyDict_Copy(object));
  if (PySet_CheckExact(object)) return copy_set(object);
  if (PyByteArray_CheckExact(object)) return checked(PyByteArray_FromObject(object));
  return nb::handle(object).attr("copy")();  // deque, defaultdict, OrderedDict, Counter
}

// The operands as objects; nothing when one that is looked at is pending, which is then `element`.
struct Replayer {
  const PendingStore& store;
  Value element = {};

  // The operand, settled; unbound when it is pending and must not be.
  nb::object ready(std::size_t i) {
    Value v = store.operands[i];
    v.settle();
    if (v.is_pending()) {
      element = v;
      return {};
    }
    return nb::borrow(object_of(v));
  }
  nb::object any(std::size_t i) { return to_object(store.operands[i]); }
  // As ready, of an operand that is hashed: nothing in it may be pending.
  nb::object complete(std::size_t i) {
    nb::object object = ready(i);
    if (!object) return {};
    element = pending_inside(object.ptr());
    return element.is_pending() ? nb::object() : object;
  }

  // Returns whether the store was applied; otherwise `element` or the Python error says why.
  bool apply(PyObject* copy) {
    switch (store.node->op) {
      case ir::Op::kAppend:
        return PyList_Append(copy, any(1).ptr()) == 0;
      case ir::Op::kAdd: {
        const nb::object item = complete(1);
        return item && PySet_Add(copy, item.ptr()) == 0;
      }
      case ir::Op::kStoreItem: {
        const nb::object key = complete(1);
        if (!key) return false;
        const nb::object item = PySlice_Check(key.ptr()) ? ready(2) : any(2);
        return item && PyObject_SetItem(copy, key.ptr(), item.ptr()) == 0;
      }
      case ir::Op::kDeleteItem: {
        const nb::object key = complete(1);
        return key && PyObject_DelItem(copy, key.ptr()) == 0;
      }
      case ir::Op::kInplace:
        return apply_inplace(copy);
      case ir::Op::kCallMethod:
        return apply_method(copy);
      case ir::Op::kCall:
        return apply_bound_method(copy);
      default:
        PyErr_SetString(PyExc_SystemError, "a store of this kind is not replayed");
        return false;
    }
  }

  bool apply_inplace(PyObject* copy) {
    const nb::object operand = ready(1);
    if (!operand) return false;
    PyObject* args[] = {copy, operand.ptr()};
    PyObject* fragment = program_of(*store.program).fragment(store.node->index);
    return nb::steal(PyObject_Vectorcall(fragment, args, 2, nullptr)).is_valid();
  }

  bool apply_method(PyObject* copy) {
    const HostProgram& program = program_of(*store.program);
    return call_method(copy, program.name_object(program.calls[store.node->index].method));
  }

  // A call of a method that was bound to the object before its arguments were evaluated.
  bool apply_bound_method(PyObject* copy) {
    const nb::object method = ready(0);
    return method && call_method(copy, interned(method_name(method.ptr())).ptr());
  }

  bool call_method(PyObject* copy, PyObject* name) {
    const HostProgram& program = program_of(*store.program);
    const std::string_view text = PyUnicode_AsUTF8(name);
    const bool hashes = depth_of_arguments(copy) == Depth::kDeep;
    std::vector<nb::object> held;
    std::vector<PyObject*> args{copy};
    for (std::size_t i = 1; i < store.operands.size(); ++i) {
      held.push_back(may_be_pending(text, i - 1) ? any(i) : hashes ? complete(i) : ready(i));
      if (!held.back()) return false;
      args.push_back(held.back().ptr());
    }
    return nb::steal(PyObject_VectorcallMethod(name, args.data(), args.size(),
                                               program.keyword_names(store.node->index)))
        .is_valid();
  }
};

}  // namespace

std::vector<std::pair<nb::object, PyObject*>> own_attributes_of(PyObject* object) {
  std::vector<std::pair<nb::object, PyObject*>> attributes;
  PyObject** dict = _PyObject_GetDictPtr(object);
  PyObject *key = nullptr, *value = nullptr;
  Py_ssize_t position = 0;
  if (dict != nullptr && *dict != nullptr)
    while (PyDict_Next(*dict, &position, &key, &value) != 0) {
      PyObject* name = Py_NewRef(key);
      if (PyUnicode_CheckExact(name)) PyUnicode_InternInPlace(&name);
      attributes.emplace_back(nb::steal(name), value);
    }
  for (PyTypeObject* type = Py_TYPE(object); type != nullptr; type = type->tp_base) {
    if (type->tp_members == nullptr || is_static(type)) continue;
    for (const PyMemberDef* slot = type->tp_members; slot->name != nullptr; ++slot) {
      if (slot->type != T_OBJECT_EX) continue;
      PyObject* held = *reinterpret_cast<PyObject**>(reinterpret_cast<char*>(object) + slot->offset);
      if (held != nullptr) attributes.emplace_back(interned(slot->name), held);
    }
  }
  return attributes;
}

bool has_plain_keys(PyObject* instance) {
  PyObject** dict = _PyObject_GetDictPtr(instance);
  if (dict == nullptr || *dict == nullptr) return true;
  if (reinterpret_cast<PyDictObject*>(*dict)->ma_values != nullptr) return true;  // names of attributes only
  PyObject* key = nullptr;
  Py_ssize_t position = 0;
  while (PyDict_Next(*dict, &position, &key, nullptr) != 0)
    if (!PyUnicode_CheckExact(key)) return false;
  return true;
}

PyObject* attribute_in_dict(PyObject* object, PyObject* name) {
  PyObject** dict = _PyObject_GetDictPtr(object);
  return dict == nullptr || *dict == nullptr ? nullptr : PyDict_GetItemWithError(*dict, name);
}

std::vector<PyObject*> attributes_of(PyObject* object) {
  std::vector<PyObject*> values;
  if (PyExceptionInstance_Check(object))
    values.push_back(reinterpret_cast<PyBaseExceptionObject*>(object)->args);
  for (const auto& [name, value] : own_attributes_of(object)) values.push_back(value);
  return values;
}

bool is_bound_builtin(PyObject* callee) {
  if (!PyCFunction_Check(callee)) return false;
  PyObject* self = PyCFunction_GET_SELF(callee);
  return self != nullptr && !PyModule_Check(self) && !PyType_Check(self);
}

const char* method_name(PyObject* method) {
  return reinterpret_cast<PyCFunctionObject*>(method)->m_ml->ml_name;
}

bool may_be_pending(std::string_view method, std::size_t index) {
  if (method == "append" || method == "appendleft") return index == 0;
  return (method == "insert" || method == "setdefault" || method == "__setitem__") && index == 1;
}

Replayed replay(PyObject* object, std::span<const PendingStore> stores) {
  Replayed result;
  result.copy = copy_container(object);
  settle_directly(result.copy.ptr());
  for (const PendingStore& store : stores) {
    Replayer replayer{store};
    if (replayer.apply(result.copy.ptr())) continue;
    result.copy = {};
    if (replayer.element.is_pending()) {
      result.obstacle = Obstacle::kElement;
      result.element = std::move(replayer.element);
    } else {
      PyErr_Clear();  // the store itself will raise it, before the read is reached
      result.obstacle = Obstacle::kHeld;
    }
    break;
  }
  return result;
}

PyObject* shared_dict(PyObject* instance) {
  PyObject** dict = _PyObject_GetDictPtr(instance);
  return dict == nullptr || *dict == nullptr || Py_REFCNT(*dict) == 1 ? nullptr : *dict;
}

View::State look_in_dict(PyObject* instance, PyObject* name, View& view) {
  PyObject* dict = shared_dict(instance);
  if (dict == nullptr) return View::State::kClear;
  return view.look(address_of(dict),
                   name == nullptr ? Where{Where::kAll} : Where{Where::kItem, address_of(name)});
}

Replayed read_container(PyObject* object, View& view) {
  switch (view.look(address_of(object), {Where::kAll})) {
    case View::State::kClear:
      return {Obstacle::kNothing, nb::borrow(object), {}};
    case View::State::kBlocked:
      return {Obstacle::kBlocked, {}, {}};
    case View::State::kPending:
      return replay(object, view.stores());
  }
  return {};
}

PyObject* dict_of_view(PyObject* view) {
  struct DictView {  // every version's layout; from 3.13 on, the header that says so is not public
    PyObject base;
    PyObject* dict;
  };
  return reinterpret_cast<DictView*>(view)->dict;
}

Depth depth_of_arguments(PyObject* container) {
  const Shape shape = shape_of(container);
  return shape == Shape::kDict || shape == Shape::kSet ? Depth::kDeep : Depth::kShallow;
}

Obstacle Snapshot::add(PyObject* operand) {
  if (depth_ == Depth::kShallow && PyIter_Check(operand))
    return Obstacle::kUnknown;  // reading it is stepping it
  const Obstacle obstacle = visit(operand, false);
  if (obstacle != Obstacle::kNothing || copies_.empty()) return obstacle;
  for (PyObject* instance : instances_)
    if (leads_to_copy(instance)) return Obstacle::kHeld;
  return Obstacle::kNothing;
}

namespace {

// What stands in the way of reading, where it is, an object that this was said of.
Obstacle obstacle_of(View::State state) {
  switch (state) {
    case View::State::kClear:
      return Obstacle::kNothing;
    case View::State::kBlocked:
      return Obstacle::kBlocked;
    case View::State::kPending:
      return Obstacle::kHeld;
  }
  return Obstacle::kUnknown;
}

}  // namespace

// Whether something that can be reached from the instance, which was visited, is replaced by a copy.
bool Snapshot::leads_to_copy(PyObject* instance) const {
  std::unordered_set<PyObject*> seen;
  std::vector<PyObject*> pending{instance};
  auto push = [&](PyObject* held) {
    if (PyDictViewSet_Check(held) || PyDictValues_Check(held)) held = dict_of_view(held);
    if (visited_.contains(held) && seen.insert(held).second) pending.push_back(held);
  };
  while (!pending.empty()) {
    PyObject* object = pending.back();
    pending.pop_back();
    if (copies_.contains(object)) return true;
    if (PyDict_Check(object)) {
      PyObject *key = nullptr, *value = nullptr;
      Py_ssize_t position = 0;
      while (PyDict_Next(object, &position, &key, &value) != 0) push(key), push(value);
    } else if (is_container(shape_of(object)) || PyTuple_Check(object)) {
      for (nb::handle held : nb::borrow(object)) push(held.ptr());
    } else {
      for (PyObject* value : held_by(object, depth_)) push(value);
    }
  }
  return false;
}

Obstacle Snapshot::visit(PyObject* object, bool inside) {
  if (PyUnicode_CheckExact(object) || PyLong_CheckExact(object) || object == Py_None)
    return Obstacle::kNothing;
  if (depth_now_ == kDeepest) return Obstacle::kHeld;
  ++depth_now_;
  const Obstacle obstacle = visit_at(object, inside);
  --depth_now_;
  return obstacle;
}

Obstacle Snapshot::visit_at(PyObject* object, bool inside) {
  const Shape shape = shape_of(object);
  switch (shape) {
    case Shape::kCallable:
      return visit_callable(object);
    case Shape::kAtom:
      return is_atom(object) ? Obstacle::kNothing : Obstacle::kUnknown;
    case Shape::kIterator:
      return Obstacle::kNothing;
    case Shape::kPlaceholder: {
      if (keep_placeholders_) return Obstacle::kNothing;
      element_ = to_value(object);
      if (element_.is_pending()) return Obstacle::kElement;
      placeholders_.settle();
      return visit(object_of(element_), inside);
    }
    case Shape::kOther:
      return depth_ == Depth::kArguments ? visit_attributes(object) : Obstacle::kUnknown;
    case Shape::kPlain:
      if (depth_ == Depth::kDeep) return obstacle_of(view_.look_anywhere());  // its class may be changed
      if (depth_ == Depth::kShallow) return Obstacle::kNothing;
      return depth_ == Depth::kReached && has_copy_hooks(Py_TYPE(object)) ? Obstacle::kUnknown
                                                                          : visit_attributes(object);
    case Shape::kRecord:
      if (depth_ == Depth::kShallow) return Obstacle::kNothing;
      return depth_ == Depth::kReached && has_copy_hooks(Py_TYPE(object)) ? Obstacle::kUnknown
                                                                          : visit_attributes(object);
    case Shape::kView:
      return visit_container(dict_of_view(object), inside);
    case Shape::kTuple:
      if (!visited_.emplace(object, nb::borrow(object)).second) return Obstacle::kNothing;
      return visit_elements(object);
    default:
      return visit_container(object, inside);
  }
}

Obstacle Snapshot::visit_container(PyObject* object, bool inside) {
  if (!visited_.emplace(object, nb::borrow(object)).second) {
    copied_inside_ = copied_inside_ || (inside && copies_.contains(object));
    return Obstacle::kNothing;
  }
  if (visited_.size() > kMostVisited) return Obstacle::kHeld;
  Replayed now = read_container(object, view_);
  if (now.obstacle != Obstacle::kNothing) {
    element_ = std::move(now.element);
    return now.obstacle;
  }
  if (now.copy.ptr() != object) {
    copies_.emplace(object, now.copy);
    copied_inside_ = copied_inside_ || inside;
  }
  return visit_elements(now.copy.ptr());
}

Obstacle Snapshot::visit_elements(PyObject* container) {
  auto visit_one = [&](PyObject* element) {
    if (depth_ != Depth::kShallow || shape_of(element) == Shape::kPlaceholder) return visit(element, true);
    return Obstacle::kNothing;
  };
  Obstacle obstacle = Obstacle::kNothing;
  if (PyDict_Check(container)) {
    PyObject *key = nullptr, *value = nullptr;
    Py_ssize_t position = 0;
    while (obstacle == Obstacle::kNothing && PyDict_Next(container, &position, &key, &value) != 0) {
      obstacle = visit_one(key);
      if (obstacle == Obstacle::kNothing) obstacle = visit_one(value);
    }
    return obstacle;
  }
  if (PyTuple_Check(container) || PyList_Check(container)) {
    // From the end: what is pending there is there last, as a rule, so that one wait is enough.
    for (Py_ssize_t i = PySequence_Fast_GET_SIZE(container); obstacle == Obstacle::kNothing && i > 0; --i)
      obstacle = visit_one(PySequence_Fast_GET_ITEM(container, i - 1));
    return obstacle;
  }
  if (PyByteArray_Check(container)) return obstacle;
  for (nb::handle element : nb::borrow(container)) {
    obstacle = visit_one(element.ptr());
    if (obstacle != Obstacle::kNothing) break;
  }
  return obstacle;
}

// Neither instances nor functions are ever copied: one that has pending stores, or leads to something that
// has, holds up the node.
Obstacle Snapshot::visit_attributes(PyObject* object) {
  if (!visited_.emplace(object, nb::borrow(object)).second) return Obstacle::kNothing;
  if (visited_.size() > kMostVisited) return Obstacle::kHeld;
  instances_.push_back(object);
  if (const Obstacle o = obstacle_of(look_in_dict(object, nullptr, view_)); o != Obstacle::kNothing) return o;
  if (const Obstacle o = obstacle_of(view_.look(address_of(object), {Where::kAll})); o != Obstacle::kNothing)
    return o;
  return visit_all(held_by(object, depth_));
}

Obstacle Snapshot::visit_all(std::span<PyObject* const> held) {
  for (PyObject* value : held)
    if (const Obstacle o = visit(value, true); o != Obstacle::kNothing) return o;
  return Obstacle::kNothing;
}

Obstacle Snapshot::add_attributes(PyObject* instance) {
  const Shape shape = shape_of(instance);
  if (shape != Shape::kPlain && shape != Shape::kRecord && shape != Shape::kCallable)
    return Obstacle::kNothing;
  if (has_copy_hooks(Py_TYPE(instance))) return Obstacle::kUnknown;
  if (const Obstacle o = obstacle_of(look_in_dict(instance, nullptr, view_)); o != Obstacle::kNothing)
    return o;
  return obstacle_of(view_.look(address_of(instance), {Where::kAll}));
}

// Operators look at no more than which callable it is; its text is made of its names.
Obstacle Snapshot::visit_callable(PyObject* object) {
  if (depth_ == Depth::kShallow || is_fixed(object)) return Obstacle::kNothing;
  if (PyMethod_Check(object) && depth_ != Depth::kArguments) {
    PyObject* function = PyMethod_GET_FUNCTION(object);
    if (!PyFunction_Check(function)) return Obstacle::kUnknown;
    if (const Obstacle o = visit(function, true); o != Obstacle::kNothing) return o;
  }
  if (!PyModule_Check(object)) return visit_attributes(object);
  if (const Obstacle o = obstacle_of(view_.look(address_of(PyModule_GetDict(object)), {Where::kAll}));
      o != Obstacle::kNothing)
    return o;
  if (depth_ == Depth::kArguments) return Obstacle::kNothing;
  const auto shown = shown_of_module(object);
  return shown ? visit_all(*shown) : Obstacle::kUnknown;
}

namespace {

// A view of `dict` of the same kind as `view`.
nb::object view_like(PyObject* view, const nb::object& dict) {
  const char* kind = PyDictKeys_Check(view) ? "keys" : PyDictValues_Check(view) ? "values" : "items";
  return dict.attr(kind)();
}

}  // namespace

nb::object Snapshot::get(PyObject* operand) {
  if (copies_.empty()) return nb::borrow(operand);
  if (copied_inside_) return rebuild(operand);
  const bool is_view = shape_of(operand) == Shape::kView;
  auto copy = copies_.find(is_view ? dict_of_view(operand) : operand);
  if (copy == copies_.end()) return nb::borrow(operand);
  return is_view ? view_like(operand, copy->second) : copy->second;
}

bool Snapshot::is_held() const {
  return std::ranges::any_of(copies_, [](const auto& copy) { return Py_REFCNT(copy.second.ptr()) > 1; });
}

// A copy of `object` in which everything that was visited is replaced by its copy. Visited containers without
// pending stores are copied too: which of them lead to a copied one is not worth finding out.
nb::object Snapshot::rebuild(PyObject* object) {
  if (auto done = rebuilt_.find(object); done != rebuilt_.end()) return done->second;
  if (shape_of(object) == Shape::kView) return view_like(object, rebuild(dict_of_view(object)));
  if (!visited_.contains(object)) return nb::borrow(object);
  auto copy = copies_.find(object);
  const nb::object source = copy == copies_.end() ? nb::borrow(object) : copy->second;
  if (PyTuple_Check(object)) {
    nb::object tuple = checked(PyTuple_New(PyTuple_GET_SIZE(object)));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object); ++i)
      PyTuple_SET_ITEM(tuple.ptr(), i, rebuild(PyTuple_GET_ITEM(object, i)).release().ptr());
    if (!PyTuple_CheckExact(object)) tuple = nb::handle(Py_TYPE(object)).attr("_make")(tuple);
    return rebuilt_[object] = tuple;
  }
  if (!is_container(shape_of(object))) return nb::borrow(object);
  nb::object result = copy_container(source.ptr());
  rebuilt_[object] = result;
  if (PyList_Check(object)) {
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(result.ptr()); ++i)
      PyList_SetItem(result.ptr(), i, rebuild(PyList_GET_ITEM(result.ptr(), i)).release().ptr());
  } else if (PyDict_Check(object)) {
    const nb::object items = checked(PyDict_Items(result.ptr()));
    for (nb::handle item : items)
      if (PyDict_SetItem(result.ptr(), item[0].ptr(), rebuild(nb::object(item[1]).ptr()).ptr()) != 0)
        nb::raise_python_error();
  } else if (shape_of(object) == Shape::kDeque) {
    const auto size = static_cast<Py_ssize_t>(nb::len(result));
    for (Py_ssize_t i = 0; i < size; ++i) result[i] = rebuild(nb::object(result[i]).ptr());
  }
  return result;
}

}  // namespace xcs::python
