// Methods of builtin types: stores that can be replayed, reads that can be forwarded.
#include <algorithm>
#include <array>
#include <string_view>

#include "files.h"
#include "host.h"

namespace xcs::python {
namespace {

using std::string_view_literals::operator""sv;

// Methods of builtin containers that change them. Everything else that the builtin types define only reads.
constexpr auto kMutators = std::to_array({"__delitem__"sv,
                                          "__iadd__"sv,
                                          "__imul__"sv,
                                          "__init__"sv,
                                          "__ior__"sv,
                                          "__setitem__"sv,
                                          "add"sv,
                                          "append"sv,
                                          "appendleft"sv,
                                          "clear"sv,
                                          "difference_update"sv,
                                          "discard"sv,
                                          "extend"sv,
                                          "extendleft"sv,
                                          "insert"sv,
                                          "intersection_update"sv,
                                          "move_to_end"sv,
                                          "pop"sv,
                                          "popitem"sv,
                                          "popleft"sv,
                                          "remove"sv,
                                          "reverse"sv,
                                          "rotate"sv,
                                          "setdefault"sv,
                                          "sort"sv,
                                          "subtract"sv,
                                          "symmetric_difference_update"sv,
                                          "update"sv});

// Those that only hand out something that looks at the container later.
bool makes_view(std::string_view name) { return name == "keys" || name == "values" || name == "items"; }

// Mutators that return None.
bool returns_none(std::string_view name) {
  return name != "pop" && name != "popitem" && name != "popleft" && name != "setdefault" &&
         !name.starts_with("__");
}

// Those that read the items of their argument, at their own place.
bool reads_argument(std::string_view name) {
  return name == "extend" || name == "extendleft" || name.ends_with("update") || name == "subtract";
}

bool is_callback(const std::pair<nb::object, Value>& keyword) {
  const Value& v = keyword.second;
  return v.ready() && v.object() != address_of(Py_None) && PyCallable_Check(object_of(v)) != 0;
}

// Whether comparing what the list holds runs no code of the user's.
bool compares_plainly(PyObject* container) {
  if (!PyList_Check(container)) return true;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(container); ++i)
    if (shape_of(PyList_GET_ITEM(container, i)) == Shape::kOther) return false;
  return true;
}

// Whether iterating over such an object runs no code of the user's.
bool is_read_plainly(Shape shape) {
  return is_container(shape) || shape == Shape::kTuple || shape == Shape::kView || shape == Shape::kAtom;
}

// Whether the mutator compares, hashes and iterates only over builtin objects, now and when it will run.
bool runs_no_code(PyObject* container, std::string_view name, const Arguments& arguments, View& view) {
  const auto& given = arguments.positional;
  if (name == "append" || name == "appendleft" || name == "clear" || name == "reverse" || name == "rotate" ||
      name == "popleft" || name == "popitem")
    return true;
  if (name == "insert") return given.empty() || is_data(given[0], view);
  if (name == "sort" && std::ranges::any_of(arguments.keywords, is_callback)) return false;
  if (name == "sort" || name == "remove") return compares_plainly(container) && arguments.data(view);
  if (name == "setdefault" || name == "pop") return given.empty() || is_data(given[0], view);
  if (reads_argument(name))
    return std::ranges::all_of(given, [&](const Value& v) {
      return is_data(v, view) && (!v.ready() || is_read_plainly(shape_of(object_of(v))));
    });
  return arguments.data(view);
}

// The operand that the mutator puts into its container, or whose items it does; kNone when there is not
// exactly one.
std::uint32_t stored_operand(const Site& s, std::string_view name, const Arguments& arguments) {
  const auto& given = arguments.positional;
  std::size_t index = 0;
  if (name == "insert" || name == "setdefault") index = 1;
  const bool stores = name == "append" || name == "appendleft" || name == "add" || name == "insert" ||
                      name == "setdefault" || name == "extend" || name == "extendleft" || name == "update";
  if (!stores || !arguments.keywords.empty() || given.size() != index + 1) return ir::kNone;
  for (std::size_t i = 1; i < s.operands.size(); ++i)
    if (s[i].bound() && s[i].object() == given[index].object()) return static_cast<std::uint32_t>(i);
  return ir::kNone;
}

// Of mutators that put nothing into their container.
bool only_removes(std::string_view name) {
  return name == "clear" || name == "pop" || name == "popleft" || name == "popitem" || name == "remove" ||
         name == "discard" || name == "reverse" || name == "rotate" || name == "sort" ||
         name == "move_to_end" || name == "difference_update" || name == "intersection_update" ||
         name == "__delitem__";
}

}  // namespace

bool is_mutator(std::string_view name) { return std::ranges::find(kMutators, name) != kMutators.end(); }

