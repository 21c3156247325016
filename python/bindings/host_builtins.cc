// Builtins that make containers and iterators of their arguments, without looking at what these hold.
#include "host.h"
#include "witness.h"

namespace xcs::python {
namespace {

// Whether it makes a list or a tuple of the items in their order.
bool lists(PyObject* callee) { return is_type(callee, {&PyList_Type, &PyTuple_Type}); }

bool has_constant_keys(PyObject* dict) {
  PyObject* key = nullptr;
  Py_ssize_t position = 0;
  while (PyDict_Next(dict, &position, &key, nullptr) != 0)
    if (!is_constant(key)) return false;
  return true;
}

}  // namespace

// What looks at the keys of a dict and not at what they lead to, which may still be pending.
bool PythonHost::reads_keys(const Site& s, PyObject* callee, const Arguments& arguments, Action& answer) {
  static auto* sorted = imported("builtins", "sorted").release().ptr();
  if (arguments.positional.size() != 1 || !arguments.keywords.empty()) return false;
  PyObject* given = object_of(arguments.positional[0]);
  PyObject* dict = PyDictKeys_Check(given) ? dict_of_view(given) : given;
  const bool compares = callee == sorted || is_type(callee, {&PySet_Type, &PyFrozenSet_Type});
  if (!PyDict_CheckExact(dict) || !(compares || lists(callee))) return false;
  if (compares && !has_constant_keys(dict)) return false;
  if (s.view.look(address_of(dict), {Where::kKeys}) == View::State::kClear) {
    answer = call_native(callee, arguments);
    return true;
  }
  Replayed now = read_container(dict, s.view);
  if (now.obstacle != Obstacle::kNothing) {
    answer = with_result(held_up(now.obstacle, std::move(now.element), kFresh),
                         result_of(callee, arguments.positional, s.view));
    return true;
  }
  if (compares && !has_constant_keys(now.copy.ptr())) return false;
  answer = outcome(PyObject_CallOneArg(callee, now.copy.ptr()));
  return true;
}

// len, bool, and plain copies: they do not look at what the container holds, so that it may still be pending.
bool PythonHost::reads_container(const Site& s, PyObject* callee, const Arguments& arguments,
                                 Action& answer) {
  static auto* len = imported("builtins", "len").release().ptr();
  if (reads_keys(s, callee, arguments, answer)) return true;
  if (arguments.positional.size() != 1 || !arguments.keywords.empty()) return false;
  PyObject* container = object_of(arguments.positional[0]);
  const Shape shape = shape_of(container);
  const bool counts = callee == len || is_type(callee, {&PyBool_Type});
  const bool copies = (lists(callee) && shape == Shape::kList) ||
                      (is_type(callee, {&PyDict_Type}) && PyDict_CheckExact(container));
  if (!is_container(shape) || !(counts || copies)) return false;
  if (counts && s.view.look(address_of(container), {Where::kKeys}) == View::State::kClear) {
    answer = call_native(callee, arguments);
    return true;
  }
  Replayed now = read_container(container, s.view);
  if (now.obstacle != Obstacle::kNothing) {
    answer = held_up(now.obstacle, std::move(now.element), counts ? kData | kAtom : kFresh);
    if (copies) answer = with_result(std::move(answer), result_of(callee, arguments.positional, s.view));
    return true;
  }
  answer = outcome(PyObject_CallOneArg(callee, now.copy.ptr()));
  if (copies && answer.verdict == Action::kDone) placeholders_.watch(nb::borrow(object_of(answer.value)));
  return true;
}

namespace {

// What `container` holds at this place, where nothing of it is iterated over.
Replayed contents_of(PyObject* container, View& view) {
  if (PyTuple_CheckExact(container)) return {Obstacle::kNothing, nb::borrow(container), {}};
  return read_container(container, view);
}

// Puts a pair of a list or tuple into the dict. Returns whether it can be told now; `held` is set when it is
// not there yet.
bool take_pair(PyObject* made, const Value& item, View& view, std::optional<Replayed>& held) {
  const auto waits_for = [&](const Value& value) {
    held = Replayed{Obstacle::kElement, {}, value};
    return false;
  };
  if (item.is_pending()) return waits_for(item);
  PyObject* pair = object_of(item);
  if (!PyTuple_CheckExact(pair) && !PyList_CheckExact(pair)) return false;
  Replayed both = contents_of(pair, view);
  if (both.obstacle != Obstacle::kNothing) {
    held = std::move(both);
    return false;
  }
  if (PySequence_Fast_GET_SIZE(both.copy.ptr()) != 2) return false;
  const Value key = to_value(PySequence_Fast_GET_ITEM(both.copy.ptr(), 0));
  if (key.is_pending()) return waits_for(key);
  if (const Value inside = pending_inside(object_of(key)); inside.bound()) return waits_for(inside);
  if (!is_atom(object_of(key))) return false;
  if (PyDict_SetItem(made, object_of(key), PySequence_Fast_GET_ITEM(both.copy.ptr(), 1)) == 0) return true;
  PyErr_Clear();
  return false;
}

}  // namespace

// dict, of a dict or of pairs: it does not look at the values, which may still be pending.
bool PythonHost::makes_dict(const Site& s, PyObject* callee, const Arguments& arguments, Action& answer) {
  if (callee != reinterpret_cast<PyObject*>(&PyDict_Type) || arguments.positional.size() > 1) return false;
  if (s.view.quiet() && arguments.ready()) return false;
  nb::object made = nb::dict();
  if (!arguments.positional.empty()) {
    if (!arguments.positional[0].ready()) return false;
    PyObject* source = object_of(arguments.positional[0]);
    if (!PyDict_CheckExact(source) && !PyList_CheckExact(source) && !PyTuple_CheckExact(source)) return false;
    Replayed now = contents_of(source, s.view);
    std::optional<Replayed> held;
    if (now.obstacle != Obstacle::kNothing) {
      held = std::move(now);
    } else if (PyDict_CheckExact(source)) {
      made = checked(PyDict_Copy(now.copy.ptr()));
    } else {
      for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(now.copy.ptr()) && !held; ++i) {
        const Value item = to_value(PySequence_Fast_GET_ITEM(now.copy.ptr(), i));
        if (!take_pair(made.ptr(), item, s.view, held) && !held) return false;
      }
    }
    if (held) {
      answer = held_up(held->obstacle, std::move(held->element), kFresh);
      return true;
    }
  }
  for (const auto& [name, value] : arguments.keywords)
    if (PyDict_SetItem(made.ptr(), name.ptr(), to_object(value).ptr()) != 0) nb::raise_python_error();
  placeholders_.watch(made);
  answer = done(std::move(made));
  answer.shallow = true;
  return true;
}

