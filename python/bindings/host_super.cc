// What classes of the user's call of the builtin classes they derive from: attributes through super(), and
// the methods of object and of exceptions.
#include <algorithm>

#include "host.h"

namespace xcs::python {
namespace {

PyTypeObject* as_type(PyObject* object) { return reinterpret_cast<PyTypeObject*>(object); }

PyTypeObject* exception_type() { return as_type(PyExc_BaseException); }

// The type of `"".__len__`: a slot of a builtin class, bound to an object.
PyTypeObject* method_wrapper_type() {
  static PyTypeObject* type = [] {
    const nb::str text("");
    return Py_TYPE(nb::object(text.attr("__len__")).ptr());
  }();
  return type;
}

// The C function that a slot wrapper calls.
void* wrapped_by(PyObject* descriptor) {
  return Py_TYPE(descriptor) == &PyWrapperDescr_Type
             ? reinterpret_cast<PyWrapperDescrObject*>(descriptor)->d_wrapped
             : nullptr;
}

template <class Function>
bool calls(PyObject* descriptor, Function function) {
  return wrapped_by(descriptor) == reinterpret_cast<void*>(function);
}

}  // namespace

// What super() finds in the classes after its own, or nothing. It looks at the classes alone.
nb::object found_through_super(PyObject* super, PyObject* name) {
  const nb::handle s(super);
  const nb::object own = s.attr("__thisclass__"), of = s.attr("__self_class__");
  if (!PyType_Check(of.ptr())) return {};
  PyObject* mro = as_type(of.ptr())->tp_mro;
  bool after = false;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(mro); ++i) {
    const nb::handle type(PyTuple_GET_ITEM(mro, i));
    const nb::object members = after ? nb::object(type.attr("__dict__")) : nb::object();
    if (after && PyMapping_HasKey(members.ptr(), name) == 1) return members[nb::handle(name)];
    after = after || type.is(own);
  }
  return {};
}

// A method of a builtin class that is bound to an object is called with the object as its first argument.
PyObject* PythonHost::unbound_slot(PyObject* callee, Arguments& arguments) {
  if (Py_TYPE(callee) != method_wrapper_type()) return nullptr;
  const nb::handle bound(callee);
  const nb::object self = bound.attr("__self__");
  PyObject* found = type_lookup(as_type(nb::object(bound.attr("__objclass__")).ptr()),
                                interned(nb::cast<std::string>(bound.attr("__name__")).c_str()).ptr());
  if (found == nullptr || Py_TYPE(found) != &PyWrapperDescr_Type) return nullptr;
  arguments.positional.insert(arguments.positional.begin(), borrow_value(self.ptr()));
  arguments.has_self = true;
  return found;
}

// super(class, object), which runs code of the program's only if the object's class is not that class or one
// that derives from it.
bool PythonHost::make_super(const Site& s, PyObject* callee, const Arguments& arguments, Action& answer) {
  const auto& given = arguments.positional;
  if (callee != reinterpret_cast<PyObject*>(&PySuper_Type) || s.view.quiet()) return false;
  if (given.size() != 2 || !arguments.keywords.empty() || !arguments.ready()) return false;
  PyObject* type = object_of(given[0]);
  PyObject* object = object_of(given[1]);
  if (!PyType_Check(type)) return false;
  const bool fits = PyType_IsSubtype(Py_TYPE(object), as_type(type)) != 0 ||
                    (PyType_Check(object) && PyType_IsSubtype(as_type(object), as_type(type)) != 0);
  if (!fits || s.view.look_anywhere() != View::State::kClear) return false;
  answer = call_native(callee, arguments);
  return true;
}

// object.__init__, object.__setattr__ and BaseException.__init__, called ahead.
bool PythonHost::call_base_slot(const Site& s, PyObject* callee, const Arguments& arguments, Action& answer) {
  const auto& given = arguments.positional;
  if (s.view.quiet() || given.empty() || !given[0].ready() || !arguments.keywords.empty()) return false;
  PyObject* self = object_of(given[0]);
  if (calls(callee, PyBaseObject_Type.tp_init) &&
      given.size() == 1) {  // which looks at nothing and does nothing
    answer = call_native(callee, arguments);
    return true;
  }
  if (calls(callee, PyBaseObject_Type.tp_setattro)) return set_attribute(s, arguments, false, answer);
  if (!calls(callee, exception_type()->tp_init) || !PyExceptionInstance_Check(self)) return false;
  // The exception's new arguments. Until they are there, nobody else has it.
  const nb::object args = tuple_of(std::span(given).subspan(1), placeholders_);
  auto others = static_cast<std::uint32_t>(std::ranges::count(given, given[0].object(), &Value::object));
  const bool by_super = s[0].ready() && Py_TYPE(s.object(0)) == &PySuper_Type;
  const bool bound = s[0].ready() && Py_TYPE(s.object(0)) == method_wrapper_type();
  if (bound || (by_super && is_private(s, s.object(0)))) ++others;
  if (is_private(s, self, others)) {
    answer = exception_type()->tp_init(self, args.ptr(), nullptr) == 0 ? none_done() : raised();
    return true;
  }
  answer = ordered_store(given[0], {Where::kAttr, address_of(interned("args").ptr())}, Effect::kOpaque);
  answer.value = none();
  return true;
}

// What super() and methods looked up through it hold is held by others, too.
bool PythonHost::goes_plainly(const Value& value) {
  PyObject* object = object_of(value);
  if (Py_REFCNT(object) > 1 || is_constant(object)) return true;
  if (Py_TYPE(object) != &PySuper_Type && Py_TYPE(object) != method_wrapper_type()) return false;
  const nb::object self = nb::getattr(object, "__self__", nb::none());
  return Py_REFCNT(self.ptr()) > 2;
}

// setattr(object, name, value), or with `by_class` false object.__setattr__. Returns whether it is a store
// that is understood.
bool PythonHost::set_attribute(const Site& s, const Arguments& arguments, bool by_class, Action& answer) {
  const auto& given = arguments.positional;
  if (s.node.op != ir::Op::kCall && s.node.op != ir::Op::kCallMethod) return false;
  if (given.size() != 3 || !given[0].ready() || !given[1].ready()) return false;
  const bool in_place = std::ranges::all_of(s.program.calls[s.node.index].args, [](const ir::Arg& arg) {
    return arg.kind == ir::ArgKind::kPositional;
  });
  if (!in_place || s.operands.empty() || !PyUnicode_CheckExact(object_of(given[1]))) return false;
  PyObject* name = Py_NewRef(object_of(given[1]));
  PyUnicode_InternInPlace(&name);
  const nb::object held = nb::steal(name);
  answer = store_attribute(s, given[0], name, static_cast<std::uint32_t>(s.operands.size() - 1), by_class);
  return true;
}

}  // namespace xcs::python
