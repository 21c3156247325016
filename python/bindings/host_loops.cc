// Iteration: making iterators, stepping them, and generators that the window runs as frames.
#include "files.h"
#include "held.h"
#include "host.h"
#include "reach.h"
#include "tracing.h"

namespace xcs::python {
namespace {

bool is_unstarted(PyObject* generator) {
  const nb::handle g(generator);
#if PY_VERSION_HEX >= 0x030B0000
  static const nb::object* created = new nb::object(imported("inspect", "GEN_CREATED"));
  static const nb::object* state = new nb::object(imported("inspect", "getgeneratorstate"));
  return (*state)(g).equal(*created);
#else
  const nb::object frame = g.attr("gi_frame");
  return !frame.is_none() && nb::cast<int>(frame.attr("f_lasti")) == -1;
#endif
}

}  // namespace

namespace {

// Whether the node begins a `yield from`, which stands as a loop that yields where it is itself.
bool delegates(const Site& s) {
  const ir::Node* loop = s.program.delegates ? s.program.next(s.node) : nullptr;
  if (loop == nullptr || loop->op != ir::Op::kLoop) return false;
  const std::vector<ir::Node>& body = s.program.regions[s.program.loops[loop->index].body].nodes;
  return !body.empty() && body[0].op == ir::Op::kYield && body[0].position == s.node.position;
}

}  // namespace

Action PythonHost::iterate(const Site& s) {
  if (s[0].is_pending()) {
    if (const KnownRef known = s[0].known(); known != nullptr && known->begins != nullptr)
      return with_known(needs_operand(0, kUnknown), known);  // a generator is its own iterator
    const Flags data = s[0].flags() & (kData | kAtom);
    if (data != 0) return needs_operand(0, data);
    KnownRef items = items_of(s[0], Part::kItems, s.view);
    if (items == nullptr) return needs_operand(0, kUnknown, Effect::kAnything);
    return with_known(needs_operand(0, kUnknown), window::known_container(std::move(items)));
  }
  PyObject* iterable = s.object(0);
  if (PyCoro_CheckExact(iterable) && delegates(s)) {
    PyErr_SetString(PyExc_TypeError, "cannot 'yield from' a coroutine object in a non-coroutine generator");
    return raised();
  }
  Iterators::Made made = iterators_.make(iterable, s.program.giver(s.node, s.node.args[0]), s.view);
  if (made.obstacle == Obstacle::kNothing) return done(std::move(made.cursor));
  if (made.obstacle != Obstacle::kUnknown) {
    Action a = held_up(made.obstacle, std::move(made.element), kUnknown);
    const bool keyed = PyDict_Check(iterable);
    KnownRef items = items_of(s[0], keyed ? Part::kKeys : Part::kItems, s.view);
    return items == nullptr ? std::move(a)
                            : with_known(std::move(a), window::known_container(std::move(items)));
  }
  if (Action a; iterate_progress(iterable, a) || iterate_lines(s.view, s[0], 0, a)) return a;
  const bool itself = Py_TYPE(iterable)->tp_iter == PyObject_SelfIter;  // a generator, or a cursor already
  if (s.view.quiet() || itself || shape_of(iterable) == Shape::kAtom)
    return outcome(PyObject_GetIter(iterable));
  return ordered(Reason::kIterator, Effect::kAnything);
}

// Note [lines]
// Taking a line from a file shows in the file's position alone. Where nothing but the loop's own code has the
// file, and none of it reads the variables that hold it, nobody can see the position: then lines are read
// ahead, each where nothing before it in program order may still change the file (Note [files]).
//
// `held`: references to `reader` besides those of the operands and the variables.
bool PythonHost::iterate_lines(View& view, const Value& reader, std::uint32_t held, Action& answer) {
#ifdef Py_GIL_DISABLED
  (void)view, (void)reader, (void)held, (void)answer;  // what a reference count says there is not all
  return false;
#else
  if (!reader.ready() || is_traced()) return false;
  const std::optional<Lines> lines = lines_of(object_of(reader));
  if (!lines) return false;
  if (view.walks() != 0) {
    answer = ordered(Reason::kIterator, Effect::kNone, kData);
    return true;
  }
  const auto references = [](const nb::object& object, std::uint32_t others) {
    return static_cast<std::uint32_t>(Py_REFCNT(object.ptr())) - others;
  };
  const bool direct = lines->file.is(lines->reader);
  // `lines` holds each once, and where there is a reader it holds what is between, or the file.
  if (lines->between && Py_REFCNT(lines->between.ptr()) != 2) return false;
  if (!view.is_left_alone(address_of(lines->reader.ptr()),
                          references(lines->reader, held + (direct ? 2 : 1))) ||
      (!direct && !view.is_left_alone(address_of(lines->file.ptr()), references(lines->file, 2))))
    return false;
  answer = done(make_lines(*lines));
  return true;
#endif
}

// A tqdm bar that iterates as tqdm does.
bool PythonHost::is_progress(PyObject* bar) {
  static auto* module_name = interned("tqdm.std").release().ptr();
  if ((Py_TYPE(bar)->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0) return false;
  const nb::object module = nb::steal(PyImport_GetModule(module_name));
  if (!module) {
    PyErr_Clear();
    return false;
  }
  PyObject* iter = type_lookup(Py_TYPE(bar), interned("__iter__").ptr());
  const nb::object tqdm = module.attr("tqdm");
  if (iter == nullptr ||
      iter != type_lookup(reinterpret_cast<PyTypeObject*>(tqdm.ptr()), interned("__iter__").ptr()))
    return false;
  return !nb::handle(bar).attr("iterable").is_none();
}

bool PythonHost::iterate_progress(PyObject* bar, Action& answer) {
  if (!is_progress(bar) || is_traced()) return false;
  const nb::object items = nb::handle(bar).attr("iterable");
  static auto* progressed = imported("xcs._prelude", "progressed").release().ptr();
  Arguments arguments;
  arguments.positional = {borrow_value(bar), borrow_value(items.ptr())};
  answer = make_generator(progressed, lowered(progressed), std::move(arguments));
  return true;
}

Action PythonHost::next(const ir::Program& program, const ir::Node& node, const Value& iterator, View& view) {
  const SpendsOnThread here(ledger_.get(), {&program, node.position});
  if (placeholders_.any_ready()) placeholders_.settle();
  Action a = step(object_of(iterator), view);
  if (a.verdict == Action::kRaised && program_of(program).is_users())
    add_traceback(program_of(program), node, object_of(a.value));
  return a;
}

Action PythonHost::step(PyObject* object, View& view) {
  if (Cursor* cursor = Iterators::cursor_of(object)) {
    Action a = cursor->peek(view);
    if (a.verdict == Action::kDone) cursor->advance();
    return a;
  }
  if (!view.quiet()) return ordered(Reason::kIterator, Effect::kAnything);
  if (PyObject* item = PyIter_Next(object)) return done(steal_value(item));
  if (PyErr_Occurred() != nullptr) return raised();
  Action a;
  a.verdict = Action::kStop;
  return a;
}

namespace {

// What a generator that is suspended somewhere may do, as one that begins: with any atoms for its arguments,
// when all its variables are atoms; nothing otherwise.
std::optional<Enter> as_begun(PyObject* generator, View& view) {
  const nb::handle g(generator);
  const nb::object code = g.attr("gi_code");
  const nb::object frame = g.attr("gi_frame");
  auto* c = reinterpret_cast<PyCodeObject*>(code.ptr());
  for (const char* names : {"co_freevars", "co_cellvars"})
    if (nb::len(nb::object(code.attr(names))) != 0) return std::nullopt;
  if (frame.is_none()) return std::nullopt;
  const ProgramRef program = lowered(code.ptr(), nb::object(frame.attr("f_globals")).ptr());
  if (!program->refusal.empty() || (c->co_flags & CO_GENERATOR) == 0) return std::nullopt;
  const nb::object variables = frame.attr("f_locals");
  for (nb::handle item : variables.attr("values")())
    if (!is_atom(item.ptr())) return std::nullopt;
  Enter enter;
  enter.program = program;
  for (std::uint32_t i = 0; i < program->parameters.count(); ++i)
    enter.slots.push_back(view.any_of(window::known_atom()));
  return enter;
}

}  // namespace

// Sending to a generator that is suspended, or taking its next item, runs in order. What it may do is found
// by walking its code.
bool PythonHost::step_generator(const Site& s, PyObject* callee, const Arguments& arguments, Action& answer) {
  static auto* next = imported("builtins", "next").release().ptr();
  static PyObject* const send = type_lookup(&PyGen_Type, interned("send").ptr());
  static PyObject* const step = type_lookup(&PyGen_Type, interned("__next__").ptr());
  if (s.view.quiet() || is_traced()) return false;
  std::vector<Value> given = arguments.positional;
  if (is_bound_builtin(callee) && PyGen_CheckExact(PyCFunction_GET_SELF(callee))) {
    given.insert(given.begin(), borrow_value(PyCFunction_GET_SELF(callee)));
    callee = type_lookup(&PyGen_Type, interned(method_name(callee)).ptr());
  }
  if ((callee != next && callee != send && callee != step) || given.empty() || !given[0].ready())
    return false;
  PyObject* generator = object_of(given[0]);
  if (!PyGen_CheckExact(generator)) return false;
  answer = ordered(Reason::kIterator, Effect::kAnything);
  answer.steps = true;
  answer.value = callee == send && given.size() > 1 ? given[1] : Value();
  if (s.view.walks() != 0)
    if (std::optional<Enter> enter = as_begun(generator, s.view)) answer.enter = std::move(*enter);
  return true;
}

bool PythonHost::is_shared(const Value& value) {
  PyObject* object = object_of(value);
  if (PyUnicode_CheckExact(object))
    return PyUnicode_CHECK_INTERNED(object) != 0 || PyUnicode_GET_LENGTH(object) <= 1;
  if (PyTuple_CheckExact(object)) return PyTuple_GET_SIZE(object) == 0;
  return object == Py_None || PyLong_Check(object) || PyType_Check(object) || PyModule_Check(object);
}

namespace {

// What is known of a tuple of a few values, which may still be pending.
window::Flags known_of_tuple(PyObject* tuple, int depth) {
  constexpr Py_ssize_t kMostLookedAt = 16;
  constexpr int kDeepest = 4;
  if (depth > kDeepest || PyTuple_GET_SIZE(tuple) > kMostLookedAt) return kUnknown;
  window::Flags all = kData | kAtom;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); ++i) {
    const Value item = to_value(PyTuple_GET_ITEM(tuple, i));
    if (item.is_pending()) {
      all &= item.flags();
    } else if (PyTuple_CheckExact(object_of(item))) {
      all &= known_of_tuple(object_of(item), depth + 1);
    } else if (!is_constant(object_of(item))) {
      return kUnknown;
    }
  }
  return all;
}

}  // namespace

