#include "operations.h"

#include <unordered_map>

#include "lowering.h"
#include "objects.h"

namespace xcs::python {
namespace {

Operation::Kind kind_of(const std::string& name) {
  if (name == "unary") return Operation::kUnary;
  if (name == "binary") return Operation::kBinary;
  return name == "compare" ? Operation::kCompare : Operation::kInplace;
}

// From a Several or an Operation of xcs._operations.
Operation converted(nb::handle made) {
  Operation result;
  for (nb::handle name : made.attr("methods"))
    result.methods.push_back(interned(nb::cast<std::string>(name).c_str()));
  if (nb::hasattr(made, "captured")) {
    result.kind = Operation::kSeveral;
    const nb::object captured = made.attr("captured");
    Lowered lowered = lower_captured_function(captured);
    result.steps = std::make_shared<HostProgram>(*lowered.program, std::move(lowered.fragments),
                                                 captured.attr("code"), captured.attr("globals"));
    return result;
  }
  result.kind = kind_of(nb::cast<std::string>(made.attr("kind")));
  result.symbol = nb::cast<std::string>(made.attr("symbol"));
  for (nb::handle side : made.attr("sides")) {
    const nb::object index = side.attr("operand");
    result.sides.push_back({index.is_none() ? std::nullopt : std::optional(nb::cast<std::size_t>(index)),
                            nb::object(side.attr("constant"))});
  }
  return result;
}

}  // namespace

const Operation& operation(const HostProgram& program, ir::Index fragment) {
  program.operations.resize(program.fragments.size());
  std::shared_ptr<const Operation>& known = program.operations[fragment];
  if (known == nullptr) {
    const nb::object made = nb::handle(program.source()).attr("operations")(fragment);
    known = std::make_shared<const Operation>(made.is_none() ? Operation() : converted(made));
  }
  return *known;
}

const Operation* operation_of_function(PyObject* function) {
  static const auto* known = [] {
    auto* all = new std::unordered_map<PyObject*, Operation>;
    const nb::dict functions = nb::cast<nb::dict>(imported("xcs._operations", "of_functions")());
    for (const auto& [f, made] : functions)
      all->emplace(nb::object(nb::borrow(f)).release().ptr(), converted(made));
    return all;
  }();
  const auto found = known->find(function);
  return found == known->end() ? nullptr : &found->second;
}

}  // namespace xcs::python
