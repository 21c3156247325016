#include "host.h"

#include <fmt/format.h>

#include <algorithm>

#include "recursion.h"

namespace xcs::python {
namespace {

// Whether what raises at the node runs in a frame with the user's line, or puts such a frame there itself.
bool has_frame_of_its_own(ir::Op op) {
  return op == ir::Op::kEval || op == ir::Op::kInplace || op == ir::Op::kStatement || op == ir::Op::kRaise ||
         op == ir::Op::kReraise;
}

Action raise_named(PyObject* type, const std::string& message) {
  PyErr_SetString(type, message.c_str());
  return raised();
}

// Whether a value that is not there is going to be None, or an instance that nobody has yet.
bool is_new_instance(const Value& pending) {
  const KnownRef known = pending.known();
  return known != nullptr && !known->any && !known->data && known->objects.empty() &&
         !window::may_be_container(*known);
}

// Whether raising it makes no instance of a class of the user's: a new object is an instance already.
bool raises_plainly(const Site& s) {
  return std::ranges::all_of(s.operands, [&](const Value& value) {
    const bool fresh = value.is_pending() && ((value.flags() & kFresh) != 0 || is_new_instance(value));
    return is_data(value, s.view) || fresh || (value.ready() && PyExceptionInstance_Check(object_of(value)));
  });
}

bool has_python_init(PyTypeObject* type) {
  PyObject* init = type_lookup(type, interned("__init__").ptr());
  return init != nullptr && PyFunction_Check(init);
}

// Whether it looked at something in a container that is not there yet; see Note [placeholders].
bool met_placeholder(const Action& raised) {
  return PyErr_GivenExceptionMatches(object_of(raised.value), placeholder_error()) != 0;
}

}  // namespace

PythonHost::PythonHost() : PythonHost(handled_exception()) {}

PythonHost::PythonHost(nb::object outer)
    : iterators_(placeholders_),
      contracts_(Contracts::instance()),
      outer_handled_(std::move(outer)),
      threads_(threads_of_program()) {}

PythonHost::~PythonHost() {
  // What a generator began with may hold others, which take themselves out when they go.
  while (!generators_.empty()) const auto begun = generators_.extract(generators_.begin());
  handle_exception(outer_handled_.ptr());
}

Action PythonHost::attempt(const ir::Program& program, const ir::Node& node, std::span<const Value> operands,
                           View& view) {
  const Site s{program_of(program), node, operands, view};
  const SpendsOnThread here(ledger_.get(), {&program, node.position});
  if (placeholders_.any_ready()) placeholders_.settle();
  Action a = attempt_node(s);
  if (a.verdict == Action::kRaised && !view.quiet() && met_placeholder(a))
    return ordered(Reason::kPendingMemory, Effect::kAnything);
  if (a.verdict == Action::kRaised && !has_frame_of_its_own(node.op) && s.program.is_users())
    add_traceback(s.program, node, object_of(a.value));
  return a;
}

bool PythonHost::is_interrupt(const Value& exception) { return raised_by_signal(object_of(exception)); }

// What the node does depends on what the classes of these operands define. Stores to classes may touch
// anything.
std::span<const Value> PythonHost::asked_by_class(const Site& s) {
  switch (s.node.op) {
    case ir::Op::kEval: {
      const ir::FragmentKind kind = s.program.fragments[s.node.index].kind;
      const bool looks = kind != ir::FragmentKind::kDisplay && kind != ir::FragmentKind::kIdentity;
      return looks ? s.operands : std::span<const Value>();
    }
    case ir::Op::kInplace:
    case ir::Op::kContains:
    case ir::Op::kTruth:
      return s.operands;
    case ir::Op::kLoadItem:
    case ir::Op::kStoreItem:
    case ir::Op::kDeleteItem:
    case ir::Op::kStoreAttr:
    case ir::Op::kDeleteAttr:
    case ir::Op::kIter:
    case ir::Op::kUnpack:
    case ir::Op::kSpecial:
    case ir::Op::kCall:
      return s.operands.first(1);
    default:
      return {};
  }
}

// Whether what the object's class defines, or the class that it is, can be changed. A module may be given
// another class.
static bool has_mutable_class(PyObject* object) {
  if (PyType_Check(object)) return !is_static(reinterpret_cast<PyTypeObject*>(object));
  return !is_static(Py_TYPE(object)) || PyModule_CheckExact(object);
}

bool PythonHost::may_change_class(std::span<const Value> asked, View& view) {
  if (view.quiet()) return false;
  for (const Value& v : asked)
    if (v.ready() && has_mutable_class(object_of(v))) return view.look_anywhere() == View::State::kBlocked;
  return false;
}

Action PythonHost::attempt_node(const Site& s) {
  const ir::Node& node = s.node;
  if (may_change_class(asked_by_class(s), s.view)) {
    Action a = blocked(kUnknown);
    a.effect.memory = Effect::kAnything;
    return a;
  }
  switch (node.op) {
    case ir::Op::kConst:
      return done(borrow_value(s.program.constant(node.index)));
    case ir::Op::kEval:
      return evaluate(s);
    case ir::Op::kMakeFunction:
      return make_function(s);
    case ir::Op::kMakeCell:
      return make_cell(s);
    case ir::Op::kLoadGlobal:
      return load_global(s);
    case ir::Op::kStoreGlobal:
    case ir::Op::kDeleteGlobal:
      return store_global(s);
    case ir::Op::kLoadCell:
      return load_cell(s);
    case ir::Op::kStoreCell:
    case ir::Op::kDeleteCell:
      return store_cell(s);
    case ir::Op::kLoadAttr:
      return load_attribute(s);
    case ir::Op::kStoreAttr:
    case ir::Op::kDeleteAttr:
      return store_attribute(s);
    case ir::Op::kLoadItem:
      return load_item(s);
    case ir::Op::kStoreItem:
    case ir::Op::kDeleteItem:
      return store_item(s);
    case ir::Op::kInplace:
      return inplace(s);
    case ir::Op::kContains:
      return contains(s);
    case ir::Op::kTruth:
      return truth(s);
    case ir::Op::kAppend:
    case ir::Op::kAdd:
      return append(s);
    case ir::Op::kCall:
      return call(s);
    case ir::Op::kCallMethod:
      return call_method(s);
    case ir::Op::kSpecial:
      return special(s);
    case ir::Op::kAwait:
      return await(s);
    case ir::Op::kIter:
      return iterate(s);
    case ir::Op::kUnpack:
      return unpack(s);
    case ir::Op::kStatement:
      return statement(s);
    case ir::Op::kMatchException:
      return match_exception(s);
    case ir::Op::kRaise:
    case ir::Op::kReraise:
      return raise(s);
    default:
      break;
  }
  return raise_named(PyExc_SystemError, fmt::format("xcs: no meaning for op {}", static_cast<int>(node.op)));
}

bool PythonHost::is_true(const Value& value) { return object_of(value) == Py_True; }

bool PythonHost::same_key(window::Object* a, window::Object* b) {
  auto* x = reinterpret_cast<PyObject*>(a);
  auto* y = reinterpret_cast<PyObject*>(b);
  if (PyUnicode_CheckExact(x) && PyUnicode_CheckExact(y)) return PyUnicode_Compare(x, y) == 0;
  const int equal = PyObject_RichCompareBool(x, y, Py_EQ);
  if (equal < 0) PyErr_Clear();  // keys of places are atoms; what cannot be compared may be equal
  return equal != 0;
}

// --- Functions, names and cells
// -----------------------------------------------------------------------------------

Action PythonHost::make_function(const Site& s) {
  const ir::FunctionTemplate& t = s.program.functions[s.node.index];
  const std::size_t defaults = t.defaults + t.keyword_defaults;
  const std::size_t first_cell = s.operands.size() - t.cells.size();
  if (const std::size_t i = first_pending(s.operands); i < s.operands.size()) return needs_operand(i, kFresh);
  // The code, the names of what the annotation operands annotate, and annotations known already.
  const nb::handle made(s.program.function(s.node.index));
  nb::object function = checked(PyFunction_New(nb::object(made[0]).ptr(), s.program.globals()));
  function.attr("__qualname__") = t.qualname;
  if (t.defaults > 0) {
    nb::object values = checked(PyTuple_New(t.defaults));
    for (ir::Index i = 0; i < t.defaults; ++i) PyTuple_SET_ITEM(values.ptr(), i, Py_NewRef(s.object(i)));
    PyFunction_SetDefaults(function.ptr(), values.ptr());
  }
  if (t.keyword_defaults > 0) {
    nb::dict values;
    for (ir::Index i = 0; i < t.keyword_defaults; ++i)
      values[t.keyword_names[i].c_str()] = nb::handle(s.object(t.defaults + i));
    PyFunction_SetKwDefaults(function.ptr(), values.ptr());
  }
  nb::dict annotations = nb::cast<nb::dict>(made[2].attr("copy")());
  for (std::size_t i = defaults; i < first_cell; ++i)
    annotations[nb::object(made[1][i - defaults])] = nb::handle(s.object(i));
  if (nb::len(annotations) > 0) function.attr("__annotations__") = annotations;
  if (!t.cells.empty()) {
    nb::object closure = checked(PyTuple_New(static_cast<Py_ssize_t>(t.cells.size())));
    for (std::size_t i = 0; i < t.cells.size(); ++i)
      PyTuple_SET_ITEM(closure.ptr(), static_cast<Py_ssize_t>(i), Py_NewRef(s.object(first_cell + i)));
    if (PyFunction_SetClosure(function.ptr(), closure.ptr()) != 0) return raised();
  }
  return done(std::move(function));
}

Action PythonHost::make_cell(const Site& s) {
  if (s.operands.empty()) return outcome(PyCell_New(nullptr));
  nb::object cell = checked(PyCell_New(to_object(s[0]).ptr()));
  if (s.view.walks() == 0) placeholders_.watch(cell);
  return done(std::move(cell));
}

Action PythonHost::load_global(const Site& s) {
  PyObject* name = s.program.name_object(s.node.index);
  if (!s.view.quiet()) {
    for (PyObject* space : {s.program.globals(), s.program.builtins()}) {
      const View::State state = s.view.look(address_of(space), {Where::kItem, address_of(name)});
      if (state == View::State::kBlocked) return blocked_at(s.view, PyDict_GetItemWithError(space, name));
      if (state == View::State::kPending) {
        const PendingStore& last = s.view.stores().back();
        if (last.node->op != ir::Op::kStoreGlobal) return ordered(Reason::kPendingMemory, Effect::kNone);
        Value value = last.operands[0];
        value.settle();
        return done(std::move(value));
      }
      if (PyDict_GetItemWithError(space, name) != nullptr) break;
    }
  }
  for (PyObject* space : {s.program.globals(), s.program.builtins()}) {
    if (!PyDict_CheckExact(space)) {
      if (PyObject* found = PyObject_GetItem(space, name)) return done(nb::steal(found));
      if (PyErr_ExceptionMatches(PyExc_KeyError) == 0) return raised();
      PyErr_Clear();
    } else if (PyObject* found = PyDict_GetItemWithError(space, name)) {
      return done(borrow_value(found));
    } else if (PyErr_Occurred() != nullptr) {
      return raised();
    }
  }
  nb::object error =
      nb::borrow(PyExc_NameError)(fmt::format("name '{}' is not defined", s.program.names[s.node.index]));
  error.attr("name") = nb::handle(name);
  PyErr_SetObject(PyExc_NameError, error.ptr());  // with what is handled as its context
  return raised();
}

Action PythonHost::store_global(const Site& s) {
  PyObject* globals = s.program.globals();
  PyObject* name = s.program.name_object(s.node.index);
  const bool removes = s.node.op == ir::Op::kDeleteGlobal;
  if (!s.view.quiet()) {
    Action a = ordered_store(borrow_value(globals), {Where::kItem, address_of(name)});
    if (!removes) a = stores_operand(std::move(a), 0);
    if (removes || PyDict_GetItemWithError(globals, name) == nullptr)
      a.effect.stores.push_back({borrow_value(globals), {Where::kKeys}});
    return a;
  }
  if (!removes) return PyDict_SetItem(globals, name, s.object(0)) == 0 ? none_done() : raised();
  if (PyDict_DelItem(globals, name) == 0) return none_done();
  PyErr_Clear();
  return raise_named(PyExc_NameError, fmt::format("name '{}' is not defined", s.program.names[s.node.index]));
}

namespace {

// The message of reading a variable that is not bound.
Value unbound(const std::string& variable, bool free) {
  std::string message;
  if (free) {
    message =
        PY_VERSION_HEX >= 0x030B0000
            ? fmt::format(
                  "cannot access free variable '{}' where it is not associated with a value in "
                  "enclosing scope",
                  variable)
            : fmt::format("free variable '{}' referenced before assignment in enclosing scope", variable);
  } else {
    message = PY_VERSION_HEX >= 0x030B0000
                  ? fmt::format("cannot access local variable '{}' where it is not associated with a value",
                                variable)
                  : fmt::format("local variable '{}' referenced before assignment", variable);
  }
  PyErr_SetString(free ? PyExc_NameError : PyExc_UnboundLocalError, message.c_str());
  nb::object error = take_error();
  if (free) error.attr("name") = variable;
  return steal_value(std::move(error));
}

}  // namespace

Action PythonHost::load_cell(const Site& s) {
  if (s[0].is_pending()) return needs_operand(0, kUnknown);
  PyObject* cell = s.object(0);
  if (!s.view.quiet()) {
    const View::State state = s.view.look(address_of(cell), {Where::kAttr});
    if (state == View::State::kBlocked) return blocked_at(s.view, PyCell_GET(cell));
    if (state == View::State::kPending) {
      const PendingStore& last = s.view.stores().back();
      if (last.node->op != ir::Op::kStoreCell) return ordered(Reason::kPendingMemory, Effect::kNone);
      Value value = last.operands[1];
      value.settle();
      return done(std::move(value));
    }
  }
  if (PyObject* content = PyCell_GET(cell)) return done(to_value(content));
  const ir::SlotId slot = s.node.args[0];
  const ir::SlotId first = s.program.first_free();
  Action a;
  a.verdict = Action::kRaised;
  a.value =
      unbound(s.program.names[s.node.index], (slot >= first && slot < first + s.program.free_names.size()) ||
                                                 s.program.is_in_comprehension(s.node));
  return a;
}

Action PythonHost::store_cell(const Site& s) {
  if (!s.view.quiet()) {
    Action a = ordered_store(s[0], {Where::kAttr});
    return s.node.op == ir::Op::kDeleteCell ? std::move(a) : stores_operand(std::move(a), 1);
  }
  PyObject* cell = s.object(0);
  if (s.node.op == ir::Op::kDeleteCell) {
    if (PyCell_GET(cell) == nullptr) return load_cell(s);
    PyCell_Set(cell, nullptr);
  } else {
    PyCell_Set(cell, s.object(1));
  }
  return none_done();
}

Value PythonHost::unbound_error(const ir::Program& program, ir::SlotId slot, const ir::Node& node) {
  const HostProgram& p = program_of(program);
  const bool free =
      (slot >= p.first_free() && slot < p.first_free() + p.free_names.size()) || p.is_in_comprehension(node);
  Value error = unbound(p.slots[slot], free);
  if (p.is_users()) add_traceback(p, node, object_of(error));
  return error;
}

Action PythonHost::statement(const Site& s) {
  const ir::Statement& shape = s.program.statements[s.node.index];
  const auto reason =
      shape.reason == ir::kNone ? std::nullopt : explain::reason_of(s.program.reasons[shape.reason]);
  for (std::size_t i = 0; i < s.operands.size(); ++i) {
    if (!s[i].is_pending()) continue;
    Action a = needs_operand(i, kUnknown, Effect::kAnything);
    if (reason) a.reason = static_cast<window::ReasonCode>(*reason);
    return a;
  }
  if (!s.view.quiet()) {
    if (reason == Reason::kImportStatement && only_finds(s, shape)) return run_statement(s, shape);
    return ordered(reason.value_or(Reason::kNeedsAnswer), Effect::kAnything);
  }
  return reason ? s.in_order(*reason, [&] { return run_statement(s, shape); }) : run_statement(s, shape);
}

// Whether an import only looks up modules and names that are there, and nothing earlier may still change
// them.
bool PythonHost::only_finds(const Site& s, const ir::Statement& import) {
  static PyObject* const modules = imported("sys", "modules").release().ptr();
  if (!import.cells.empty()) return false;
  const nb::object places = s.program.imported(s.node.index);
  if (places.is_none() || s.view.look(address_of(modules), {Where::kAll}) != View::State::kClear)
    return false;
  for (nb::handle place : places) {
    PyObject* key = Py_NewRef(nb::object(place[1]).ptr());
    PyUnicode_InternInPlace(&key);
    const nb::object name = nb::steal(key);
    const nb::object space = place[0];
    if (s.view.look(address_of(space.ptr()), {Where::kItem, address_of(key)}) != View::State::kClear)
      return false;
  }
  return true;
}

Action PythonHost::run_statement(const Site& s, const ir::Statement& shape) {
  Action a = run_whole(s, shape);
  a.ran_code = true;
  return a;
}

Action PythonHost::run_whole(const Site& s, const ir::Statement& shape) {
  static const nb::object* missing = new nb::object(imported("xcs._fragments", "UNBOUND"));
  nb::object inputs = checked(PyTuple_New(static_cast<Py_ssize_t>(shape.inputs.size())));
  for (std::size_t i = 0; i < shape.inputs.size(); ++i)
    PyTuple_SET_ITEM(inputs.ptr(), static_cast<Py_ssize_t>(i),
                     Py_NewRef(s[i].bound() ? s.object(i) : missing->ptr()));
  nb::object cells = checked(PyTuple_New(static_cast<Py_ssize_t>(shape.cells.size())));
  for (std::size_t i = 0; i < shape.cells.size(); ++i)
    PyTuple_SET_ITEM(cells.ptr(), static_cast<Py_ssize_t>(i), Py_NewRef(s.object(shape.inputs.size() + i)));
  const nb::handle statement(s.program.statement(s.node.index));
  nb::list variables;
  Action a = call_statement(s, statement.attr("bound")(cells), variables, inputs);
  if (nb::len(variables) == 0) return a;
  for (nb::handle output : nb::object(statement.attr("outputs")(variables)))
    a.values.push_back(output.is(*missing) ? Value() : borrow_value(output.ptr()));
  return a;
}

// The statement's function runs in frames of those that called the one it is part of, whose own frame it has.
Action PythonHost::call_statement(const Site& s, const nb::object& function, const nb::list& variables,
                                  const nb::object& inputs) {
  static const auto* locals = new nb::object(imported("builtins", "locals"));
  static const nb::object* missing = new nb::object(imported("xcs._fragments", "UNBOUND"));
  const std::vector<Value> frames = frames_of(s, false);
  std::vector<Value> through = frames;
  through.push_back(borrow_value(function.ptr()));
  const nb::object callee = nb::borrow(object_of(through.front()));
  through.erase(through.begin());
  Arguments arguments;
  arguments.positional = std::move(through);
  for (const nb::object& argument : {*locals, nb::object(variables.attr("append")), *missing})
    arguments.positional.push_back(borrow_value(argument.ptr()));
  for (nb::handle input : inputs) arguments.positional.push_back(borrow_value(input.ptr()));
  return without_frames(call_native(callee.ptr(), arguments), frames);
}

// --- Statements and exceptions
// ------------------------------------------------------------------------------------

Action PythonHost::match_exception(const Site& s) {
  if (const std::size_t i = first_pending(s.operands); i < s.operands.size())
    return needs_operand(i, kData | kAtom, Effect::kNone);
  PyObject* classes = s.operands.size() > 1 ? s.object(1) : PyExc_StopAsyncIteration;
  auto catches = [](PyObject* c) { return PyExceptionClass_Check(c); };
  bool valid = catches(classes);
  if (PyTuple_Check(classes)) {
    Snapshot now(s.view, placeholders_, Depth::kShallow);
    if (PyTuple_CheckExact(classes) && !s.view.quiet())
      if (const Obstacle o = now.add(classes); o != Obstacle::kNothing)
        return held_up(o, now.element(), kData | kAtom);
    valid = true;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(classes); ++i)
      valid = valid && catches(PyTuple_GET_ITEM(classes, i));
  }
  if (!valid)
    return raise_named(PyExc_TypeError,
                       "catching classes that do not inherit from BaseException is not allowed");
  return done(borrow_value(PyErr_GivenExceptionMatches(s.object(0), classes) != 0 ? Py_True : Py_False));
}

