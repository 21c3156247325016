// Operators, displays, formatting, truth and in-place operators.
#include <algorithm>

#include "host.h"

namespace xcs::python {
namespace {

using Kind = ir::FragmentKind;

bool atoms_to_be(std::span<const Value> operands) {
  for (const Value& v : operands)
    if (v.is_pending() ? (v.flags() & kAtom) == 0 : !is_atom(object_of(v))) return false;
  return true;
}

Flags flags_of_result(const ir::Fragment& fragment, std::span<const Value> operands, View& view) {
  const Kind kind = fragment.kind;
  switch (kind) {
    case Kind::kIdentity:
    case Kind::kFormat:
      return kData | kAtom;
    case Kind::kDisplay:
    case Kind::kHashing:
    case Kind::kUnpacking:
      return all_pure_data(operands, view) ? kData | kFresh : kFresh;
    case Kind::kOperator:
      // Operators on atoms make atoms, unless a list, set or dict is displayed among them.
      if (atoms_to_be(operands) && fragment.text.find_first_of("[{") == std::string::npos)
        return kData | kAtom;
      return all_pure_data(operands, view) ? kData : kUnknown;
    case Kind::kPattern:
      return all_pure_data(operands, view) ? kData : kUnknown;
  }
  return kUnknown;
}

// Whether `and`, `or` or `if` stands in it, or may.
bool chooses(std::string_view text) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
  for (std::size_t at = text.find_first_of(kLetters); at != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_not_of(kLetters, at), text.size());
    const std::string_view word = text.substr(at, end - at);
    if (word == "or" || word == "and" || word == "if") return true;
    at = text.find_first_of(kLetters, end);
  }
  return text.empty();
}

// Says of the fragment's result, while it is not there, what it may be. Flags do where it is new, and nothing
// in it is an object that others may have.
Action with_result(Action a, const ir::Fragment& fragment, std::span<const Value> operands, View& view) {
  a.flags |= flags_of_result(fragment, operands, view);
  constexpr std::size_t kMostDisplays = 3;
  const bool binds = fragment.kind == Kind::kPattern || fragment.text.empty();
  const std::size_t brackets =
      std::ranges::count_if(fragment.text, [](char c) { return c == '[' || c == '(' || c == '{'; });
  const std::size_t displays = binds ? kMostDisplays : brackets;
  if ((a.flags & kAtom) != 0) return a;
  if ((displays == 0 && !chooses(fragment.text)) || all_new_data(operands, view)) {
    if (a.flags != kUnknown) return a;
    return with_known(std::move(a), combined(operands, view));
  }
  a.flags &= static_cast<Flags>(~kData);
  if (displays > kMostDisplays) return a;
  return with_known(std::move(a), made_of(operands, displays, view));
}

Action call_fragment(const Site& s, PyObject* const* args) {
  return outcome(s.program.evaluated(s.node.index, args, s.operands.size()));
}

Action call_fragment(const Site& s) {
  ObjectArray args(s.operands);
  return call_fragment(s, args.data());
}

bool all_atoms(std::span<const Value> operands) {
  for (const Value& v : operands)
    if (!v.ready() || !is_atom(object_of(v))) return false;
  return true;
}

// Comparisons and formatting look at what containers hold; the other operators only at the containers.
bool looks_inside(const ir::Fragment& fragment) {
  return fragment.kind != Kind::kOperator || fragment.text.find_first_of("<>=!%{") != std::string::npos;
}

// Whether it looks at attributes: those of any object, or the names of functions and what modules hold, which
// texts show.
bool reads_attributes(const ir::Fragment& fragment) {
  return fragment.kind == Kind::kFormat || fragment.kind == Kind::kPattern ||
         fragment.text.find('%') != std::string::npos;
}

bool all_constants(std::span<const Value> operands) {
  return std::ranges::all_of(operands, [](const Value& v) { return v.ready() && is_constant(object_of(v)); });
}

// Whether the value, which is not there yet, is going to be an instance or a container.
bool is_no_constant(const Value& pending) {
  const KnownRef known = window::known_of_pending(pending);
  if (known == nullptr || known->any || known->data || known->constant.bound() || !known->objects.empty() ||
      known->receiver.bound())
    return false;
  return !known->instances.empty() || window::may_be_container(*known);
}

// Whether it unpacks into a set, and not into a list, a tuple or a dict.
bool hashes_items(const ir::Fragment& fragment) {
  return fragment.text.find('{') != std::string::npos && fragment.text.find("**") == std::string::npos;
}

// Whether unpacking it with * or ** reads a builtin container and nothing else.
bool unpacks_plainly(PyObject* object) {
  const Shape shape = shape_of(object);
  return shape == Shape::kTuple || is_container(shape) || shape == Shape::kView ||
         (shape == Shape::kAtom && is_static(Py_TYPE(object)));
}

