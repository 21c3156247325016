#include "gathering.h"

#include <algorithm>

#include "ir/facts.h"

namespace xcs::python {
namespace {

bool yields_in_try(const ir::Program& p) {
  return std::ranges::any_of(p.regions, [&](const ir::Region& region) {
    return std::ranges::any_of(region.nodes, [&](const ir::Node& node) {
      const auto yields = [&](ir::RegionId inner) { return p.regions[inner].exits.yields; };
      return node.op == ir::Op::kTry && std::ranges::any_of(ir::inner_regions(p, node), yields);
    });
  });
}

// What stands in place of `node`.
void gather_node(const ir::Node& node, Into into, ir::SlotId first, ir::Index shape,
                 std::vector<ir::Node>& nodes) {
  if (into == Into::kFold && node.op == ir::Op::kReturn) {
    nodes.push_back({ir::Op::kReturn, ir::kNone, ir::kNone, {first}, node.position});
  } else if (node.op != ir::Op::kYield) {
    nodes.push_back(node);
  } else if (into != Into::kFold) {
    const ir::Op op = into == Into::kList ? ir::Op::kAppend : ir::Op::kAdd;
    nodes.push_back({op, node.dest, ir::kNone, {first, node.args[0]}, node.position});
  } else {
    nodes.push_back({ir::Op::kCall, first, shape, {first + 1, first, node.args[0]}, node.position});
    if (node.dest != ir::kNone)
      nodes.push_back({ir::Op::kMove, node.dest, ir::kNone, {first + 2}, node.position});
  }
}

ir::Program gathered(ir::Program p, Into into) {
  const auto first = static_cast<ir::SlotId>(p.slots.size());
  const auto shape = static_cast<ir::Index>(p.calls.size());
  const bool folds = into == Into::kFold;
  p.slots.resize(first + (folds ? 3 : 1));
  if (folds) p.calls.push_back({ir::kNone, {ir::Arg{}, ir::Arg{}}, false});
  for (ir::Region& region : p.regions) {
    std::vector<ir::Node> nodes;
    for (const ir::Node& node : region.nodes) gather_node(node, into, first, shape, nodes);
    region.nodes = std::move(nodes);
  }
  std::vector<ir::Node>& body = p.regions[p.body].nodes;
  if (folds && (body.empty() || body.back().op != ir::Op::kReturn))
    body.push_back({ir::Op::kReturn, ir::kNone, ir::kNone, {first}, p.position});
  p.generator = false;
  p.gathers = true;
  ir::fill_facts(p);
  return p;
}

}  // namespace

ProgramRef gathering(const HostProgram& generator, Into into) {
  ProgramRef& made = generator.gathering[static_cast<std::size_t>(into)];
  if (made == nullptr && (into == Into::kList || !yields_in_try(generator)))
    made = generator.changed(gathered(generator, into));
  return made;
}

}  // namespace xcs::python
