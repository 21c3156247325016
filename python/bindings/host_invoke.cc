// Calls that happen at once or in their turn: by CPython, under frames for the functions that were entered.
#include <algorithm>

#include "host.h"

namespace xcs::python {

// The thread counts among those of the program once it runs.
static bool starts_thread(PyObject* callee) {
  if (!PyCFunction_Check(callee)) return false;
  const auto* function = reinterpret_cast<PyCFunctionObject*>(callee);
  return std::string_view(function->m_ml->ml_name).starts_with("start_") && function->m_module != nullptr &&
         PyUnicode_Check(function->m_module) &&
         PyUnicode_CompareWithASCIIString(function->m_module, "_thread") == 0;
}

Action PythonHost::call_unknown(const Site& s, PyObject* callee, Arguments arguments, Reason reason) {
  if (!s.view.quiet()) return ordered(reason, Effect::kAnything);
  if (const Value* pending = arguments.pending()) {
    Action a = needs_argument(s, *pending, kUnknown, Effect::kAnything);
    a.reason = static_cast<window::ReasonCode>(reason);
    return a;
  }
  if (starts_thread(callee)) threads_ = -1;
  return s.in_order(reason, [&] { return call_framed(s, callee, arguments); });
}

// REQUIRES: the arguments are ready
Action PythonHost::call_native(PyObject* callee, const Arguments& arguments) {
  ObjectArray values(arguments.positional);
  if (arguments.keywords.empty())
    return outcome(
        PyObject_Vectorcall(callee, values.data(), values.size() | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr));
  std::vector<PyObject*> all(values.data(), values.data() + values.size());
  nb::object names = checked(PyTuple_New(static_cast<Py_ssize_t>(arguments.keywords.size())));
  for (std::size_t i = 0; i < arguments.keywords.size(); ++i) {
    PyTuple_SET_ITEM(names.ptr(), i, Py_NewRef(arguments.keywords[i].first.ptr()));
    all.push_back(object_of(arguments.keywords[i].second));
  }
  return outcome(PyObject_Vectorcall(callee, all.data(), arguments.positional.size(), names.ptr()));
}

// Note [frames of entered functions]
// What has been entered has no frame of CPython's. A callee may look for its callers all the same: warnings
// and logging name the caller's line, namedtuple and enum its module. So it is called through one function
// for each caller, which has the caller's name, file, line and globals. They leave no trace in tracebacks,
// where the window puts the callers.
std::vector<Value> PythonHost::frames_of(const Site& s, bool own) {
  std::vector<Value> frames;
  if (own && s.program.is_users()) frames.push_back(borrow_value(s.program.frame_at(s.node.position)));
  for (const window::Caller& caller : s.view.callers())
    if (const HostProgram& p = program_of(*caller.program); p.is_users())
      frames.push_back(borrow_value(p.frame_at(caller.node->position)));
  std::ranges::reverse(frames);
  return frames;
}

// The exception without the entries of frames_of(). An exception that is made late has none of them.
Action PythonHost::without_frames(Action a, std::span<const Value> frames) {
  if (a.verdict != Action::kRaised) return a;
  const nb::handle exception(object_of(a.value));
  nb::object traceback = exception.attr("__traceback__");
  for (const Value& frame : frames) {
    if (traceback.is_none()) break;
    if (!traceback.attr("tb_frame").attr("f_code").is(nb::handle(PyFunction_GET_CODE(object_of(frame)))))
      break;
    traceback = traceback.attr("tb_next");
  }
  PyException_SetTraceback(exception.ptr(), traceback.ptr());
  return a;
}

// REQUIRES: the arguments are ready
Action PythonHost::call_framed(const Site& s, PyObject* callee, Arguments arguments) {
  const std::vector<Value> frames = frames_of(s, true);
  Action a;
  if (frames.empty()) {
    a = call_native(callee, arguments);
  } else {
    std::vector<Value> given(frames.begin() + 1, frames.end());
    given.push_back(borrow_value(callee));
    arguments.positional.insert(arguments.positional.begin(), given.begin(), given.end());
    a = without_frames(call_native(object_of(frames.front()), arguments), frames);
  }
  a.ran_code = is_python_callable(callee);
  return a;
}

}  // namespace xcs::python