window::Flags PythonHost::known(const Value& value) {
  PyObject* object = object_of(value);
  if (is_constant(object)) return kData | kAtom;
  if (PyTuple_CheckExact(object)) return known_of_tuple(object, 0);
  return object == surveyed_.ptr() ? kData | kAtom : kUnknown;
}

Action PythonHost::blocked_at(View& view, PyObject* committed) {
  Flags flags = view.blocked_flags();
  if (committed != nullptr && flags != kUnknown) flags &= known(borrow_value(committed));
  KnownRef what = view.blocked_known();
  if (committed != nullptr && what != nullptr) what = join(what, known_of(to_value(committed), view));
  return with_known(blocked(flags), std::move(what));
}

bool PythonHost::steps_freely(const Value& iterator) {
  return Iterators::cursor_of(object_of(iterator)) != nullptr;
}

std::optional<std::vector<Value>> PythonHost::peek_items(const Value& iterator, std::size_t limit,
                                                         View& view) {
  Cursor* cursor = Iterators::cursor_of(object_of(iterator));
  if (cursor == nullptr) return std::nullopt;
  surveyed_ = cursor->yields_constants(view) ? nb::borrow(object_of(iterator)) : nb::object();
  std::vector<Value> items;
  bool ends = false;
  while (true) {
    Action a = cursor->peek(view);
    ends = a.verdict == Action::kStop;
    if (a.verdict != Action::kDone || items.size() == limit) break;
    items.push_back(std::move(a.value));
    cursor->advance();
  }
  cursor->rewind(items.size());
  if (!ends) return std::nullopt;
  return items;
}

