// `with` statements over managers that contextlib makes of generators: see Note [contexts] in the window.
#include "contexts.h"
#include "host.h"

namespace xcs::python {
namespace {

// Whether what the node gives is only entered and left by a `with` statement.
bool is_only_entered(const Site& s) {
  if (!s.program.is_temporary(s.node.dest)) return false;
  const ir::Node* next = s.program.next(s.node);
  return next != nullptr && next->op == ir::Op::kSpecial && next->args[0] == s.node.dest &&
         s.program.names[next->index] == "__enter__";
}

}  // namespace

// What a call of `function` makes a manager of, and with which arguments: a generator function, or null.
nb::object PythonHost::made_manager_of(const Site& s, PyObject* function, Arguments& arguments) {
  if (PyObject* maker = manager_maker(function); maker != nullptr) return nb::borrow(maker);
  if (arguments.positional.size() != 1 || !arguments.keywords.empty() || !arguments.ready()) return {};
  const nb::object self = nb::borrow(object_of(arguments.positional[0]));
  if (!recreates_manager(function, self.ptr())) return {};
  if (!s.view.quiet() && s.view.look(address_of(self.ptr()), {Where::kAll}) != View::State::kClear) return {};
  nb::object maker = nb::getattr(self, "func", nb::none());
  const nb::object positional = nb::getattr(self, "args", nb::none());
  const nb::object keywords = nb::getattr(self, "kwds", nb::none());
  if (!PyFunction_Check(maker.ptr()) || !PyTuple_CheckExact(positional.ptr()) ||
      !PyDict_CheckExact(keywords.ptr()))
    return {};
  arguments = Arguments();
  for (nb::handle v : positional) arguments.positional.push_back(borrow_value(v.ptr()));
  for (auto [name, v] : nb::cast<nb::dict>(keywords))
    arguments.keywords.emplace_back(nb::borrow(name), borrow_value(v.ptr()));
  return maker;
}

// Makes the manager, when the statement's two ends can be run as steps of the window.
bool PythonHost::make_manager(const Site& s, PyObject* function, const Arguments& given, Action& answer) {
  if (!may_make_manager(function)) return false;
  if (s.awaited() || !is_only_entered(s) || !s.view.assigns_at_once()) return false;
  if (given.spread.bound() || given.more.bound()) return false;
  Arguments arguments = given;
  const nb::object maker = made_manager_of(s, function, arguments);
  if (!maker.is_valid()) return false;
  const ProgramRef program = lowered(maker.ptr());
  if (!program->refusal.empty() || !yields_once(*program)) return false;
  if (may_change_code(function, s.view) || may_change_code(maker.ptr(), s.view)) return false;
  Enter begins;
  if (!bind(maker.ptr(), *program, arguments, begins.slots)) return false;
  begins.program = program;
  answer = done(python::make_manager(std::move(begins)));
  return true;
}

bool PythonHost::step_manager(const Site& s, Action& answer) {
  const Enter* begins = s[0].ready() ? begins_of(s.object(0)) : nullptr;
  if (begins == nullptr) return false;
  answer.verdict = Action::kEnter;
  answer.context = s.program.names[s.node.index] == "__enter__" ? Action::kOpens : Action::kCloses;
  answer.enter = *begins;
  return true;
}

Value PythonHost::never_yielded() {
  PyErr_SetString(PyExc_RuntimeError, "generator didn't yield");
  nb::object error = take_error();
  // It is raised in the handler of the StopIteration that the generator ended with.
  PyException_SetCause(error.ptr(), nullptr);
  PyException_SetContext(error.ptr(), PyObject_CallNoArgs(PyExc_StopIteration));
  return steal_value(std::move(error));
}

Value PythonHost::traceback_of(const Value& exception) {
  PyObject* traceback = PyException_GetTraceback(object_of(exception));
  return traceback == nullptr ? none() : steal_value(traceback);
}

bool PythonHost::is_handed_back(const Value& exception, const Value& left) {
  if (exception.object() == left.object()) return true;
  PyObject* error = object_of(left);
  if (PyErr_GivenExceptionMatches(error, PyExc_RuntimeError) == 0 ||
      PyErr_GivenExceptionMatches(object_of(exception), PyExc_StopIteration) == 0)
    return false;
  const nb::object cause = nb::steal(PyException_GetCause(error));
  return cause.ptr() == object_of(exception);
}

void PythonHost::hand_back(const Value& exception, const Value& traceback) {
#if PY_VERSION_HEX >= 0x030B0000
  PyException_SetTraceback(object_of(exception), object_of(traceback));
#else
  (void)exception, (void)traceback;
#endif
}

void PythonHost::leaves_context(window::ContextPart part, const Value& exception) {
  const ContextPlace place = place_in_contextlib(part);
  if (place.node != nullptr) add_traceback(*place.program, *place.node, object_of(exception));
}

Value PythonHost::truth(bool yes) { return borrow_value(yes ? Py_True : Py_False); }

}  // namespace xcs::python
