#include "contexts.h"

#include <algorithm>
#include <array>

#include "ir/facts.h"
#include "objects.h"
#include "types.h"

namespace xcs::python {
namespace {

// What contextlib looks like when nobody has changed it.
struct Contextlib {
  PyObject* helper_code;             // of what contextmanager() makes
  PyObject* manager_class;           // _GeneratorContextManager
  std::array<PyObject*, 4> methods;  // of that class, by kMethods

  static constexpr std::array kMethods{"__init__", "__enter__", "__exit__", "_recreate_cm"};
  enum Method : std::uint8_t { kInit, kEnter, kExit, kRecreate };

  static const Contextlib& get() {
    static const Contextlib* known = [] {
      nb::object helper = imported("contextlib", "contextmanager")(imported("contextlib", "nullcontext"));
      auto* made = new Contextlib{};
      made->helper_code = nb::object(helper.attr("__code__")).release().ptr();
      made->manager_class = imported("contextlib", "_GeneratorContextManager").release().ptr();
      for (std::size_t i = 0; i < kMethods.size(); ++i) made->methods[i] = made->method(kMethods[i]);
      return made;
    }();
    return *known;
  }

  PyObject* method(const char* name) const {
    return type_lookup(reinterpret_cast<PyTypeObject*>(manager_class), interned(name).ptr());
  }
  // Code that is lowered makes its functions anew, of code that is equal.
  bool made(PyObject* function) const {
    PyObject* code = PyFunction_GET_CODE(function);
    if (code == helper_code) return true;
    const int line = reinterpret_cast<PyCodeObject*>(code)->co_firstlineno;
    if (line != reinterpret_cast<PyCodeObject*>(helper_code)->co_firstlineno) return false;
    const int equal = PyObject_RichCompareBool(code, helper_code, Py_EQ);
    if (equal < 0) PyErr_Clear();
    return equal > 0;
  }
  bool unchanged() const {
    for (std::size_t i = 0; i < kMethods.size(); ++i)
      if (method(kMethods[i]) != methods[i]) return false;
    return true;
  }
};

struct Manager {
  PyObject_HEAD window::Enter* begins;
};

Manager* as_manager(PyObject* self) { return reinterpret_cast<Manager*>(self); }

void destroy(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  delete as_manager(self)->begins;
  type->tp_free(self);
  Py_DECREF(type);
}

PyTypeObject* manager_type() {
  static PyTypeObject* type = [] {
    PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(destroy)}, {0, nullptr}};
    PyType_Spec spec = {"xcs._core.Manager", sizeof(Manager), 0,
                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    return reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)).release().ptr());
  }();
  return type;
}

// How often control may yield on one way through the region; 2 stands for more.
int most_yields(const ir::Program& p, ir::RegionId id) {
  if (id == ir::kNone || !p.regions[id].exits.yields) return 0;
  int most = 0;
  for (const ir::Node& node : p.regions[id].nodes) {
    switch (node.op) {
      case ir::Op::kYield:
        ++most;
        break;
      case ir::Op::kIf:
        most += std::max(most_yields(p, p.ifs[node.index].then_region),
                         most_yields(p, p.ifs[node.index].else_region));
        break;
      case ir::Op::kLoop:
      case ir::Op::kTry: {
        int inside = 0;
        for (ir::RegionId r : ir::inner_regions(p, node)) inside += most_yields(p, r);
        most += node.op == ir::Op::kLoop && inside != 0 ? 2 : inside;
        break;
      }
      default:
        break;
    }
  }
  return std::min(most, 2);
}

// The earliest node in the text that `is_it`.
template <typename IsIt>
const ir::Node* earliest(const ir::Program& program, IsIt is_it) {
  const ir::Node* found = nullptr;
  for (const ir::Region& region : program.regions)
    for (const ir::Node& node : region.nodes)
      if (is_it(node) && (found == nullptr || node.position.line < found->position.line)) found = &node;
  return found;
}

}  // namespace

bool may_make_manager(PyObject* function) {
  const Contextlib& contextlib = Contextlib::get();
  return function == contextlib.methods[Contextlib::kRecreate] || contextlib.made(function);
}

bool recreates_manager(PyObject* function, PyObject* self) {
  const Contextlib& contextlib = Contextlib::get();
  return function == contextlib.methods[Contextlib::kRecreate] &&
         reinterpret_cast<PyObject*>(Py_TYPE(self)) == contextlib.manager_class && contextlib.unchanged();
}

PyObject* manager_maker(PyObject* function) {
  const Contextlib& contextlib = Contextlib::get();
  if (!contextlib.made(function)) return nullptr;
  PyObject* closure = PyFunction_GET_CLOSURE(function);
  if (closure == nullptr || PyTuple_GET_SIZE(closure) != 1) return nullptr;
  PyObject* maker = PyCell_GET(PyTuple_GET_ITEM(closure, 0));
  PyObject* used = PyDict_GetItemString(PyFunction_GET_GLOBALS(function), "_GeneratorContextManager");
  const bool usual = used == contextlib.manager_class && contextlib.unchanged();
  return usual && maker != nullptr && PyFunction_Check(maker) ? maker : nullptr;
}

bool yields_once(const HostProgram& generator) { return most_yields(generator, generator.body) == 1; }

Value make_manager(window::Enter begins) {
  PyTypeObject* type = manager_type();
  nb::object self = checked(type->tp_alloc(type, 0));
  as_manager(self.ptr())->begins = new window::Enter(std::move(begins));
  return steal_value(std::move(self));
}

const window::Enter* begins_of(PyObject* manager) {
  return Py_TYPE(manager) == manager_type() ? as_manager(manager)->begins : nullptr;
}

ContextPlace place_in_contextlib(window::ContextPart part) {
  using window::ContextPart;
  const bool enters = part == ContextPart::kEnters || part == ContextPart::kNeverYields;
  const ProgramRef program =
      lowered(Contextlib::get().methods[enters ? Contextlib::kEnter : Contextlib::kExit]);
  if (part == ContextPart::kNeverYields)
    return {program, earliest(*program, [](const ir::Node& n) { return n.op == ir::Op::kRaise; })};
  const auto throws = [&](const ir::Node& n) {
    return n.op == ir::Op::kCallMethod && program->names[program->calls[n.index].method] == "throw";
  };
  if (part == ContextPart::kRaises) return {program, earliest(*program, throws)};
  return {program, earliest(*program, [](const ir::Node& n) { return n.op == ir::Op::kCall; })};
}

}  // namespace xcs::python