// Whether the cause, context and traceback that raising it gives to an exception might be seen too early.
bool PythonHost::shows_raised(const Site& s) const {
  PyObject* exception = s.object(0);
  return PyExceptionInstance_Check(exception) && !s.view.quiet() && !is_private(s, exception);
}

// As the bytecode RAISE_VARARGS.
Action PythonHost::raise(const Site& s) {
  if (s.node.op == ir::Op::kReraise || s.operands.empty()) {
    if (!handled_.ready()) return raise_named(PyExc_RuntimeError, "No active exception to reraise");
    Action a = done(handled_);
    a.verdict = Action::kRaised;
    return a;
  }
  if (const std::size_t i = first_pending(s.operands); i < s.operands.size())
    return needs_operand(i, kUnknown, raises_plainly(s) ? Effect::kNone : Effect::kAnything);
  if (shows_raised(s)) {
    Action a = ordered(Reason::kOrderedStore, Effect::kOpaque);
    a.effect.stores.push_back({s[0], {Where::kAll}});
    return a;
  }
  std::vector<nb::object> instances;
  for (std::size_t i = 0; i < s.operands.size(); ++i) {
    PyObject* object = s.object(i);
    if (PyExceptionClass_Check(object)) {
      const bool own_code = shape_of_instances(reinterpret_cast<PyTypeObject*>(object)) == Shape::kOther ||
                            has_python_init(reinterpret_cast<PyTypeObject*>(object));
      if (own_code && !s.view.quiet()) return ordered(Reason::kUnknownCallee, Effect::kAnything);
      PyObject* made = PyObject_CallNoArgs(object);
      if (made == nullptr) return raised();
      instances.push_back(nb::steal(made));
    } else {
      instances.push_back(nb::borrow(object));
    }
  }
  if (!PyExceptionInstance_Check(instances[0].ptr()))
    return raise_named(PyExc_TypeError, "exceptions must derive from BaseException");
  if (instances.size() > 1) {
    if (instances[1].is_none()) {
      PyException_SetCause(instances[0].ptr(), nullptr);
    } else if (PyExceptionInstance_Check(instances[1].ptr())) {
      PyException_SetCause(instances[0].ptr(), nb::object(instances[1]).release().ptr());
    } else {
      return raise_named(PyExc_TypeError, "exception causes must derive from BaseException");
    }
  }
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(instances[0].ptr())), instances[0].ptr());
  Action a = raised();
  if (s.program.is_users()) add_traceback(s.program, s.node, object_of(a.value));
  return a;
}

