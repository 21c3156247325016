#include "program.h"

#include <algorithm>
#include <functional>
#include <unordered_map>

#include "explain/reasons.h"
#include "ir/facts.h"
#include "lowering.h"
#include "recursion.h"

namespace xcs::python {
namespace {

nb::object builtins_of(const nb::object& globals) {
  PyObject* builtins = PyDict_GetItemString(globals.ptr(), "__builtins__");
  if (builtins == nullptr) return nb::borrow(PyEval_GetBuiltins());
  return PyModule_Check(builtins) ? nb::borrow(PyModule_GetDict(builtins)) : nb::borrow(builtins);
}

bool is_prelude(const nb::object& globals) {
  PyObject* name = PyDict_GetItemString(globals.ptr(), "__name__");
  return name != nullptr && PyUnicode_Check(name) &&
         PyUnicode_CompareWithASCIIString(name, "xcs._prelude") == 0;
}

nb::object keyword_names_of(const ir::Program& program, const ir::CallShape& call) {
  nb::list names;
  for (const ir::Arg& arg : call.args)
    if (arg.kind == ir::ArgKind::kKeyword) names.append(interned(program.names[arg.name].c_str()));
  return nb::len(names) == 0 ? nb::object() : nb::object(nb::tuple(names));
}

}  // namespace

HostProgram::HostProgram(ir::Program program, nb::object fragments, nb::object code, nb::object globals)
    : ir::Program(std::move(program)),
      statement_reach(statements.size()),
      users_(!file.empty() && !is_prelude(globals)),
      source_(std::move(fragments)),
      code_(std::move(code)),
      globals_(std::move(globals)),
      builtins_(builtins_of(globals_)),
      constants_(constants.size()),
      statements_(statements.size()),
      functions_(functions.size()),
      evaluations_(this->fragments.size()) {
  for (const std::string& name : names) names_.push_back(interned(name.c_str()));
  find_definitions();
  for (const ir::CallShape& call : calls) keyword_names_.push_back(keyword_names_of(*this, call));
}

ProgramRef HostProgram::changed(ir::Program program) const {
  return std::make_shared<HostProgram>(std::move(program), source_, code_, globals_);
}

void HostProgram::find_definitions() {
  definitions_.resize(slots.size());
  std::vector<bool> twice(slots.size());
  for (const ir::Region& region : regions)
    for (const ir::Node& node : region.nodes)
      for (const ir::SlotId slot : ir::slots_assigned(*this, node)) {
        if (definitions_[slot] != nullptr) twice[slot] = true;
        definitions_[slot] = &node;
      }
  for (std::size_t slot = 0; slot < slots.size(); ++slot)
    if (twice[slot]) definitions_[slot] = nullptr;
}

const ir::Region* HostProgram::region_of(const ir::Node& node) const {
  const std::less<const ir::Node*> before;
  for (const ir::Region& region : regions)
    if (!before(&node, region.nodes.data()) && before(&node, region.nodes.data() + region.nodes.size()))
      return &region;
  return nullptr;
}

const ir::Node* HostProgram::giver(const ir::Node& node, ir::SlotId slot) const {
  const ir::Region* region = region_of(node);
  if (region == nullptr) return nullptr;
  for (const ir::Node* n = &node; n != region->nodes.data(); --n) {
    const ir::Node& earlier = *(n - 1);
    const auto assigned = ir::slots_assigned(*this, earlier);
    if (std::ranges::find(assigned, slot) != assigned.end()) return &earlier;
    for (const ir::RegionId inner : ir::inner_regions(*this, earlier))
      if (std::ranges::binary_search(regions[inner].assigned, slot)) return nullptr;
  }
  return nullptr;
}

const ir::Node* HostProgram::next(const ir::Node& node) const {
  const ir::Region* region = region_of(node);
  return region == nullptr || &node == &region->nodes.back() ? nullptr : &node + 1;
}

bool HostProgram::is_in_comprehension(const ir::Node& node) const {
  const ir::Position& p = node.position;
  return nb::cast<bool>(source_.attr("is_in_comprehension")(p.line, p.column, p.end_line, p.end_column));
}

PyObject* HostProgram::made(std::vector<nb::object>& table, const char* kind, ir::Index i) const {
  nb::object& entry = table[i];
  if (!entry) {
    const RoomForOwnCode room;
    entry = source_.attr(kind)(i);
  }
  return entry.ptr();
}

PyObject* HostProgram::fragment(ir::Index i) const {
  nb::object& compiled = evaluations_[i].compiled;
  if (!compiled) {
    const RoomForOwnCode room;
    compiled = source_.attr("fragment")(i);
  }
  return compiled.ptr();
}

PyObject* HostProgram::evaluated(ir::Index index, PyObject* const* operands, std::size_t count) const {
  constexpr std::uint8_t kMostDeclined = 4;
  Evaluation& how = evaluations_[index];
  if (!how.looked) {
    how.looked = true;
    how.expression = Expression::of(fragments[index], nb::cast<nb::list>(source_.attr("nodes")));
  }
  if (how.expression != nullptr && how.declined < kMostDeclined) {
    PyObject* value = how.expression->evaluate(operands);
    how.declined = value != nullptr ? 0 : how.declined + 1;
    if (value != nullptr || PyErr_Occurred() != nullptr) return value;
  }
  return PyObject_Vectorcall(fragment(index), operands, count | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
}

PyObject* HostProgram::frame_at(const ir::Position& p) const {
  nb::object& entry = frames_[{p.line, p.column, p.end_line, p.end_column}];
  if (!entry) {
    const RoomForOwnCode room;
    entry = source_.attr("frame")(p.line, p.column, p.end_line, p.end_column);
  }
  return entry.ptr();
}

namespace {

// Much is made and no garbage: looking for some meanwhile would take most of the time.
class Uncollected {
 public:
  Uncollected() : enabled_(PyGC_Disable() != 0) {}
  ~Uncollected() {
    if (enabled_) PyGC_Enable();
  }
  Uncollected(const Uncollected&) = delete;
  Uncollected& operator=(const Uncollected&) = delete;

 private:
  bool enabled_;
};

ProgramRef lower_now(PyObject* code, const nb::object& globals) {
  auto reason = explain::Reason::kSourceUnavailable;
  const Uncollected uncollected;
  const RoomForOwnCode room;
  try {
    Lowered lowered = lower_function(checked(PyFunction_New(code, globals.ptr())));
    return std::make_shared<HostProgram>(*lowered.program, std::move(lowered.fragments), nb::borrow(code),
                                         globals);
  } catch (nb::python_error& error) {
    if (error.matches(PyExc_RecursionError)) {
      reason = explain::Reason::kTooDeeplyNested;
    } else if (!error.matches(imported("xcs._errors", "UsageError"))) {
      throw;
    }
  }
  ir::Program program;
  program.refusal = explain::info(reason).code;
  return std::make_shared<HostProgram>(std::move(program), nb::none(), nb::borrow(code), globals);
}

struct Known {
  nb::object code;                   // kept alive, so that its address names it
  std::vector<ProgramRef> programs;  // one for each dict of globals it runs with
};

}  // namespace

ProgramRef lowered(PyObject* function) {
  return lowered(PyFunction_GET_CODE(function), PyFunction_GET_GLOBALS(function));
}

ProgramRef lowered(PyObject* code, PyObject* globals) {
  static auto* known = new std::unordered_map<PyObject*, Known>;
  auto find = [&]() -> ProgramRef {
    const auto found = known->find(code);
    if (found == known->end()) return nullptr;
    for (const ProgramRef& p : found->second.programs)
      if (p->globals() == globals) return p;
    return nullptr;
  };
  if (ProgramRef program = find()) return program;
  ProgramRef made = lower_now(code, nb::borrow(globals));
  if (ProgramRef program = find()) return program;  // another thread was faster
  Known& entry = (*known)[code];
  entry.code = nb::borrow(code);
  entry.programs.push_back(made);
  return made;
}

}  // namespace xcs::python