namespace {

// Whether the very next thing that happens to the node's result is that a loop iterates over it.
bool is_looped_over(const Site& s) {
  const ir::Node* next = s.program.next(s.node);
  return next != nullptr && next->op == ir::Op::kIter && next->args[0] == s.node.dest;
}

// The nodes that gave the arguments of a call, where nothing else can hold what they gave.
std::vector<const ir::Node*> givers(const Site& s, std::size_t arguments) {
  std::vector<const ir::Node*> nodes(arguments);
  for (std::size_t i = 0; i < arguments && s.node.args.size() == arguments + 1; ++i)
    if (s.program.is_temporary(s.node.args[i + 1])) nodes[i] = s.program.giver(s.node, s.node.args[i + 1]);
  return nodes;
}

}  // namespace

// An iterator that it makes is remembered, so that it can be stepped item by item. With `now`, something that
// it is given has pending stores, and what CPython's own iterator notes of it when it is made, such as its
// length, is wrong.
Action PythonHost::call_composing(const Site& s, PyObject* callee, const Arguments& arguments,
                                  Snapshot* now) {
  if (!Iterators::composes(callee)) return call_native(callee, arguments);
  const bool reverses = callee == reinterpret_cast<PyObject*>(&PyReversed_Type);
  std::vector<std::pair<std::size_t, Value>> read;
  for (std::size_t i = 0; i < arguments.positional.size() && !reverses; ++i)
    if (Action lines; iterate_lines(s.view, arguments.positional[i], 1, lines)) {
      if (lines.verdict != Action::kDone) return lines;
      read.emplace_back(i, std::move(lines.value));
    }
  if (!read.empty()) {
    Arguments over = arguments;
    for (auto& [i, lines] : read) over.positional[i] = std::move(lines);
    return call_composing(s, callee, over, now);
  }
  std::vector<nb::object> given;
  given.reserve(arguments.positional.size() + 1);
  for (const Value& v : arguments.positional) given.push_back(nb::borrow(object_of(v)));
  const bool counts_from = callee == reinterpret_cast<PyObject*>(&PyEnum_Type) && given.size() == 1 &&
                           arguments.keywords.size() == 1;
  if (counts_from) given.push_back(nb::borrow(object_of(arguments.keywords[0].second)));
  const bool known = arguments.keywords.empty() || counts_from;
  const bool loop = known && s.program.is_temporary(s.node.dest) && s.node.op == ir::Op::kCall;
  Iterators::Origin origin{loop ? &s.node : nullptr, callee,
                           loop ? givers(s, given.size()) : std::vector<const ir::Node*>(given.size())};
  if (now != nullptr && !(loop && is_looped_over(s) && iterators_.known(origin, given, s.view)))
    return ordered(Reason::kPendingMemory, Effect::kNone);
  Arguments real = arguments;
  nb::object witness;
  if (known && !reverses && !given.empty() && iterates_plainly(arguments.positional[0])) {
    witness = make_witness(given[0].ptr());
    real.positional[0] = borrow_value(witness.ptr());
  }
  Action a = call_native(callee, real);
  real = {};
  if (a.verdict != Action::kDone || !(loop || witness)) return a;
  Py_ssize_t length = 0;
  if (given.size() == 1 && PyList_CheckExact(given[0].ptr()))
    length = PyList_GET_SIZE((now == nullptr ? given[0] : now->get(given[0].ptr())).ptr());
  iterators_.remember(nb::borrow(object_of(a.value)), std::move(witness), std::move(origin), std::move(given),
                      length);
  return a;
}

}  // namespace xcs::python
