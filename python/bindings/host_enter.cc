// Entering functions of the user's: binding arguments, making instances.
#include "host.h"
#include "reach.h"
#include "tracing.h"

namespace xcs::python {
namespace {

PyFunctionObject* as_function(PyObject* f) { return reinterpret_cast<PyFunctionObject*>(f); }

using Keywords = std::vector<std::pair<nb::object, Value>>;

nb::object dict_of(const Keywords& keywords, Placeholders& placeholders) {
  nb::dict dict;
  for (const auto& [name, v] : keywords) dict[name] = to_object(v);
  placeholders.watch(dict);
  return dict;
}

// Takes the keyword argument `name` out of `keywords`; unbound when there is none.
Value take_keyword(Keywords& keywords, std::string_view name) {
  for (auto it = keywords.begin(); it != keywords.end(); ++it) {
    Py_ssize_t size = 0;
    const char* text = PyUnicode_AsUTF8AndSize(it->first.ptr(), &size);
    if (text == nullptr || std::string_view(text, static_cast<std::size_t>(size)) != name) continue;
    Value v = std::move(it->second);
    keywords.erase(it);
    return v;
  }
  return {};
}

void push_cells(PyObject* function, const HostProgram& program, std::vector<Value>& slots) {
  PyObject* closure = as_function(function)->func_closure;
  if (closure == nullptr) return;
  const nb::object code = nb::borrow(as_function(function)->func_code);
  const nb::object names = code.attr("co_freevars");
  for (const std::string& name : program.free_names) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names.ptr()); ++i)
      if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names.ptr(), i), name.c_str()) == 0)
        slots.push_back(borrow_value(PyTuple_GET_ITEM(closure, i)));
  }
}

// What a parameter gets that the mapping may name; `otherwise`: its default, or null.
const Value& given_by_spread(const Arguments& arguments, PyObject* otherwise) {
  const bool data = otherwise == nullptr || is_constant(otherwise);
  return data ? arguments.spread_item : arguments.spread_or_default;
}

// Calls __init__ on an instance and returns the instance; written in the IR so that __init__ can be entered.
ProgramRef construction() {
  static const auto* program = [] {
    ir::Program p;
    p.name = p.qualname = "__init__";
    p.slots = {"", "", "", "", ""};
    p.parameters.positional = 4;  // __init__, the instance, positional arguments, keyword arguments
    p.calls.push_back(
        {ir::kNone, {{ir::ArgKind::kPositional}, {ir::ArgKind::kStar}, {ir::ArgKind::kDoubleStar}}});
    ir::Node call{ir::Op::kCall, 4, 0, {0, 1, 2, 3}, {}};
    ir::Node result{ir::Op::kReturn, ir::kNone, ir::kNone, {1}, {}};
    p.regions.push_back({{call, result}, {4}, {.returns = true}});
    return new ProgramRef(std::make_shared<HostProgram>(std::move(p), nb::none(), nb::none(), nb::dict()));
  }();
  return *program;
}

// As construction(), for an __init__ that may return something else than None.
ProgramRef checked_construction() {
  static auto* function = imported("xcs._prelude", "constructed").release().ptr();
  return lowered(function);
}

bool returns_only_none(const HostProgram& program) {
  if (!program.refusal.empty() || program.generator || program.coroutine) return false;
  for (const ir::Region& region : program.regions)
    for (std::size_t i = 0; i < region.nodes.size(); ++i) {
      const ir::Node& node = region.nodes[i];
      if (node.op != ir::Op::kReturn) continue;
      const ir::Node* made = i == 0 ? nullptr : &region.nodes[i - 1];
      const bool none = made != nullptr && made->op == ir::Op::kConst && made->dest == node.args[0] &&
                        program.constant(made->index) == Py_None;
      if (!none) return false;
    }
  return true;
}

