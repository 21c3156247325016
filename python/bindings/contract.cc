#include "contract.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "recursion.h"
#include "types.h"
#include "window/known.h"

namespace xcs::python {
namespace {

using window::Flags;

// What names the module of a callable: a string as a rule; null when it has none.
nb::object module_name_of(PyObject* callee) {
  if (PyFunction_Check(callee)) return nb::borrow(reinterpret_cast<PyFunctionObject*>(callee)->func_module);
  if (PyCFunction_Check(callee)) return nb::borrow(reinterpret_cast<PyCFunctionObject*>(callee)->m_module);
  // Functions that Cython made know their module, like those of Python.
  if (std::string_view(Py_TYPE(callee)->tp_name).ends_with("cython_function_or_method"))
    return nb::getattr(nb::handle(callee), "__module__", nb::none());
  PyTypeObject* type = nullptr;
  if (Py_TYPE(callee) == &PyMethodDescr_Type || Py_TYPE(callee) == &PyClassMethodDescr_Type ||
      Py_TYPE(callee) == &PyWrapperDescr_Type)
    type = PyDescr_TYPE(callee);
  else
    type = PyType_Check(callee) ? reinterpret_cast<PyTypeObject*>(callee) : Py_TYPE(callee);
  PyObject* name = type->tp_dict == nullptr ? nullptr : PyDict_GetItemString(type->tp_dict, "__module__");
  if (name != nullptr && PyUnicode_Check(name)) return nb::borrow(name);
  // A static type says its module in its name, if it has one.
  const std::string_view full(type->tp_name);
  const std::size_t dot = full.rfind('.');
  const std::string module(dot == std::string_view::npos ? "builtins" : full.substr(0, dot));
  return interned(module.c_str());
}

}  // namespace

Flags Contract::flags() const {
  switch (returns) {
    case kAtom:
      return window::kData | window::kAtom;
    case kData:
      return window::kData | window::kFresh;
    default:
      return window::kUnknown;
  }
}

window::KnownRef Contract::known() const {
  return type ? window::known_instance({borrow_value(type.ptr()), {}}, true) : nullptr;
}

Contracts& Contracts::instance() {
  static auto* contracts = new Contracts;
  return *contracts;
}

const Contract* Contracts::find(PyObject* callee) {
  if (PyMethod_Check(callee)) return find(PyMethod_GET_FUNCTION(callee));
  if (PyCFunction_Check(callee)) {
    PyObject* self = PyCFunction_GET_SELF(callee);
    if (self != nullptr && !PyModule_Check(self)) {
      auto* type = PyType_Check(self) ? reinterpret_cast<PyTypeObject*>(self) : Py_TYPE(self);
      PyObject* method =
          type_lookup(type, interned(reinterpret_cast<PyCFunctionObject*>(callee)->m_ml->ml_name).ptr());
      if (method != nullptr && method != callee) return find_here(method);
    }
  }
  if (const Contract* contract = find_here(callee)) return contract;
  if (PyFunction_Check(callee) || PyCFunction_Check(callee) || PyType_Check(callee)) return nullptr;
  PyObject* call = type_lookup(Py_TYPE(callee), interned("__call__").ptr());
  return call == nullptr ? nullptr : find_here(call);
}

const Contract* Contracts::find_method(PyTypeObject*, PyObject* function) { return find_here(function); }

const Contract* Contracts::find_here(PyObject* callee) {
  if (const auto found = table_.find(callee); found != table_.end()) return &found->second.contract;
  const nb::object module = module_name_of(callee);
  if (!module || !PyUnicode_Check(module.ptr()) || !modules_.emplace(module.ptr(), module).second)
    return nullptr;
  read_registry(module.ptr());
  const auto found = table_.find(callee);
  return found == table_.end() ? nullptr : &found->second.contract;
}

// The registry knows its callables by name; _contracts finds the objects that a loaded module holds by those
// names.
void Contracts::read_registry(PyObject* module_name) {
  const RoomForOwnCode room;
  const nb::object known = imported("xcs._contracts", "of_module")(nb::borrow(module_name));
  for (nb::handle pair : known) {
    const nb::object callee = nb::borrow(pair[0]);
    if (table_.contains(callee.ptr())) continue;
    table_.emplace(callee.ptr(), Entry{callee, contract_from(nb::cast<nb::dict>(pair[1]))});
  }
  const nb::object attributes = imported("xcs._contracts", "pure_attributes_of")(nb::borrow(module_name));
  for (nb::handle known : attributes) {
    const nb::object descriptor = nb::borrow(known[0]);
    attributes_.emplace(descriptor.ptr(), std::pair(descriptor, nb::cast<bool>(nb::object(known[1]))));
  }
}

bool Contracts::gives_atom(PyObject* descriptor) const {
  const auto found = attributes_.find(descriptor);
  return found != attributes_.end() && found->second.second;
}

bool Contracts::is_pure_attribute(PyTypeObject* type, PyObject* descriptor) {
  PyObject* mro = type->tp_mro;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(mro); ++i) {
    const nb::object module = module_name_of(PyTuple_GET_ITEM(mro, i));
    if (module && PyUnicode_Check(module.ptr()) && modules_.emplace(module.ptr(), module).second)
      read_registry(module.ptr());
  }
  return attributes_.contains(descriptor);
}

