#include "reach.h"

#include <algorithm>
#include <unordered_set>

#include "cached.h"
#include "contract.h"
#include "host.h"
#include "ir/facts.h"
#include "jitted.h"
#include "observations.h"
#include "types.h"

namespace xcs::python {
namespace {

// Set by assume_reach(); read and written with the GIL.
bool assumed = false;

PyTypeObject* cached_property_type() {
  static auto* type =
      reinterpret_cast<PyTypeObject*>(imported("functools", "cached_property").release().ptr());
  return type;
}

constexpr int kDeepest = 20;  // functions within functions, or attributes of attributes, that are looked at

// Names of methods of builtin types. A method of an unknown object by one of these names is taken for theirs,
// unless a class that the module names has one, too.
bool is_builtin_method_name(PyObject* name) {
  static const auto* names = [] {
    auto* set = new std::unordered_set<std::string>;
    for (PyTypeObject* type : {&PyUnicode_Type, &PyList_Type, &PyDict_Type, &PySet_Type, &PyBytes_Type,
                               &PyTuple_Type, &PyLong_Type, &PyFloat_Type})
      for (nb::handle key : nb::handle(reinterpret_cast<PyObject*>(type)).attr("__dict__").attr("keys")())
        set->insert(nb::cast<std::string>(key));
    return set;
  }();
  return names->contains(PyUnicode_AsUTF8(name));
}

// A search for independent calls.
struct Search {
  int depth = 0;  // functions within functions that are looked at
  // When set, everything is looked at anew, and what runs whole on the way is added.
  std::vector<RunsWhole>* met = nullptr;
  std::unordered_set<const Reach*>* seen = nullptr;
  Observations* observed = nullptr;  // when set, calls of what is not known call what they have called

  Search deeper() const { return {depth + 1, met, seen, observed}; }
  Reach& of(const HostProgram& program) const {
    return observed == nullptr ? program.reach : observed->reach(&program);
  }
};

void note(std::vector<RunsWhole>* met, const HostProgram& program, const std::string& reason,
          ir::Position position) {
  if (met != nullptr && !reason.empty()) met->push_back({&program, reason, position});
}

bool reaches(PyObject* callee, Search search);
bool regions_reach(const HostProgram& program, const std::vector<ir::RegionId>& regions, Reach& reach,
                   Search search);

// Looks at the nodes of some regions of a program.
class Walk {
 public:
  Walk(const HostProgram& program, Reach& reach, Search search)
      : program_(program), reach_(reach), search_(search) {}

  bool region(ir::RegionId id) {
    for (const ir::Node& node : program_.regions[id].nodes) {
      current_ = {id, &node};
      if (node.op == ir::Op::kStatement) statement(node);
      if (node.op == ir::Op::kLoadGlobal && global(node)) return true;
      if (node.op == ir::Op::kCall && call(node)) return true;
      if (node.op == ir::Op::kLoadAttr && attribute(node)) return true;
      if (node.op == ir::Op::kMakeFunction && nested(node.index)) return true;
      if (node.op == ir::Op::kCallMethod && call_method(node)) return true;
      for (const ir::RegionId inner : ir::inner_regions(program_, node))
        if (region(inner)) return true;
    }
    return false;
  }

 private:
  struct At {
    ir::RegionId region = ir::kNone;
    const ir::Node* node = nullptr;
  };

  // Where the slot got the value it has at `at`: in the same region, or at the one place that assigns it at
  // all, whose region is not known then.
  At definition(ir::SlotId slot, At at) const {
    if (at.region != ir::kNone) {
      const std::vector<ir::Node>& nodes = program_.regions[at.region].nodes;
      for (const ir::Node* n = at.node; n != nodes.data(); --n) {
        const ir::Node& earlier = *(n - 1);
        const auto assigned = ir::slots_assigned(program_, earlier);
        if (std::ranges::find(assigned, slot) != assigned.end()) return {at.region, &earlier};
        if (!ir::inner_regions(program_, earlier).empty() && assigned_inside(earlier, slot)) return {};
      }
    }
    const ir::Node* only = program_.definition(slot);
    return {ir::kNone, only == at.node ? nullptr : only};  // what `x = x.y` reads was there before
  }

  bool assigned_inside(const ir::Node& node, ir::SlotId slot) const {
    for (const ir::RegionId inner : ir::inner_regions(program_, node))
      if (std::ranges::binary_search(program_.regions[inner].assigned, slot)) return true;
    return false;
  }

  // What the slot holds as far as globals and attributes of modules tell; null when that is not known.
  nb::object resolve(ir::SlotId slot) { return resolve(slot, current_, kDeepest); }

