// Arguments: what * and ** spread out, and what of them is not there yet.
#include <array>

#include "host.h"

namespace xcs::python {

bool Arguments::ready() const { return pending() == nullptr; }

const Value* Arguments::pending() const {
  for (const Value& v : positional)
    if (v.is_pending()) return &v;
  for (const auto& [name, v] : keywords)
    if (v.is_pending()) return &v;
  return spread.bound() ? &spread : nullptr;
}

bool Arguments::builtin(View& view) const {
  return keywords.empty() &&
         std::ranges::all_of(positional, [&](const Value& v) { return is_builtin(v, view); });
}

bool Arguments::data(View& view) const {
  for (const auto& [name, v] : keywords)
    if (!is_data(v, view)) return false;
  return all_data(positional, view);
}

// Spreads * and ** arguments out.
Action PythonHost::gather_arguments(const Site& s, const ir::CallShape& shape, Arguments& arguments) {
  for (std::size_t i = 0; i < shape.args.size(); ++i) {
    const ir::Arg& arg = shape.args[i];
    const Value& value = s[i + 1];
    switch (arg.kind) {
      case ir::ArgKind::kPositional:
        arguments.positional.push_back(value);
        break;
      case ir::ArgKind::kKeyword:
        arguments.keywords.emplace_back(nb::borrow(s.program.name_object(arg.name)), value);
        break;
      case ir::ArgKind::kStar:
      case ir::ArgKind::kDoubleStar:
        if (Action a = spread_argument(s, i + 1, arg.kind == ir::ArgKind::kDoubleStar, arguments);
            a.verdict != Action::kDone)
          return a;
    }
  }
  return {};
}

// What is spread out is not there yet. A callee that touches nothing but its arguments touches nothing
// before.
Action PythonHost::needs_spread(const Site& s, std::size_t operand) {
  const bool called = s.node.op == ir::Op::kCall && s[0].ready();
  const Contract* contract = called ? contracts_.find(s.object(0)) : nullptr;
  const bool plain = contract != nullptr && !contract->guard && contract->mutates.empty() &&
                     contract->callbacks.empty() && contract->callback_names.empty() &&
                     (contract->effect == Contract::kPure || contract->effect == Contract::kIndependent) &&
                     all_data(s.operands.subspan(1), s.view);
  if (!plain) return needs_operand(operand, kUnknown, Effect::kAnything);
  static auto* dict = reinterpret_cast<PyObject*>(&PyDict_Type);
  return needs_operand(operand, s.object(0) == dict ? kData | kFresh : contract->flags());
}

Action PythonHost::spread_argument(const Site& s, std::size_t operand, bool mapping, Arguments& arguments) {
  // In a walk: any number of values of which this is known.
  const auto spreads = [&] {
    const bool any = !mapping && s.view.walks() != 0 && !s.awaited() && !arguments.more.bound();
    const KnownRef items = any ? items_of(s[operand], Part::kItems, s.view) : nullptr;
    if (items != nullptr) arguments.more = s.view.any_of(items);
    return items != nullptr;
  };
  if (s[operand].is_pending()) {
    if (spreads()) return {};
    if (!mapping || s.view.walks() == 0 || arguments.spread.bound() || !is_pure_data(s[operand], s.view))
      return needs_spread(s, operand);
    arguments.spread = s[operand];
    arguments.spread_item = s.view.any_of(window::known_data());
    arguments.spread_or_default = s.view.any_of(nullptr);
    return {};
  }
  nb::object source = nb::borrow(s.object(operand));
  const Shape shape = shape_of(source.ptr());
  if (!s.view.quiet()) {
    const bool plain = mapping ? shape == Shape::kDict
                               : shape == Shape::kTuple || is_container(shape) || shape == Shape::kView ||
                                     shape == Shape::kAtom;
    if (!plain) return ordered(Reason::kIterator, Effect::kAnything);
    Snapshot now(s.view, placeholders_, Depth::kShallow);
    now.keep_placeholders();
    if (const Obstacle o = now.add(source.ptr()); o != Obstacle::kNothing) {
      if (spreads()) return {};
      Action a = held_up(o, now.element(), kUnknown);
      a.effect.memory = Effect::kAnything;
      return a;
    }
    source = now.get(source.ptr());
  }
  if (!mapping) {
    PyObject* items = PySequence_Tuple(source.ptr());
    if (items == nullptr) return star_error(s, operand, false);
    const nb::object held = nb::steal(items);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items); ++i)
      arguments.positional.push_back(to_value(PyTuple_GET_ITEM(items, i)));
    return {};
  }
  return spread_mapping(s, operand, source, arguments);
}