// Of a display with * or ** parts: whether operand i is none of these, and so is put into the display as it
// is.
bool only_displayed(const ir::Fragment& fragment, std::size_t i) {
  if (fragment.kind != Kind::kUnpacking || fragment.text.empty()) return false;
  const std::string& text = fragment.text;
  const std::string& name = fragment.operands[i];
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
    const std::size_t before = at == 0 ? std::string::npos : text.find_last_not_of(" (", at - 1);
    if (before != std::string::npos && text[before] == '*') return false;
  }
  return true;
}

// Of a display with * or **: whether hashing and iterating over its operands runs no code of the user's.
bool unpacks_all_plainly(const Site& s, const ir::Fragment& fragment) {
  for (const ir::Index key : fragment.keys)
    if (only_displayed(fragment, key) && !is_atom(s.object(key))) return false;
  return std::ranges::all_of(s.operands, [](const Value& v) {
    PyObject* object = object_of(v);
    return PyIter_Check(object) == 0 && (is_atom(object) || unpacks_plainly(object));
  });
}

}  // namespace

Action PythonHost::evaluate(const Site& s) {
  const ir::Fragment& fragment = s.program.fragments[s.node.index];
  const bool plain = all_atoms(s.operands) && fragment.kind != Kind::kUnpacking;
  if (plain && (!reads_attributes(fragment) || s.view.quiet() || all_constants(s.operands)))
    return call_fragment(s);
  if (Action a; enter_format(s, a) || (fragment.kind == Kind::kOperator && enter_operators(s, a))) return a;
  if (first_pending(s.operands) < s.operands.size()) return evaluate_pending(s, fragment);
  if (s.view.quiet() || fragment.kind == Kind::kDisplay || fragment.kind == Kind::kIdentity)
    return call_fragment(s);
  auto held_to_order = [&] {
    return with_result(ordered(Reason::kUserOperator, Effect::kAnything), fragment, s.operands, s.view);
  };
  switch (fragment.kind) {
    case Kind::kHashing:
      for (const ir::Index key : fragment.keys)
        if (!is_atom(s.object(key))) return held_to_order();
      return call_fragment(s);
    case Kind::kUnpacking:
      if (!unpacks_all_plainly(s, fragment)) return held_to_order();
      return evaluate_over(s, hashes_items(fragment) ? Depth::kDeep : Depth::kShallow);
    case Kind::kPattern:
      return evaluate_over(s, Depth::kReached);
    default:
      return evaluate_over(s, looks_inside(fragment) ? Depth::kDeep : Depth::kShallow);
  }
}

// Whether it can be told already that two things are one: a new object in place of each that is not there and
// is no constant is told from the constants in the same way.
bool PythonHost::compare_identity(const Site& s, Action& answer) {
  if (s.operands.size() == 2 && s[0].is_pending() && s[1].is_pending()) return false;
  std::vector<nb::object> held;
  std::vector<PyObject*> args{nullptr};
  for (const Value& v : s.operands) {
    const bool stands = v.is_pending() && is_no_constant(v);
    if (!stands && !(v.ready() && is_constant(object_of(v)))) return false;
    held.push_back(stands ? checked(PyObject_CallNoArgs(reinterpret_cast<PyObject*>(&PyBaseObject_Type)))
                          : nb::borrow(object_of(v)));
    args.push_back(held.back().ptr());
  }
  answer = call_fragment(s, args.data() + 1);
  return true;
}

Action PythonHost::evaluate_pending(const Site& s, const ir::Fragment& fragment) {
  const std::size_t pending = first_pending(s.operands);
  auto needs = [&](std::size_t operand, Effect::Memory memory = Effect::kNone) {
    return with_result(needs_operand(operand, kUnknown, memory), fragment, s.operands, s.view);
  };
  switch (fragment.kind) {
    case Kind::kDisplay:
      return evaluate_with_placeholders(s);
    case Kind::kHashing:
      for (const ir::Index key : fragment.keys)
        if (!s[key].ready() || !is_atom(s.object(key)))
          return needs(s[key].ready() ? pending : key,
                       is_data(s[key], s.view) ? Effect::kNone : Effect::kAnything);
      return evaluate_with_placeholders(s);
    case Kind::kIdentity:
      if (Action a; compare_identity(s, a)) return a;
      return needs(pending);
    case Kind::kUnpacking:
      for (const Value& v : s.operands)
        if (v.ready() && PyIter_Check(object_of(v)) != 0) return needs(pending, Effect::kAnything);
      break;
    default:
      break;
  }
  return needs(pending, all_data(s.operands, s.view) ? Effect::kNone : Effect::kAnything);
}