  nb::object resolve(ir::SlotId slot, At reader, int depth) {
    const At at = definition(slot, reader);
    const ir::Node* node = at.node;
    if (node == nullptr || depth == 0) return {};
    if (node->op == ir::Op::kLoadGlobal) {
      PyObject* name = program_.name_object(node->index);
      PyObject* found = PyDict_GetItemWithError(program_.globals(), name);
      if (found == nullptr && PyDict_Check(program_.builtins()))
        found = PyDict_GetItemWithError(program_.builtins(), name);
      PyErr_Clear();
      reach_.globals.emplace_back(name, found);
      return nb::borrow(found);
    }
    if (node->op == ir::Op::kLoadAttr) {
      const nb::object of = resolve(node->args[0], at, depth - 1);
      if (!of || !(PyModule_Check(of.ptr()) || PyType_Check(of.ptr()))) return {};
      PyObject* found = PyObject_GetAttr(of.ptr(), program_.name_object(node->index));
      if (found == nullptr) PyErr_Clear();
      return nb::steal(found);
    }
    return {};
  }

  // A function that is named may be called by whatever it is handed to.
  bool global(const ir::Node& node) {
    PyObject* name = program_.name_object(node.index);
    PyObject* found = PyDict_GetItemWithError(program_.globals(), name);
    PyErr_Clear();
    reach_.globals.emplace_back(name, found != nullptr ? found : builtin(name));
    return found != nullptr && value_reaches(found);
  }

  PyObject* builtin(PyObject* name) {
    PyObject* found =
        PyDict_Check(program_.builtins()) ? PyDict_GetItemWithError(program_.builtins(), name) : nullptr;
    PyErr_Clear();
    return found;
  }

  // Functions, and tables of them.
  bool value_reaches(PyObject* value) {
    if (PyFunction_Check(value) || PyMethod_Check(value) || Py_TYPE(value) == jitted_type() ||
        is_lru_cache(value) || Contracts::instance().find(value) != nullptr)
      return reaches(value, search_);
    constexpr Py_ssize_t kMostLookedAt = 64;
    if (PyDict_CheckExact(value)) {
      PyObject *key = nullptr, *held = nullptr;
      Py_ssize_t position = 0;
      for (Py_ssize_t n = 0; n < kMostLookedAt && PyDict_Next(value, &position, &key, &held) != 0; ++n)
        if (PyCallable_Check(held) != 0 && value_reaches(held)) return true;
    } else if (PyList_CheckExact(value) || PyTuple_CheckExact(value)) {
      for (Py_ssize_t i = 0; i < std::min(PySequence_Fast_GET_SIZE(value), kMostLookedAt); ++i) {
        PyObject* held = PySequence_Fast_GET_ITEM(value, i);
        if (PyCallable_Check(held) != 0 && value_reaches(held)) return true;
      }
    }
    return false;
  }

  bool call(const ir::Node& node) {
    const nb::object callee = resolve(node.args[0]);
    if (callee) return reaches(callee.ptr(), search_);
    const ir::Node* made = definition(node.args[0], current_).node;
    if (made != nullptr && made->op == ir::Op::kMakeFunction) return nested(made->index);
    const bool method = made != nullptr && made->op == ir::Op::kLoadAttr;
    if (const auto* callees = observed(node))
      return any_reaches(*callees, method ? program_.name_object(made->index) : nullptr);
    return !method || method_reaches(made->args[0], made->index);
  }

  const Observations::Callees* observed(const ir::Node& node) const {
    return search_.observed == nullptr ? nullptr : search_.observed->at(node);
  }

  // `name`: of a method, or null.
  bool any_reaches(const Observations::Callees& callees, PyObject* name) {
    if (callees.more) return true;
    return std::any_of(callees.known.begin(), callees.known.begin() + callees.count, [&](const auto& callee) {
      const nb::object function = Observations::now(callee.function);
      const nb::object type = callee.type ? Observations::now(callee.type) : nb::none();
      return function.is_none() || reaches(function.ptr(), search_) ||
             (name != nullptr && !type.is_none() && override_reaches(type, name));
    });
  }

  // Whether a class that shares with `type` the one where the method was defined first has another one by its
  // name that reaches an independent call: the next receiver may be of that class.
  bool override_reaches(const nb::object& type, PyObject* name) {
    PyObject* first = nullptr;
    const nb::object order = type.attr("__mro__");
    for (nb::handle base : order)
      if (!is_static(reinterpret_cast<PyTypeObject*>(base.ptr())) &&
          type_lookup(reinterpret_cast<PyTypeObject*>(base.ptr()), name) != nullptr)
        first = base.ptr();
    if (first == nullptr) return false;
    constexpr std::size_t kMostClasses = 64;
    std::vector<nb::object> classes = {nb::borrow(first)};
    for (std::size_t i = 0; i < classes.size(); ++i) {
      if (classes.size() > kMostClasses) return true;
      PyObject* found = type_lookup(reinterpret_cast<PyTypeObject*>(classes[i].ptr()), name);
      if (found != nullptr && (PyFunction_Check(found) || is_lru_cache(found)) && reaches(found, search_))
        return true;
      for (nb::handle derived : nb::object(
               nb::borrow(reinterpret_cast<PyObject*>(&PyType_Type)).attr("__subclasses__")(classes[i])))
        classes.push_back(nb::borrow(derived));
    }
    return false;
  }