namespace {

// Mutators that neither compare nor hash nor iterate over what they are given.
bool only_puts(std::string_view name) {
  return name == "append" || name == "appendleft" || name == "clear" || name == "reverse" ||
         name == "popleft" || name == "popitem";
}

// What a method of a builtin container gives while it cannot be called, as far as that follows from what the
// container holds: null otherwise.
KnownRef given_by(std::string_view name, const Value& container, const Arguments& arguments, View& view) {
  const auto& given = arguments.positional;
  if (is_pure_data(container, view)) {  // data, or what it was given
    KnownRef all = window::known_data();
    for (const Value& v : given) all = join(all, known_of(v, view));
    return arguments.keywords.empty() ? all : nullptr;
  }
  const bool keyed = container.ready() && PyDict_Check(object_of(container));
  const KnownRef items = items_of(container, keyed ? Part::kValues : Part::kItems, view);
  if (items == nullptr || !arguments.keywords.empty()) return nullptr;
  if (name == "values" || name == "keys" || name == "copy") return window::known_container(items);
  if (name == "items") return window::known_container(window::known_tuple({items, items}));
  const bool one = name == "get" || name == "pop" || name == "setdefault";
  if (one && given.size() == 2) return join(items, known_of(given[1], view));
  if (name == "get" || name == "setdefault")
    return join(items, window::known_constant(borrow_value(Py_None)));
  return name == "pop" || name == "popleft" ? items : nullptr;
}

}  // namespace

// A method of something that is not there yet.
// Of a method of atoms, no matter which: whether it gives one. Where other atoms than strings have one by the
// same name, it does the same.
bool PythonHost::gives_atom(std::string_view name) const {
  PyObject* method = type_lookup(&PyUnicode_Type, interned(std::string(name).c_str()).ptr());
  const Contract* contract = method == nullptr ? nullptr : contracts_.find(method);
  return contract != nullptr && contract->returns == Contract::kAtom;
}

namespace {

bool changes_file(std::string_view name) {
  constexpr std::array kNames = {"write", "writelines", "flush",     "close",    "truncate",  "seek",
                                 "read",  "readline",   "readlines", "writerow", "writerows", "writeheader"};
  return std::ranges::find(kNames, name) != kNames.end();
}

}  // namespace

Action PythonHost::pending_method(const Site& s, std::string_view name) {
  Arguments arguments;
  const bool plain = std::ranges::all_of(s.program.calls[s.node.index].args, [](const ir::Arg& arg) {
    return arg.kind == ir::ArgKind::kPositional || arg.kind == ir::ArgKind::kKeyword;
  });
  if (plain) gather_arguments(s, s.program.calls[s.node.index], arguments);
  if (Action a; plain && instance_of(s[0], s.view) != nullptr &&
                call_instance_method(s, s[0], interned(std::string(name).c_str()).ptr(), arguments, a))
    return a;
  const bool data = plain && is_data(s[0], s.view) && arguments.data(s.view);
  if (!plain || !is_builtin(s[0], s.view) || (!data && !only_puts(name)))
    return needs_operand(0, kUnknown, Effect::kAnything);
  const bool pure = all_pure_data(s.operands, s.view);
  if (changes_file(name)) {  // it may be a file, nobody knows which
    return changes(needs_operand(0, kData), borrow_value(files()), {Where::kAll});
  }
  if (!is_mutator(name) || (s[0].flags() & kAtom) != 0) {
    if (pure)
      return needs_operand(0, (s[0].flags() & kAtom) != 0 && gives_atom(name) ? kData | kAtom : kData);
    const KnownRef known = given_by(name, s[0], arguments, s.view);
    return with_known(needs_operand(0, kUnknown, known == nullptr ? Effect::kAnything : Effect::kNone),
                      known);
  }
  const Flags flags = returns_none(name) ? kData | kAtom : kUnknown;
  const std::uint32_t stored = stored_operand(s, name, arguments);
  // What is known of containers stays true only if it is known what is put into them.
  const bool known = only_removes(name) || (stored == ir::kNone ? pure : may_hold(s[0], s[stored], s.view));
  if (!known) return needs_operand(0, kUnknown, Effect::kAnything);
  Action a = needs_operand(0, flags, Effect::kOpaque);
  a.effect.stores.push_back({s[0], {Where::kItems}});
  if (only_removes(name)) {
    a.effect.stores.back().known = window::known_nothing();
  } else if (stored == ir::kNone) {
    a.effect.stores.back().known = window::known_data();
  } else {
    a = stores_operand(std::move(a), stored, reads_argument(name));
  }
  return returns_none(name) ? std::move(a)
                            : with_known(std::move(a), given_by(name, s[0], arguments, s.view));
}