bool Contracts::is_closed(PyObject* callee) {
  const nb::object module = module_name_of(callee);
  if (!module || !PyUnicode_Check(module.ptr())) return false;
  const auto [found, added] = closed_.try_emplace(module.ptr(), module, false);
  if (added) {
    const RoomForOwnCode room;
    const bool closed = nb::cast<bool>(imported("xcs._contracts", "is_closed")(module));
    closed_[module.ptr()].second = closed;
    return closed;
  }
  return found->second.second;
}

void Contracts::set(nb::object callee, Contract contract, bool keep_alive) {
  PyObject* key = callee.ptr();
  ++generation_;
  table_[key] = Entry{keep_alive ? std::move(callee) : nb::object(), std::move(contract)};
}

void Contracts::forget(PyObject* callee) {
  ++generation_;
  table_.erase(callee);
}

namespace {

template <std::size_t N>
std::uint8_t word_index(const std::array<std::string_view, N>& words, nb::handle value) {
  const auto text = nb::cast<std::string>(value);
  const auto found = std::ranges::find(words, text);
  if (found == words.end()) throw nb::value_error(("a contract cannot say '" + text + "'").c_str());
  return static_cast<std::uint8_t>(found - words.begin());
}

constexpr std::array<std::string_view, 5> kEffects{"pure", "independent", "reads", "ordered", "unknown"};
constexpr std::array<std::string_view, 5> kReturns{"object", "data", "atom", "element", "argument"};
constexpr std::array<std::string_view, 3> kReads{"deep", "shallow", "none"};
constexpr std::array<std::string_view, 4> kRuns{"thread", "native", "async", "embed"};

// Positions are kept apart from names.
void add_argument(nb::handle item, std::vector<std::uint32_t>& positions, std::vector<std::string>& names) {
  if (PyLong_Check(item.ptr()))
    positions.push_back(nb::cast<std::uint32_t>(item));
  else
    names.push_back(nb::cast<std::string>(item));
}

}  // namespace

Contract contract_from(const nb::dict& fields) {
  Contract c;
  if (fields.contains("effect"))
    c.effect = static_cast<Contract::Effect>(word_index(kEffects, fields["effect"]));
  if (fields.contains("returns"))
    c.returns = static_cast<Contract::Returns>(word_index(kReturns, fields["returns"]));
  if (fields.contains("arguments"))
    c.reads = static_cast<Contract::Reads>(word_index(kReads, fields["arguments"]));
  if (fields.contains("run")) c.run = static_cast<Contract::Run>(word_index(kRuns, fields["run"]));
  if (fields.contains("resource")) c.resource = nb::cast<std::string>(fields["resource"]);
  if (fields.contains("enter")) c.enter = nb::borrow(fields["enter"]);
  if (fields.contains("type") && PyType_Check(nb::object(fields["type"]).ptr()))
    c.type = nb::borrow(fields["type"]);
  if (fields.contains("guard")) c.guard = nb::borrow(fields["guard"]);
  if (fields.contains("mutates"))
    for (nb::handle item : fields["mutates"]) add_argument(item, c.mutates, c.mutated_names);
  if (fields.contains("callbacks"))
    for (nb::handle item : fields["callbacks"]) add_argument(item, c.callbacks, c.callback_names);
  return c;
}

void bind_contracts(nb::module_& m) {
  m.def(
      "set_contract",
      [](nb::object callee, const nb::dict& fields, bool keep_alive, bool by_user) {
        Contract contract = contract_from(fields);
        contract.declared = by_user;
        Contracts::instance().set(std::move(callee), std::move(contract), keep_alive);
      },
      nb::arg("callee"), nb::arg("fields"), nb::arg("keep_alive"), nb::arg("by_user") = true,
      "Declares what a callable promises.");
  m.def(
      "forget_contract",
      [](std::uintptr_t address) { Contracts::instance().forget(reinterpret_cast<PyObject*>(address)); },
      nb::arg("address"), "Takes back the declaration of the callable that was at the address.");
  m.def(
      "contract_of",
      [](nb::handle callee) -> nb::object {
        const Contract* c = Contracts::instance().find(callee.ptr());
        if (c == nullptr) return nb::none();
        nb::dict fields;
        fields["effect"] = nb::str(kEffects[c->effect].data(), kEffects[c->effect].size());
        fields["returns"] = nb::str(kReturns[c->returns].data(), kReturns[c->returns].size());
        fields["arguments"] = nb::str(kReads[c->reads].data(), kReads[c->reads].size());
        fields["resource"] = c->resource.empty() ? nb::none() : nb::object(nb::str(c->resource.c_str()));
        return fields;
      },
      nb::arg("callee"), "The contract in force for a callable, or None.");
}

}  // namespace xcs::python