// Whether the class's __init__ is what dataclasses generate for plain fields: it stores its arguments and no
// more.
bool has_generated_init(PyTypeObject* type, PyObject* init) {
  const nb::handle handle(reinterpret_cast<PyObject*>(type));
  if (type_lookup(type, interned("__dataclass_fields__").ptr()) == nullptr) return false;
  if (type_lookup(type, interned("__post_init__").ptr()) != nullptr) return false;
  auto* code = reinterpret_cast<PyCodeObject*>(PyFunction_GET_CODE(init));
  if (PyUnicode_CompareWithASCIIString(code->co_filename, "<string>") != 0) return false;
  if (!has_plain_setattr(type) && !nb::cast<bool>(handle.attr("__dataclass_params__").attr("frozen")))
    return false;
  const nb::object missing = imported("dataclasses", "MISSING");
  for (nb::handle field : handle.attr("__dataclass_fields__").attr("values")()) {
    const nb::object factory = field.attr("default_factory");
    if (factory.is(missing)) continue;
    const bool builtin =
        PyType_Check(factory.ptr()) &&
        (reinterpret_cast<PyTypeObject*>(factory.ptr())->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0;
    if (!builtin) return false;
  }
  return true;
}

// Whether code of the user's runs when an instance goes.
bool has_finalizer(PyTypeObject* type) {
  return !is_static(type) && type_lookup(type, interned("__del__").ptr()) != nullptr;
}

// Whether it is the __new__ that namedtuple makes, which runs no code of the user's.
bool makes_named_tuple(PyTypeObject* type, PyObject* maker) {
  if (maker == nullptr || PyType_FastSubclass(type, Py_TPFLAGS_TUPLE_SUBCLASS) == 0) return false;
  if (type_lookup(type, interned("_field_defaults").ptr()) == nullptr ||
      Py_TYPE(maker) != &PyStaticMethod_Type)
    return false;
  const nb::object function = nb::handle(maker).attr("__func__");
  if (!PyFunction_Check(function.ptr())) return false;
  PyObject* made_by = PyDict_GetItemString(as_function(function.ptr())->func_globals, "_tuple_new");
  return made_by != nullptr && PyCFunction_Check(made_by) &&
         PyCFunction_GET_SELF(made_by) == reinterpret_cast<PyObject*>(&PyTuple_Type);
}

// Whether making an instance is what the builtin container it derives from does with an iterable.
bool collects_items(PyTypeObject* type) {
  for (PyTypeObject* base : {&PyList_Type, &PySet_Type, &PyTuple_Type, &PyFrozenSet_Type})
    if (PyType_IsSubtype(type, base) != 0)
      return type->tp_new == base->tp_new && type->tp_init == base->tp_init;
  return false;
}

// Whether making the exception looks into the objects it is made of.
bool looks_inside(PyTypeObject* exception) {
#if PY_VERSION_HEX >= 0x030B0000
  if (PyType_IsSubtype(exception, reinterpret_cast<PyTypeObject*>(PyExc_BaseExceptionGroup)) != 0)
    return true;
#endif
  return PyType_IsSubtype(exception, reinterpret_cast<PyTypeObject*>(PyExc_SyntaxError)) != 0;
}

// Whether making the exception only keeps the arguments it is given.
bool keeps_arguments(PyTypeObject* exception) {
  const auto* base = reinterpret_cast<PyTypeObject*>(PyExc_BaseException);
  while ((exception->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0) exception = exception->tp_base;
  return exception->tp_new == base->tp_new && exception->tp_init == base->tp_init;
}

// Whether calling the class looks one of its members up by value, and runs no code of the user's.
bool looks_member_up(PyTypeObject* type) {
  static auto* metatype = reinterpret_cast<PyTypeObject*>(imported("enum", "EnumMeta").release().ptr());
  static auto* base = reinterpret_cast<PyTypeObject*>(imported("enum", "Enum").release().ptr());
  if (Py_TYPE(type) != metatype || type_lookup(type, interned("_member_map_").ptr()) == nullptr) return false;
  for (const char* name : {"_missing_", "__new__"}) {
    nb::object found = nb::borrow(type_lookup(type, interned(name).ptr()));
    if (nb::hasattr(found, "__func__")) found = found.attr("__func__");
    if (!comes_with_python(found.ptr())) return false;
  }
  return PyObject_Length(type_lookup(type, interned("_member_map_").ptr())) > 0 &&
         PyType_IsSubtype(type, base) != 0;
}

bool is_plain_metatype(PyTypeObject* metatype) {
  return metatype == &PyType_Type || (metatype->tp_call == PyType_Type.tp_call);
}

// Gives the positional parameters that have no argument, the first `taken` have one, what they get without.
// Returns whether all have something then.
bool give_defaults(PyObject* function, const ir::Parameters& p, std::size_t taken, const Arguments& arguments,
                   std::vector<Value>& slots) {
  PyObject* defaults = as_function(function)->func_defaults;
  const std::size_t count = defaults == nullptr ? 0 : static_cast<std::size_t>(PyTuple_GET_SIZE(defaults));
  for (std::size_t i = taken; i < p.positional; ++i) {
    if (slots[i].bound()) continue;
    if (arguments.spread.bound() && i >= p.positional_only) {
      const bool required = i + count < p.positional;
      slots[i] = given_by_spread(arguments,
                                 required ? nullptr : PyTuple_GET_ITEM(defaults, i + count - p.positional));
      continue;
    }
    if (i + count < p.positional) return false;
    slots[i] = borrow_value(PyTuple_GET_ITEM(defaults, i + count - p.positional));
  }
  return true;
}

// Likewise, the parameters that can be given by keyword only.
bool give_keyword_defaults(PyObject* function, const HostProgram& program, const Arguments& arguments,
                           std::vector<Value>& slots) {
  PyObject* keyword_defaults = as_function(function)->func_kwdefaults;
  for (std::size_t i = program.parameters.positional; i < slots.size(); ++i) {
    if (slots[i].bound()) continue;
    PyObject* v = keyword_defaults == nullptr
                      ? nullptr
                      : PyDict_GetItemString(keyword_defaults, program.slots[i].c_str());
    if (arguments.spread.bound()) {
      slots[i] = given_by_spread(arguments, v);
      continue;
    }
    if (v == nullptr) return false;
    slots[i] = borrow_value(v);
  }
  return true;
}

}  // namespace

// Binds as CPython does. Returns whether the arguments fit.
bool PythonHost::bind(PyObject* function, const HostProgram& program, Arguments& arguments,
                      std::vector<Value>& slots) {
  const ir::Parameters& p = program.parameters;
  auto& given = arguments.positional;
  slots.assign(p.positional + p.keyword_only, Value());
  const std::size_t taken = std::min<std::size_t>(given.size(), p.positional);
  for (std::size_t i = 0; i < taken; ++i) slots[i] = given[i];
  if (given.size() > taken && !p.star) return false;
  for (std::size_t i = p.positional_only; i < slots.size() && !arguments.keywords.empty(); ++i) {
    Value v = take_keyword(arguments.keywords, program.slots[i]);
    if (!v.bound()) continue;
    if (slots[i].bound()) return false;
    slots[i] = std::move(v);
  }
  if (!arguments.keywords.empty() && !p.double_star) return false;
  if (!give_defaults(function, p, taken, arguments, slots)) return false;
  if (!give_keyword_defaults(function, program, arguments, slots)) return false;
  if (p.star) slots.push_back(steal_value(tuple_of(std::span(given).subspan(taken), placeholders_)));
  if (p.double_star)
    slots.push_back(arguments.spread.bound() ? arguments.spread_or_default
                                             : steal_value(dict_of(arguments.keywords, placeholders_)));
  push_cells(function, program, slots);
  return true;
}

// The call itself raises what is wrong with its arguments; what is pending does not matter for that.
Action PythonHost::call_misfit(PyObject* function, const Arguments& arguments) {
  Arguments ready = arguments;
  for (Value& v : ready.positional)
    if (!v.ready()) v = none();
  for (auto& [name, v] : ready.keywords)
    if (!v.ready()) v = none();
  return call_native(function, ready);
}

// Whether something earlier may assign the function's code or its defaults.
bool PythonHost::may_change_code(PyObject* function, View& view) {
  return !view.quiet() &&
         view.look(address_of(function), {Where::kAttr, address_of(interned("__code__").ptr())}) !=
             View::State::kClear;
}

// Whether it is a function of a closed library that reaches nothing through these arguments: it need not even
// be read.
bool PythonHost::is_closed_over(PyObject* function, const Arguments& arguments) {
  if (!contracts_.is_closed(function)) return false;
  const auto reaches = [](const Value& v) { return reaches_through(object_of(v)); };
  return std::ranges::none_of(arguments.positional, reaches) &&
         std::ranges::none_of(arguments.keywords, [&](const auto& named) { return reaches(named.second); });
}

Action PythonHost::enter(const Site& s, PyObject* function, Arguments arguments) {
  if (is_traced()) return call_unknown(s, function, std::move(arguments), Reason::kTraced);
  if (Action a; enter_gathering(s, function, arguments, a)) return a;
  if (Action a; make_manager(s, function, arguments, a)) return a;
  const int flags = reinterpret_cast<PyCodeObject*>(PyFunction_GET_CODE(function))->co_flags;
  const bool awaited = s.awaited() && (flags & CO_COROUTINE) != 0;
  const bool makes_generator = !awaited && (flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) != 0;
  const bool settled = !makes_generator && arguments.ready() && s.view.quiet();
  if (settled && !awaited && is_closed_over(function, arguments)) return call_framed(s, function, arguments);
  const ProgramRef program = lowered(function);
  if (settled && program->is_users() && !contracts_.is_closed(function) &&
      (!reaches_independent(function) || observed_.harmless_when_entered(*program))) {
    const auto refused = explain::reason_of(program->refusal);
    return refused ? s.in_order(*refused, [&] { return call_framed(s, function, arguments); })
                   : call_framed(s, function, arguments);
  }
  if (program->delegates && (flags & CO_ITERABLE_COROUTINE) != 0)  // which may delegate to coroutines
    return call_unknown(s, function, std::move(arguments), Reason::kYieldFrom);
  if (makes_generator) {
    if (const Value* pending = arguments.pending()) {
      Action a = needs_argument(s, *pending, kUnknown, Effect::kNone);
      auto begins = std::make_shared<Enter>();
      const bool walked = (flags & CO_GENERATOR) != 0 && program->refusal.empty();
      if (!walked || !bind(function, *program, arguments, begins->slots)) return a;
      begins->program = program;
      return with_known(std::move(a), window::known_generator(std::move(begins)));
    }
    return make_generator(function, program, std::move(arguments));  // runs nothing of it yet
  }
  if (awaited) return enter_awaited(s, function, program, std::move(arguments));
  if (!program->refusal.empty()) {
    const auto reason = explain::reason_of(program->refusal).value_or(Reason::kUnknownCallee);
    return call_unknown(s, function, std::move(arguments), reason);
  }
  if (may_change_code(function, s.view)) {
    Action a = blocked(kUnknown);
    a.effect.memory = Effect::kAnything;
    return a;
  }
  if (PyObject* defaults = as_function(function)->func_kwdefaults; defaults != nullptr && !s.view.quiet())
    if (s.view.look(address_of(defaults), {Where::kAll}) != View::State::kClear)
      return ordered(Reason::kPendingMemory, Effect::kAnything);
  Action a;
  a.verdict = Action::kEnter;
  Arguments rest = arguments;
  if (!bind(function, *program, rest, a.enter.slots)) return call_misfit(function, arguments);
  a.enter.program = program;
  return a;
}

// The member of an enumeration by its value.
bool PythonHost::find_member(const Site& s, PyObject* enumeration, const Arguments& arguments,
                             Action& answer) {
  if (!arguments.keywords.empty() || arguments.positional.size() != 1) return false;
  const Value& value = arguments.positional[0];
  if (value.is_pending() && is_pure_data(value, s.view)) {
    answer = needs_argument(s, value, kData | kAtom, Effect::kNone);
    return true;
  }
  if (!value.ready() || !is_atom(object_of(value))) return false;
  answer = call_native(enumeration, arguments);
  return true;
}

Action PythonHost::construct(const Site& s, PyTypeObject* type, Arguments arguments) {
  auto* cls = reinterpret_cast<PyObject*>(type);
  if (is_traced()) return call_unknown(s, cls, std::move(arguments), Reason::kTraced);
  const bool quiet = s.view.quiet();
  if (!quiet && has_finalizer(type)) return ordered(Reason::kFinalizer, Effect::kAnything);
  if (Action a; collects_items(type) && enter_collected(s, cls, arguments, a)) return a;
  PyObject* init = type_lookup(type, interned("__init__").ptr());
  const bool python_init = init != nullptr && PyFunction_Check(init);
  const bool harmless = !python_init || !reaches_independent(init);
  if (quiet && arguments.ready() && (harmless || observed_.harmless_when_entered(*lowered(init))))
    return call_framed(s, cls, std::move(arguments));
  const bool exception = PyType_FastSubclass(type, Py_TPFLAGS_BASE_EXC_SUBCLASS) != 0 && !looks_inside(type);
  if (Action a; looks_member_up(type) && find_member(s, cls, arguments, a)) return a;
  PyObject* maker = type_lookup(type, interned("__new__").ptr());
  const bool named_tuple = makes_named_tuple(type, maker);
  const bool builtin_new = maker != nullptr && PyCFunction_Check(maker);
  const bool plain_new =
      named_tuple || (builtin_new && (exception || type->tp_new == PyBaseObject_Type.tp_new));
  if (!is_plain_metatype(Py_TYPE(cls)) || !plain_new)
    return call_unknown(s, cls, std::move(arguments), Reason::kUnknownCallee);
  if (named_tuple)
    if (Action a; make_named_tuple(type, arguments, a)) return a;
  if (arguments.spread.bound() && !arguments.keywords.empty())  // both are for __init__
    return needs_argument(s, arguments.spread, kFresh, Effect::kAnything);
  const bool whole = !python_init || has_generated_init(type, init);
  if (whole && arguments.ready()) return call_native(cls, arguments);
  if (whole && (!python_init || !lowered(init)->refusal.empty()))
    return needs_argument(s, *arguments.pending(), kFresh, Effect::kNone);
  if (exception && !keeps_arguments(type))
    if (const Value* pending = arguments.pending())
      return needs_argument(s, *pending, kFresh, Effect::kAnything);
  // object.__new__ does not look at the arguments of a class that has its own __init__.
  const nb::object positional =
      exception ? tuple_of(arguments.positional, placeholders_) : checked(PyTuple_New(0));
  PyObject* made = type->tp_new(type, positional.ptr(), nullptr);
  if (made == nullptr) return raised();
  Action a;
  a.verdict = Action::kEnter;
  a.enter.program = returns_only_none(*lowered(init)) ? construction() : checked_construction();
  a.enter.slots.push_back(borrow_value(init));
  a.enter.slots.push_back(steal_value(made));
  a.enter.slots.push_back(steal_value(tuple_of(arguments.positional, placeholders_)));
  a.enter.slots.push_back(arguments.spread.bound() ? arguments.spread
                                                   : steal_value(dict_of(arguments.keywords, placeholders_)));
  return a;
}

// A named tuple of values that are not all there holds placeholders. Returns whether it can be made ahead.
bool PythonHost::make_named_tuple(PyTypeObject* type, Arguments arguments, Action& answer) {
  if (arguments.ready()) return false;
  for (Value& v : arguments.positional) v = steal_value(to_object(v));
  for (auto& [name, v] : arguments.keywords) v = steal_value(to_object(v));
  answer = call_native(reinterpret_cast<PyObject*>(type), arguments);
  if (answer.verdict == Action::kDone) placeholders_.watch(nb::borrow(object_of(answer.value)));
  return true;
}

// Enters the method of the user's that an operator calls, when that may gain something or runs ahead.
bool PythonHost::enter_operator(const Site& s, PyObject* object, const char* name, Action& answer) {
  if ((Py_TYPE(object)->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0) return false;
  PyObject* method = type_lookup(Py_TYPE(object), interned(name).ptr());
  if (method == nullptr || !PyFunction_Check(method)) return false;
  if (s.view.quiet() && !reaches_independent(method)) return false;
  Arguments arguments;
  arguments.positional.assign(s.operands.begin(), s.operands.end());
  arguments.has_self = true;
  answer = call_object(s, method, std::move(arguments));
  return true;
}

Action PythonHost::begin(PyObject* function, PyObject* const* args, std::size_t count,
                         PyObject* keyword_names) {
  Arguments arguments;
  for (std::size_t i = 0; i < count; ++i) arguments.positional.push_back(borrow_value(args[i]));
  const Py_ssize_t keywords = keyword_names == nullptr ? 0 : PyTuple_GET_SIZE(keyword_names);
  for (Py_ssize_t i = 0; i < keywords; ++i)
    arguments.keywords.emplace_back(nb::borrow(PyTuple_GET_ITEM(keyword_names, i)),
                                    borrow_value(args[count + i]));
  const ProgramRef program = lowered(function);
  Action a;
  a.verdict = Action::kEnter;
  Arguments rest = arguments;
  if (!bind(function, *program, rest, a.enter.slots)) return call_misfit(function, arguments);
  a.enter.program = program;
  return a;
}

}  // namespace xcs::python