  // A function made here, which may be called anywhere.
  bool nested(ir::Index function) {
    const nb::object code = nb::handle(program_.function(function))[0];
    const ProgramRef made = lowered(code.ptr(), program_.globals());
    if (!made->refusal.empty()) note(search_.met, *made, made->refusal, made->position);
    return made->refusal.empty() && regions_reach(*made, {made->body}, search_.of(*made), search_.deeper());
  }

  void statement(const ir::Node& node) {
    const ir::Index reason = program_.statements[node.index].reason;
    if (reason != ir::kNone) note(search_.met, program_, program_.reasons[reason], node.position);
  }

  // Whether a class that the module knows by a name has this attribute, and `matters` says yes to it.
  template <class Matters>
  bool any_class(PyObject* name, Matters matters) {
    PyObject *key = nullptr, *object = nullptr;
    Py_ssize_t position = 0;
    while (PyDict_Next(program_.globals(), &position, &key, &object) != 0) {
      if (!PyType_Check(object) || is_static(reinterpret_cast<PyTypeObject*>(object))) continue;
      PyObject* found = type_lookup(reinterpret_cast<PyTypeObject*>(object), name);
      if (found != nullptr && matters(found)) return true;
    }
    return false;
  }

  // A property, cached or not, of a class of the same module.
  bool attribute(const ir::Node& node) {
    return any_class(program_.name_object(node.index), [&](PyObject* found) {
      const bool property = Py_TYPE(found) == &PyProperty_Type;
      if (!property && Py_TYPE(found) != cached_property_type()) return false;
      const nb::object getter = nb::handle(found).attr(property ? "fget" : "func");
      return PyFunction_Check(getter.ptr()) && reaches(getter.ptr(), search_);
    });
  }

  bool call_method(const ir::Node& node) {
    const ir::Index method = program_.calls[node.index].method;
    if (!resolve(node.args[0]))
      if (const auto* callees = observed(node)) return any_reaches(*callees, program_.name_object(method));
    return method_reaches(node.args[0], program_.calls[node.index].method);
  }

  bool method_reaches(ir::SlotId of, ir::Index method) {
    PyObject* name = program_.name_object(method);
    const nb::object receiver = resolve(of);
    if (!receiver)
      return !is_builtin_method_name(name) || any_class(name, [&](PyObject* found) {
        return (PyFunction_Check(found) || is_lru_cache(found)) && reaches(found, search_);
      });
    if (PyModule_Check(receiver.ptr()) || PyType_Check(receiver.ptr())) {
      PyObject* found = PyObject_GetAttr(receiver.ptr(), name);
      if (found == nullptr) PyErr_Clear();
      const nb::object held = nb::steal(found);
      return found != nullptr && reaches(found, search_);
    }
    PyObject* found = type_lookup(Py_TYPE(receiver.ptr()), name);
    return found == nullptr || reaches(found, search_);
  }