// See Note [placeholders]. Displays inside the display hold placeholders as well.
Action PythonHost::evaluate_with_placeholders(const Site& s) {
  std::vector<nb::object> held;
  std::vector<PyObject*> args{nullptr};
  std::size_t placeholders = 0;
  for (const Value& v : s.operands) {
    held.push_back(to_object(v));
    args.push_back(held.back().ptr());
    placeholders += v.is_pending() ? 1 : 0;
  }
  Action a = call_fragment(s, args.data() + 1);
  if (a.verdict == Action::kDone &&
      !placeholders_.watch_display(nb::borrow(object_of(a.value)), placeholders))
    return with_result(needs_operand(first_pending(s.operands), kUnknown), s.program.fragments[s.node.index],
                       s.operands, s.view);
  return a;
}

// Evaluates the fragment on its operands as they are at this place.
Action PythonHost::evaluate_over(const Site& s, Depth depth) {
  Snapshot now(s.view, placeholders_, depth);
  const bool inplace = s.node.op == ir::Op::kInplace;
  auto described = [&](Action a) {
    if (!inplace) return with_result(std::move(a), s.program.fragments[s.node.index], s.operands, s.view);
    if (all_new_data(s.operands, s.view)) return with_known(std::move(a), window::known_data());
    return with_known(std::move(a), combined(s.operands, s.view));
  };
  auto is_kept = [&](std::size_t i) {
    return !inplace && depth == Depth::kShallow && only_displayed(s.program.fragments[s.node.index], i);
  };
  for (std::size_t i = 0; i < s.operands.size(); ++i) {
    if (is_kept(i)) continue;
    if (const Obstacle o = now.add(s.object(i)); o != Obstacle::kNothing)
      return described(held_up_inside(o, now.element(), kUnknown, all_data(s.operands, s.view)));
  }
  const bool matches = !inplace && s.program.fragments[s.node.index].kind == Kind::kPattern;
  if (matches && !std::ranges::all_of(now.instances(), gives_attributes_plainly))
    return described(ordered(Reason::kUserAttribute, Effect::kAnything));
  if (!now.copied()) return call_fragment(s);
  std::vector<nb::object> held;
  std::vector<PyObject*> args{nullptr};
  for (std::size_t i = 0; i < s.operands.size(); ++i) {
    held.push_back(is_kept(i) ? nb::borrow(s.object(i)) : now.get(s.object(i)));
    args.push_back(held.back().ptr());
  }
  Action a = call_fragment(s, args.data() + 1);
  held.clear();
  if (may_show_copies(a, now)) return described(ordered(Reason::kPendingMemory, Effect::kNone));
  return a;
}

// Whether what was computed on copies could be told from what the objects themselves would give.
bool PythonHost::may_show_copies(const Action& a, const Snapshot& now) {
  if (!now.copied()) return false;
  if (a.verdict != Action::kDone) return true;
  if (!a.value.ready()) return false;
  return now.is_held() || (now.copied_inside() && !is_atom(object_of(a.value)));
}

// See Note [private objects] in window/view.cc.
bool PythonHost::inplace_privately(const Site& s, Action& answer) {
  PyObject* target = s.object(0);
  if (s[1].is_pending() || placeholders_.holds(target) || !is_private(s, target)) return false;
  if (!is_atom(s.object(1)) && !unpacks_plainly(s.object(1))) return false;
  Snapshot now(s.view, placeholders_, depth_of_arguments(target));
  if (now.add(s.object(1)) != Obstacle::kNothing || now.copied()) return false;
  answer = call_fragment(s);
  return true;
}

// Of what is not there yet, or of an atom with what is not.
Action PythonHost::inplace_pending(const Site& s) {
  const std::uint32_t first = s[0].is_pending() ? 0 : 1;
  if (!all_data(s.operands, s.view)) return needs_operand(first, kUnknown, Effect::kAnything);
  const bool is_new = all_new_data(s.operands, s.view);
  auto described = [&](Action a, Flags flags) {
    a.flags = is_new ? flags : static_cast<Flags>(flags & ~(kData | kAtom));
    if (is_new) return a;
    return with_known(std::move(a), made_of(s.operands, 0, s.view));
  };
  // What an operator makes of an atom and data is new, or an atom.
  if (s[0].ready() || (s[0].flags() & kAtom) != 0)
    return described(needs_operand(first, kUnknown),
                     atoms_to_be(s.operands) ? kData | kAtom : kData | kFresh);
  Action a = described(needs_operand(0, kUnknown, Effect::kOpaque), kData | (s[0].flags() & kFresh));
  a.effect.stores.push_back({s[0], {Where::kItems}});
  a = stores_operand(std::move(a), 1, true);
  a.in_place = true;
  return a;
}