Value PythonHost::depth_error(std::uint32_t depth) {
  if (static_cast<int>(depth) <= recursion_remaining()) return {};
  PyErr_SetString(PyExc_RecursionError, "maximum recursion depth exceeded");
  return steal_value(take_error());
}

namespace {

PyObject* raise_again(PyObject*, PyObject* exception) {
  set_error(exception);
  return nullptr;
}

}  // namespace

// Puts an entry for the node in front of the exception's traceback, by raising it in a frame at that place.
void PythonHost::add_traceback(const HostProgram& program, const ir::Node& node, PyObject* exception) {
  static PyMethodDef method = {"raise_again", raise_again, METH_O, nullptr};
  static PyObject* const raise = PyCFunction_New(&method, nullptr);
  const nb::object before = nb::handle(exception).attr("__traceback__");
  PyObject* const arguments[] = {raise, exception};
  PyObject_Vectorcall(program.frame_at(node.position), arguments, 2, nullptr);
  // There may be no room on the stack for one more frame.
  if (!take_error().is(exception)) PyException_SetTraceback(exception, before.ptr());
}

void PythonHost::unwound(const ir::Program& program, const ir::Node& node, const Value& exception) {
  if (!program_of(program).is_users()) return;
  add_traceback(program_of(program), node, object_of(exception));
}

void PythonHost::call_raised(const ir::Program& program, const ir::Node& node, const Value& exception) {
  if (program_of(program).is_users()) add_traceback(program_of(program), node, object_of(exception));
}

void PythonHost::set_handled(const Value& exception) {
  handled_ = exception;
  handle_exception(exception.ready() ? object_of(exception) : outer_handled_.ptr());
}

}  // namespace xcs::python
