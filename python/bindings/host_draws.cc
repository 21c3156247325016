// Draws from random generators and iterators; see Note [early draws].
#include "host.h"

namespace xcs::python {
namespace {

// A draw whose result is not known before its turn.
Action in_turn(PyObject* source, Flags flags, Reason reason) {
  Action a = ordered(reason, Effect::kOpaque, flags);
  a.effect.stores.push_back({borrow_value(source), kState});
  return a;
}

nb::object method(const char* name) { return nb::object(imported("random", "Random").attr(name)); }

// Whether it seeds the generator behind the functions of numpy.random, as no method of it.
bool is_numpy_seed(PyObject* callee) {
  PyObject* module = PyDict_GetItemString(PyImport_GetModuleDict(), "numpy.random");
  PyObject* seed = module == nullptr ? nullptr : PyDict_GetItemString(PyModule_GetDict(module), "seed");
  return seed != nullptr && seed == callee;
}

// The list that an iterator runs over, or null when it is exhausted.
nb::object list_of(PyObject* iterator) {
  const nb::object parts = nb::handle(iterator).attr("__reduce__")();
  const nb::object given = parts[1][0];
  return PyList_CheckExact(given.ptr()) ? given : nb::object();
}

}  // namespace

// The draw of `function` from `source`, with the positional arguments after the source.
Action PythonHost::early(const Site& s, PyObject* source, PyObject* function,
                         std::span<const Value> positional, const Arguments& arguments, Flags flags) {
  const Action late = in_turn(source, flags, Reason::kOrderedResource);
  auto held = [&](Obstacle o, Value element) {
    Action a = held_up(o, std::move(element), flags);
    a.effect = late.effect;
    return a;
  };
  if (s.view.walks()) return in_turn(source, flags, Reason::kOrderedResource);
  Draw draw{nb::borrow(function), {}, nb::dict()};
  Snapshot now(s.view, placeholders_, Depth::kShallow);
  if (!Draws::is_numpy_generator(source)) now.keep_placeholders();
  for (const Value& v : positional) {
    if (const Obstacle o = now.add(object_of(v)); o != Obstacle::kNothing) return held(o, now.element());
    draw.positional.push_back(now.get(object_of(v)));
  }
  for (const auto& [name, v] : arguments.keywords) {
    if (const Obstacle o = now.add(object_of(v)); o != Obstacle::kNothing) return held(o, now.element());
    draw.keywords[name] = now.get(object_of(v));
  }
  const View::State state = s.view.look(address_of(source), kState);
  if (state == View::State::kBlocked) return held(Obstacle::kBlocked, {});
  const nb::object result =
      draws_.draw(source, state == View::State::kPending ? s.view.stores().size() : 0, std::move(draw));
  Action a = in_turn(source, flags, Reason::kOrderedResource);
  if (!result) return a;
  a.effect.memory = Effect::kStores;
  a.early = to_value(result.ptr());
  if (PyList_CheckExact(result.ptr())) placeholders_.watch(result);
  a.sure = true;
  return a;
}

// A method of a random generator.
bool PythonHost::draw_early(const Site& s, PyObject* callee, const Contract& contract,
                            const Arguments& arguments, Action& answer) {
  if (contract.resource == "rng" && is_numpy_seed(callee)) {
    if (s.view.quiet() || !arguments.ready() || !arguments.data(s.view)) return false;
    answer =
        in_turn(imported("numpy.random.mtrand", "_rand").ptr(), contract.flags(), Reason::kOrderedResource);
    return true;
  }
  if (contract.resource != "object:{0}") return false;
  const bool bound = is_bound_builtin(callee);
  if (!bound && arguments.positional.empty()) return false;
  if (!bound && !arguments.positional[0].ready()) return false;
  PyObject* source = bound ? PyCFunction_GET_SELF(callee) : object_of(arguments.positional[0]);
  if (!Draws::is_generator(source)) return false;
  if (s.view.quiet()) {
    if (arguments.ready()) draws_.happens(source);
    return false;
  }
  static auto* shuffle = method("shuffle").release().ptr();
  static auto* seed = method("seed").release().ptr();
  static auto* shuffled = imported("xcs._prelude", "shuffled").release().ptr();
  const auto given = std::span(arguments.positional).subspan(bound ? 0 : 1);
  const bool plain =
      std::ranges::all_of(arguments.keywords, [&](const auto& k) { return is_data(k.second, s.view); }) &&
      all_data(given, s.view);
  if (callee == shuffle && given.size() == 1 && given[0].ready() && PyList_CheckExact(object_of(given[0])))
    return enter_function(shuffled, arguments, answer);
  if (bound || !plain || !contract.mutates.empty()) {
    answer = in_turn(source, contract.flags(), Reason::kOrderedResource);
    if (!plain || !contract.mutates.empty()) answer.effect.memory = Effect::kAnything;
  } else if (const Value* pending = arguments.pending()) {
    answer = needs_argument(s, *pending, contract.flags(), Effect::kOpaque);
    answer.effect.stores.push_back({borrow_value(source), kState});
  } else if (callee == seed && (given.size() != 1 || object_of(given[0]) == Py_None)) {
    answer = in_turn(source, contract.flags(), Reason::kOrderedResource);  // from what the system gives
  } else {
    answer = early(s, source, callee, given, arguments, contract.flags());
  }
  return true;
}

// next(iterator) or next(iterator, fallback), of an iterator that can be copied.
bool PythonHost::take_next(const Site& s, const Arguments& arguments, Action& answer) {
  static auto* next = imported("builtins", "next").release().ptr();
  const auto& given = arguments.positional;
  if (given.empty() || !arguments.ready()) return false;
  if (enter_next(s, arguments, answer)) return true;
  if (!Draws::is_iterator(object_of(given[0]))) return false;
  PyObject* iterator = object_of(given[0]);
  if (s.view.quiet()) {
    draws_.happens(iterator);
    return false;
  }
  if (Py_TYPE(iterator) == &PyListIter_Type) {
    const nb::object list = list_of(iterator);
    if (!list || s.view.look(address_of(list.ptr()), {Where::kAll}) != View::State::kClear) {
      answer = in_turn(iterator, kUnknown, Reason::kIterator);
      return true;
    }
  }
  answer = early(s, iterator, next, std::span(given).subspan(1), arguments, kUnknown);
  return true;
}

}  // namespace xcs::python