Action PythonHost::inplace(const Site& s) {
  const bool shows = reads_attributes(s.program.fragments[s.node.index]) && !s.view.quiet();
  if (shows ? all_constants(s.operands) : all_atoms(s.operands)) return call_fragment(s);
  if (Action a; enter_operators(s, a)) return a;
  if (s[0].is_pending() || (s[1].is_pending() && is_atom(s.object(0)))) return inplace_pending(s);
  PyObject* target = s.object(0);
  const Shape shape = shape_of(target);
  if (s.view.quiet()) {
    if (s[1].is_pending()) return needs_operand(1, kUnknown, Effect::kAnything);
    return call_fragment(s);
  }
  if (shape == Shape::kAtom || shape == Shape::kTuple) return evaluate_over(s, Depth::kDeep);
  if (!is_container(shape) || !is_data(s[1], s.view))
    return ordered(shape == Shape::kOther ? Reason::kUserOperator : Reason::kOrderedStore, Effect::kAnything);
  if (Action a; inplace_privately(s, a)) return a;
  Action a = stores_operand(ordered_store(s[0], {Where::kItems}), 1, true);
  a.value = s[0];
  if (s[1].is_pending()) {
    a.verdict = Action::kOperand;
    a.operand = 1;
    a.effect.memory = Effect::kOpaque;
    return with_known(std::move(a), known_of(s[0], s.view));  // it is the target itself
  }
  // The operand is read here and replayed later: it must not change in between.
  if (PyIter_Check(s.object(1)) != 0) return ordered(Reason::kIterator, Effect::kAnything);
  if (!is_atom(s.object(1)) && !unpacks_plainly(s.object(1)))
    return ordered(Reason::kUserOperator, Effect::kAnything);
  Snapshot now(s.view, placeholders_, depth_of_arguments(target));
  if (now.add(s.object(1)) != Obstacle::kNothing || now.copied()) a.effect.memory = Effect::kOpaque;
  return a;
}

namespace {

// Whether asking a pending value for its truth runs no code of the program's, nor looks at what it holds.
bool is_plainly_true_or_false(const Value& pending, View& view) {
  if (is_data(pending, view)) return true;
  const KnownRef known = window::known_of_pending(pending);
  if (known == nullptr || known->any || view.look_anywhere() != View::State::kClear) return false;
  const auto has_no_code = [](PyTypeObject* type) {
    return type_lookup(type, interned("__bool__").ptr()) == nullptr &&
           type_lookup(type, interned("__len__").ptr()) == nullptr;
  };
  return std::ranges::all_of(known->objects,
                             [&](const Value& object) {
                               return is_builtin(object, view) || has_no_code(Py_TYPE(object_of(object)));
                             }) &&
         std::ranges::all_of(known->instances, [&](const window::Instance& instance) {
           return has_no_code(reinterpret_cast<PyTypeObject*>(object_of(instance.type)));
         });
}

}  // namespace

Action PythonHost::truth(const Site& s) {
  const bool negated = s.node.index == 1;
  auto answer = [&](int truth) {
    if (truth < 0) return raised();
    return done(borrow_value((truth != 0) != negated ? Py_True : Py_False));
  };
  const Flags flags = kData | kAtom;
  if (Action a; s[0].is_pending() && enter_truth(s, s[0], negated, a)) return a;
  if (s[0].is_pending())
    return needs_operand(0, flags,
                         is_plainly_true_or_false(s[0], s.view) ? Effect::kNone : Effect::kAnything);
  PyObject* object = s.object(0);
  if (object == Py_True || object == Py_False || is_atom(object)) return answer(PyObject_IsTrue(object));
  if (Action a; enter_truth(s, s[0], negated, a)) return a;
  if (s.view.quiet()) return answer(PyObject_IsTrue(object));
  const Shape shape = shape_of(object);
  if (shape == Shape::kTuple) return answer(PyObject_IsTrue(object));
  PyObject* container = shape == Shape::kView ? dict_of_view(object) : object;
  if (shape == Shape::kRecord || shape == Shape::kOther || shape == Shape::kPlaceholder)
    return ordered(Reason::kUserOperator, Effect::kAnything, flags);
  switch (s.view.look(address_of(container), {Where::kKeys})) {
    case View::State::kClear:
      return answer(PyObject_IsTrue(object));
    case View::State::kBlocked:
      return blocked(flags);
    case View::State::kPending:
      break;
  }
  Replayed now = read_container(container, s.view);
  if (now.obstacle != Obstacle::kNothing) return held_up(now.obstacle, std::move(now.element), flags);
  return answer(PyObject_IsTrue(now.copy.ptr()));
}

}  // namespace xcs::python