void PythonHost::rewind(const Value& iterator, std::size_t steps) {
  if (Cursor* cursor = Iterators::cursor_of(object_of(iterator))) cursor->rewind(steps);
}

// Note [generators that are taken over]
// Calling a generator function makes a real generator, which any code may use. The host keeps what the
// generator began with, so that a loop which is its only user can run its program instead.
Action PythonHost::make_generator(PyObject* function, const ProgramRef& program, Arguments arguments) {
  Action a = call_native(function, arguments);
  if (a.verdict != Action::kDone || program->coroutine || !program->refusal.empty() || is_traced()) return a;
  Enter enter;
  if (!bind(function, *program, arguments, enter.slots)) return a;
  enter.program = program;
  PyObject* generator = object_of(a.value);
  // What it began with dies with it, and is not the last to go.
  const nb::object forget =
      nb::cpp_function([this, generator](nb::handle) { const auto begun = generators_.extract(generator); });
  generators_[generator] = {checked(PyWeakref_NewRef(generator, forget.ptr())),
                            {},
                            std::move(enter),
                            reaches_independent(*program)};
  return a;
}

const PythonHost::Begun* PythonHost::begun(const Value& value) const {
  if (generators_.empty() || !value.ready()) return nullptr;
  const auto found = generators_.find(object_of(value));
  if (found == generators_.end()) return nullptr;
  const Begun& begun = found->second;
  const bool fresh =
      begun.generator ? referent(begun.generator.ptr()).is(object_of(value)) && is_unstarted(object_of(value))
                      : begun.watch.is_unasked();
  return fresh ? &begun : nullptr;
}