Action PythonHost::spread_mapping(const Site& s, std::size_t operand, const nb::object& source,
                                  Arguments& arguments) {
  nb::dict items;
  if (PyDict_Update(items.ptr(), source.ptr()) != 0) return star_error(s, operand, true);
  for (auto [key, value] : items) {
    for (const auto& [name, other] : arguments.keywords)
      if (PyUnicode_Check(key.ptr()) && PyUnicode_Compare(name.ptr(), key.ptr()) == 0)
        return star_error(s, operand, true);
    if (!PyUnicode_Check(key.ptr())) return star_error(s, operand, true);
    arguments.keywords.emplace_back(nb::borrow(key), to_value(value.ptr()));
  }
  return {};
}

// Whether entering the callee is all that calling it comes to.
bool PythonHost::takes_spread(PyObject* callee) const {
  if (PyMethod_Check(callee)) callee = PyMethod_GET_FUNCTION(callee);
  if (contracts_.find(callee) != nullptr) return false;
  if (PyFunction_Check(callee)) {
    constexpr int kMakes = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR;
    return (reinterpret_cast<PyCodeObject*>(PyFunction_GET_CODE(callee))->co_flags & kMakes) == 0;
  }
  if (!PyType_Check(callee)) return false;
  auto* type = reinterpret_cast<PyTypeObject*>(callee);
  PyObject* init = type_lookup(type, interned("__init__").ptr());
  return Py_TYPE(callee) == &PyType_Type && init != nullptr && PyFunction_Check(init) &&
         type->tp_new == PyBaseObject_Type.tp_new && lowered(init)->refusal.empty();
}

// The error that the interpreter raises for this * or ** argument: it is asked to make the call's arguments
// itself.
Action PythonHost::star_error(const Site& s, std::size_t operand, bool mapping) {
  PyErr_Clear();
  const char* source =
      mapping ? "lambda f, given, more: f(**given, **more)" : "lambda f, given, more: f(*more)";
  const nb::object call = imported("builtins", "eval")(source);
  nb::dict given;
  const ir::CallShape& shape = s.program.calls[s.node.index];
  for (std::size_t i = 0; i + 1 < operand; ++i)
    if (shape.args[i].kind == ir::ArgKind::kKeyword)
      given[nb::handle(s.program.name_object(shape.args[i].name))] = nb::none();
  const nb::object callee = shape.method == ir::kNone
                                ? nb::borrow(s.object(0))
                                : checked(PyObject_GetAttr(s.object(0), s.program.name_object(shape.method)));
  const std::array args = {callee.ptr(), given.ptr(), s.object(operand)};
  return outcome(PyObject_Vectorcall(call.ptr(), args.data(), args.size(), nullptr));
}

// The operand that holds the pending argument, or the argument itself, is waited for.
Action PythonHost::needs_argument(const Site& s, const Value& argument, Flags flags, Effect::Memory memory) {
  for (std::size_t i = 0; i < s.operands.size(); ++i)
    if (s[i].is_pending() && s[i].cell() == argument.cell()) return needs_operand(i, flags, memory);
  Action a = needs_element(argument, flags);
  a.effect.memory = memory;
  return a;
}

void PythonHost::bind_partial(PyObject* partial, Arguments& arguments) {
  const nb::handle p(partial);
  std::vector<Value> positional;
  for (nb::handle v : p.attr("args")) positional.push_back(borrow_value(v.ptr()));
  arguments.positional.insert(arguments.positional.begin(), positional.begin(), positional.end());
  std::vector<std::pair<nb::object, Value>> keywords;
  for (auto [key, value] : nb::cast<nb::dict>(p.attr("keywords"))) {
    bool replaced = false;
    for (const auto& [name, v] : arguments.keywords)
      replaced = replaced || PyUnicode_Compare(name.ptr(), key.ptr()) == 0;
    if (!replaced) keywords.emplace_back(nb::borrow(key), borrow_value(value.ptr()));
  }
  arguments.keywords.insert(arguments.keywords.begin(), keywords.begin(), keywords.end());
}

}  // namespace xcs::python