Action PythonHost::builtin_method(const Site& s, PyObject* receiver, PyObject* name, Arguments arguments) {
  auto native = [&]() -> Action {
    if (const Value* pending = arguments.pending())
      return needs_argument(s, *pending, kUnknown, Effect::kAnything);
    PyObject* method = PyObject_GetAttr(receiver, name);
    if (method == nullptr) return raised();
    const nb::object held = nb::steal(method);
    return call_native(method, arguments);
  };
  const std::string_view text(PyUnicode_AsUTF8(name));
  if (Action a; enter_mutator(s, receiver, text, arguments, a)) return a;
  if (s.view.quiet()) return native();
  PyObject* function = type_lookup(Py_TYPE(receiver), name);
  if (function == nullptr) return native();  // AttributeError
  if (is_container(shape_of(receiver)) && is_mutator(text)) return mutate(s, receiver, text, arguments);
  if (makes_view(text)) return native();
  if (text == "get" && shape_of(receiver) == Shape::kDict && arguments.keywords.empty() &&
      (arguments.positional.size() == 1 || arguments.positional.size() == 2))
    return get_key(s, receiver, arguments);
  const Contract* contract = contracts_.find_method(Py_TYPE(receiver), function);
  if (PyType_Check(receiver) == 0 && Py_TYPE(function) == &PyClassMethodDescr_Type) {  // dict.fromkeys
    const nb::object method = checked(PyObject_GetAttr(receiver, name));
    return call_object(s, method.ptr(), std::move(arguments));
  }
  if (contract == nullptr || contract->effect != Contract::kPure)
    return call_unknown(s, receiver, std::move(arguments), Reason::kUndeclaredCCallable);
  arguments.positional.insert(arguments.positional.begin(), borrow_value(receiver));
  if (contract->guard && !guard_holds(*contract, arguments)) {
    const nb::object method = checked(PyObject_GetAttr(receiver, name));
    arguments.positional.erase(arguments.positional.begin());
    return call_unknown(s, method.ptr(), std::move(arguments), Reason::kGuardFailed);
  }
  return call_contract(s, function, *contract, std::move(arguments));
}

Action PythonHost::get_key(const Site& s, PyObject* dict, const Arguments& arguments) {
  const Value& key = arguments.positional[0];
  const Value fallback = arguments.positional.size() == 2 ? arguments.positional[1] : none();
  if (key.is_pending()) {
    if (!is_data(key, s.view)) return needs_argument(s, key, kUnknown, Effect::kAnything);
    return with_result(needs_argument(s, key, kUnknown, Effect::kNone),
                       value_or(borrow_value(dict), fallback, s.view));
  }
  if (!is_atom(object_of(key))) return ordered(Reason::kUserOperator, Effect::kAnything);
  return load_key(s, dict, object_of(key), &fallback);
}

// A store by a mutator of a builtin container.
Action PythonHost::mutate(const Site& s, PyObject* container, std::string_view name,
                          const Arguments& arguments) {
  const std::uint32_t stored = stored_operand(s, name, arguments);
  const Flags flags = returns_none(name) ? kData | kAtom : kUnknown;
  auto in_order = [&](Effect::Memory memory, Where where) {
    Action a = ordered_store(borrow_value(container), where, memory);
    if (only_removes(name)) {
      a.effect.stores.back().known = window::known_nothing();
    } else {
      a = stores_operand(std::move(a), stored, reads_argument(name));
    }
    a.flags = flags;
    if (returns_none(name)) a.value = none();
    return returns_none(name)
               ? std::move(a)
               : with_known(std::move(a), given_by(name, borrow_value(container), arguments, s.view));
  };
  if (!runs_no_code(container, name, arguments, s.view))
    return ordered(Reason::kUserOperator, Effect::kAnything, flags);
  if (reads_argument(name))
    for (const Value& v : arguments.positional)
      if (v.ready() && PyIter_Check(object_of(v)) != 0)
        return ordered(Reason::kIterator, Effect::kAnything, flags);
  if (Action a; mutate_privately(s, container, name, arguments, a)) return a;
  const bool takes_anything = shape_of(container) != Shape::kBuffer;
  if (name == "append" && takes_anything && arguments.positional.size() == 1 && arguments.keywords.empty())
    return sure(in_order(Effect::kStores, {Where::kKeys}));
  if (name == "sort") return in_order(Effect::kOpaque, {Where::kItems});
  if (name == "__init__" || shape_of(container) == Shape::kBuffer || !arguments.keywords.empty())
    return in_order(Effect::kOpaque, {Where::kAll});
  if (shape_of(container) == Shape::kSet && (name == "add" || name == "discard") &&
      arguments.positional.size() == 1 && arguments.positional[0].ready() &&
      !pending_inside(object_of(arguments.positional[0])).bound()) {
    Action a = in_order(Effect::kStores, {Where::kItem, arguments.positional[0].object()});
    a.effect.stores.push_back(
        {.target = borrow_value(container), .where = {Where::kKeys}, .operand = stored});
    return a;
  }
  if (shape_of(container) == Shape::kSet && name == "pop") return in_order(Effect::kOpaque, {Where::kItems});
  if (reads_argument(name)) {
    Snapshot now(s.view, placeholders_, depth_of_arguments(container));
    for (const Value& v : arguments.positional) {
      const Obstacle obstacle = v.is_pending() ? Obstacle::kElement : now.add(object_of(v));
      if (obstacle != Obstacle::kNothing)
        return once_read(in_order(Effect::kOpaque, {Where::kItems}), obstacle,
                         v.is_pending() ? v : now.element());
    }
    if (Action a; now.copied())
      return append_each(s, container, name, arguments, a) ? std::move(a)
                                                           : in_order(Effect::kOpaque, {Where::kItems});
  }
  return in_order(Effect::kStores, {Where::kItems});
}

}  // namespace xcs::python