std::optional<Enter> PythonHost::take_generator(const Value& iterator, std::uint32_t references) {
  if (Py_REFCNT(object_of(iterator)) != references || begun(iterator) == nullptr) return std::nullopt;
  const auto found = generators_.find(object_of(iterator));
  Enter enter = std::move(found->second.enter);
  generators_.erase(found);
  return enter;
}

// What has begun with `iterator`, which nothing needs but the code at hand; `arguments` hold it, too.
std::optional<Enter> PythonHost::take(const Site& s, const Value& iterator, const Arguments& arguments) {
  if (begun(iterator) == nullptr) return std::nullopt;
  auto references = static_cast<std::uint32_t>(Py_REFCNT(object_of(iterator)));
  for (const Value& v : arguments.positional) references -= v.object() == iterator.object() ? 1 : 0;
  for (const auto& [name, v] : arguments.keywords) references -= v.object() == iterator.object() ? 1 : 0;
  const View::Taking taking = s.view.take(iterator.object(), references);
  if (taking == View::Taking::kNo) return std::nullopt;
  const auto found = generators_.find(object_of(iterator));
  if (taking == View::Taking::kWalked) return found->second.enter;
  Enter enter = std::move(found->second.enter);
  generators_.erase(found);
  return enter;
}

PythonHost::Taken PythonHost::take_iterator(const Value& iterator, std::uint32_t references, View& view) {
  if (Action lines; iterate_lines(view, iterator, 0, lines) && lines.verdict == Action::kDone)
    return {std::move(lines.value), false};
  if (Py_REFCNT(object_of(iterator)) != references) return {};
  nb::object cursor = iterators_.own(object_of(iterator), view);
  return {cursor ? steal_value(std::move(cursor)) : Value(), true};
}

std::optional<Enter> PythonHost::unstarted(const Value& iterator) {
  const Begun* found = begun(iterator);
  return found == nullptr ? std::nullopt : std::optional(found->enter);
}

bool PythonHost::may_reach_when_stepped(const Value& iterator) {
  const Begun* found = begun(iterator);
  return found != nullptr && found->reaches;
}

bool PythonHost::drop_runs_code(const Value& iterator, std::uint32_t references) {
  return ends_with_code(object_of(iterator), references);
}

std::optional<std::uint32_t> PythonHost::references_to_ending(const Value& value) {
  PyObject* object = object_of(value);
  if (PyCoro_CheckExact(object)) return std::nullopt;  // whoever waits and has it awaits it
  const bool goes_on = PyGen_CheckExact(object) && !nb::handle(object).attr("gi_frame").is_none() &&
                       (may_catch_closing(object) || holds_what_ends_with_code(object));
  if (!goes_on && !has_end(object)) return std::nullopt;
  return static_cast<std::uint32_t>(Py_REFCNT(object));
}

Value PythonHost::leaves_generator(const Value& exception) {
  PyObject* raised = object_of(exception);
  if (PyErr_GivenExceptionMatches(raised, PyExc_StopIteration) == 0) return exception;
  PyErr_SetString(PyExc_RuntimeError, "generator raised StopIteration");
  nb::object error = take_error();
  PyException_SetCause(error.ptr(), Py_NewRef(raised));
  PyException_SetContext(error.ptr(), Py_NewRef(raised));
  return steal_value(std::move(error));
}

Value PythonHost::closes_generator() {
  return steal_value(checked(PyObject_CallNoArgs(PyExc_GeneratorExit)));
}

bool PythonHost::has_closed(const Value& exception) {
  return PyErr_GivenExceptionMatches(object_of(exception), PyExc_GeneratorExit) != 0 ||
         PyErr_GivenExceptionMatches(object_of(exception), PyExc_StopIteration) != 0;
}

void PythonHost::unraisable(const Value& exception) {
  set_error(object_of(exception));
  PyErr_WriteUnraisable(nullptr);
}

void PythonHost::ignored_closing() {
  PyErr_SetString(PyExc_RuntimeError, "generator ignored GeneratorExit");
  PyErr_WriteUnraisable(nullptr);
}

bool PythonHost::runs_whole(const ir::Program& program, ir::Index statement, std::uint32_t turns) {
  const HostProgram& p = program_of(program);
  return observed_.harmless(p, statement, turns > 0) || (turns == 0 && !statement_reaches(p, statement));
}

}  // namespace xcs::python