  const HostProgram& program_;
  Reach& reach_;
  const Search search_;
  At current_;
};

bool still_holds(const HostProgram& program, const Reach& reach) {
  if (!reach.known || reach.generation != Contracts::instance().generation()) return false;
  for (const auto& [name, object] : reach.globals) {
    PyObject* now = PyDict_GetItemWithError(program.globals(), name);
    if (now == nullptr && PyDict_Check(program.builtins()))
      now = PyDict_GetItemWithError(program.builtins(), name);
    if (now != object) {
      PyErr_Clear();
      return false;
    }
  }
  return true;
}

bool regions_reach(const HostProgram& program, const std::vector<ir::RegionId>& regions, Reach& reach,
                   Search search) {
  if (search.seen != nullptr ? !search.seen->insert(&reach).second : still_holds(program, reach))
    return reach.reaches;
  reach = {true, false, Contracts::instance().generation(), {}};  // what calls itself adds nothing
  bool result = false;
  for (const ir::RegionId id : regions) result = result || Walk(program, reach, search).region(id);
  reach.reaches = result;
  return result;
}
bool reaches(PyObject* callee, Search search) {
  if (search.depth > kDeepest) return true;
  if (PyMethod_Check(callee)) return reaches(PyMethod_GET_FUNCTION(callee), search);
  if (Py_TYPE(callee) == jitted_type()) return reaches(jitted_function(callee), search);
  if (is_lru_cache(callee)) {
    const nb::object function = wrapped_by_cache(callee);
    return !function || reaches(function.ptr(), search.deeper());
  }
  if (const Contract* contract = Contracts::instance().find(callee))
    return contract->effect == Contract::kIndependent;
  if (PyFunction_Check(callee)) {
    if (Contracts::instance().is_closed(callee)) return false;
    const ProgramRef program = lowered(callee);
    if (!program->refusal.empty()) {
      note(search.met, *program, program->refusal, program->position);
      return false;
    }
    return regions_reach(*program, {program->body}, search.of(*program), search.deeper());
  }
  if (PyType_Check(callee)) {
    PyObject* init = type_lookup(reinterpret_cast<PyTypeObject*>(callee), interned("__init__").ptr());
    return init != nullptr && PyFunction_Check(init) && reaches(init, search);
  }
  if (PyCFunction_Check(callee) || Py_TYPE(callee) == &PyMethodDescr_Type) return false;
  PyObject* method = type_lookup(Py_TYPE(callee), interned("__call__").ptr());
  return method == nullptr || !PyFunction_Check(method) || reaches(method, search);
}

// The regions of the if, loop or try statement that statements[statement] stands for.
std::vector<ir::RegionId> regions_of(const HostProgram& program, ir::Index statement) {
  for (const ir::Region& region : program.regions)
    for (const ir::Node& node : region.nodes) {
      const bool found = (node.op == ir::Op::kIf && program.ifs[node.index].whole == statement) ||
                         (node.op == ir::Op::kLoop && program.loops[node.index].whole == statement) ||
                         (node.op == ir::Op::kTry && program.tries[node.index].whole == statement);
      if (found) return ir::inner_regions(program, node);
    }
  return {};
}

}  // namespace

bool reaches_independent(PyObject* callee) { return assumed || reaches(callee, {}); }

bool reaches_independent(const HostProgram& program) {
  return assumed || regions_reach(program, {program.body}, program.reach, {});
}

bool reaches_through(PyObject* argument) {
  constexpr Py_ssize_t kMostLookedAt = 64;
  if (PyFunction_Check(argument) || PyMethod_Check(argument) || Py_TYPE(argument) == jitted_type() ||
      is_lru_cache(argument))
    return reaches_independent(argument);
  const auto is_suspect = [](PyObject* held) {
    PyTypeObject* type = Py_TYPE(held);
    return !is_static(type) && !Contracts::instance().is_closed(reinterpret_cast<PyObject*>(type));
  };
  if (is_suspect(argument)) return true;
  const auto reaches_item = [&](PyObject* held) {
    return is_suspect(held) ||
           ((PyFunction_Check(held) || PyMethod_Check(held)) && reaches_independent(held));
  };
  if (PyList_CheckExact(argument) || PyTuple_CheckExact(argument)) {
    PyObject** items = PySequence_Fast_ITEMS(argument);
    return std::any_of(items, items + std::min(PySequence_Fast_GET_SIZE(argument), kMostLookedAt),
                       reaches_item);
  }
  if (!PyDict_CheckExact(argument)) return false;
  PyObject* held = nullptr;
  Py_ssize_t position = 0;
  for (Py_ssize_t n = 0; n < kMostLookedAt && PyDict_Next(argument, &position, nullptr, &held) != 0; ++n)
    if (reaches_item(held)) return true;
  return false;
}

bool statement_reaches(const HostProgram& program, ir::Index statement) {
  if (assumed) return true;
  Reach& reach = program.statement_reach[statement];
  if (still_holds(program, reach)) return reach.reaches;
  return regions_reach(program, regions_of(program, statement), reach, {});
}

bool reaches_as_observed(const HostProgram& program, ir::Index statement, Observations& observed) {
  if (assumed) return true;
  std::unordered_set<const Reach*> seen;
  const Search search{0, nullptr, &seen, &observed};
  if (statement == ir::kNone) return regions_reach(program, {program.body}, search.of(program), search);
  return regions_reach(program, regions_of(program, statement),
                       observed.reach(&program.statements[statement]), search);
}

std::vector<RunsWhole> what_runs_whole(PyObject* callee) {
  std::vector<RunsWhole> met;
  std::unordered_set<const Reach*> seen;
  reaches(callee, {0, &met, &seen, nullptr});
  return met;
}

void bind_reach(nb::module_& m) {
  m.def(
      "assume_reach", [](bool on) { assumed = on; }, nb::arg("on"),
      "Whether every function counts as one that may reach an independent call, so that all code goes "
      "through the "
      "window. Changes speed only; for tests.");
}

}  // namespace xcs::python
