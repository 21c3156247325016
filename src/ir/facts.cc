#include "ir/facts.h"

#include <algorithm>

namespace xcs::ir {
namespace {

void add_region(std::vector<RegionId>& to, RegionId region) {
  if (region != kNone) to.push_back(region);
}

void add_slot(std::vector<SlotId>& to, SlotId slot) {
  if (slot != kNone) to.push_back(slot);
}

void sort_unique(std::vector<SlotId>& slots) {
  std::ranges::sort(slots);
  slots.erase(std::ranges::unique(slots).begin(), slots.end());
}

Exits own_exits(Op op) {
  Exits e;
  e.returns = op == Op::kReturn;
  e.breaks = op == Op::kBreak;
  e.continues = op == Op::kContinue;
  e.yields = op == Op::kYield;
  return e;
}

void add_exits(Exits& to, const Exits& from, bool from_loop_body) {
  to.returns |= from.returns;
  to.yields |= from.yields;
  to.breaks |= from.breaks && !from_loop_body;
  to.continues |= from.continues && !from_loop_body;
}

void fill_region(Program& program, RegionId id) {
  Region& region = program.regions[id];
  region.assigned.clear();
  region.exits = {};
  for (const Node& node : region.nodes) {
    add_exits(region.exits, own_exits(node.op), false);
    std::ranges::copy(slots_assigned(program, node), std::back_inserter(region.assigned));
    for (RegionId inner : inner_regions(program, node)) {
      fill_region(program, inner);
      const Region& from = program.regions[inner];
      const bool body = node.op == Op::kLoop && inner == program.loops[node.index].body;
      add_exits(region.exits, from.exits, body);
      std::ranges::copy(from.assigned, std::back_inserter(region.assigned));
    }
  }
  sort_unique(region.assigned);
}

}  // namespace

std::vector<RegionId> inner_regions(const Program& program, const Node& node) {
  std::vector<RegionId> all;
  if (node.op == Op::kIf) {
    const If& branch = program.ifs[node.index];
    add_region(all, branch.then_region);
    add_region(all, branch.else_region);
  } else if (node.op == Op::kLoop) {
    const Loop& loop = program.loops[node.index];
    add_region(all, loop.head);
    add_region(all, loop.body);
    add_region(all, loop.orelse);
  } else if (node.op == Op::kTry) {
    const Try& attempt = program.tries[node.index];
    add_region(all, attempt.body);
    for (const Handler& h : attempt.handlers) {
      add_region(all, h.test);
      add_region(all, h.body);
    }
    add_region(all, attempt.orelse);
    add_region(all, attempt.final_region);
  }
  return all;
}

std::vector<SlotId> slots_assigned(const Program& program, const Node& node) {
  std::vector<SlotId> all;
  add_slot(all, node.dest);
  if (node.op == Op::kUnbind) all.push_back(node.args.at(0));
  if (node.op == Op::kUnpack) std::ranges::copy(program.unpacks[node.index].dests, std::back_inserter(all));
  if (node.op == Op::kStatement)
    std::ranges::copy(program.statements[node.index].outputs, std::back_inserter(all));
  if (node.op == Op::kLoop) add_slot(all, program.loops[node.index].item);
  if (node.op == Op::kTry) add_slot(all, program.tries[node.index].exception);
  return all;
}

namespace {

std::vector<SlotId> slots_read(const Program& program, const Node& node) {
  std::vector<SlotId> all = node.args;
  switch (node.op) {
    case Op::kStatement:
      std::ranges::copy(program.statements[node.index].inputs, std::back_inserter(all));
      std::ranges::copy(program.statements[node.index].cells, std::back_inserter(all));
      break;
    case Op::kLoop:
      add_slot(all, program.loops[node.index].condition);
      break;
    case Op::kTry:
      for (const Handler& h : program.tries[node.index].handlers) add_slot(all, h.caught);
      break;
    default:
      break;
  }
  return all;
}

bool reads_slot(const Program& program, const Node& node, SlotId slot) {
  const std::vector<SlotId> read = slots_read(program, node);
  return std::ranges::find(read, slot) != read.end();
}

}  // namespace

Use first_use(const Program& program, const Region& region, std::size_t from, SlotId slot) {
  for (std::size_t i = from; i < region.nodes.size(); ++i) {
    const Node& node = region.nodes[i];
    if (reads_slot(program, node, slot)) return Use::kRead;
    const std::vector<RegionId> inner = inner_regions(program, node);
    for (const RegionId id : inner)
      if (first_use(program, program.regions[id], 0, slot) == Use::kRead) return Use::kRead;
    const std::vector<SlotId> assigned = slots_assigned(program, node);
    if (inner.empty() && std::ranges::find(assigned, slot) != assigned.end()) return Use::kAssigned;
  }
  return Use::kNone;
}

namespace {

template <class Visit>
void visit_regions(Program& program, RegionId id, const Visit& visit) {
  visit(program.regions[id]);
  for (const Node& node : program.regions[id].nodes)
    for (const RegionId inner : inner_regions(program, node)) visit_regions(program, inner, visit);
}

// Temporaries that a region reads and has not assigned before: they hold what other regions left there. So do
// those by which regions inside say how control goes on.
void mark_shared(const Program& program, const Region& region, std::vector<bool>& shared) {
  std::vector<bool> assigned(program.slots.size());
  for (const Node& node : region.nodes) {
    const bool control = !inner_regions(program, node).empty();
    for (const SlotId slot : slots_read(program, node)) {
      const bool given = std::ranges::find(node.args, slot) != node.args.end();
      if (slot < assigned.size() && (!assigned[slot] || (control && !given))) shared[slot] = true;
    }
    for (const SlotId slot : slots_assigned(program, node))
      if (slot < assigned.size()) assigned[slot] = true;
    for (const RegionId inner : inner_regions(program, node))
      for (const SlotId slot : program.regions[inner].assigned)
        if (slot < assigned.size()) assigned[slot] = false;
  }
}

void fill_last_reads(const Program& program, Region& region, const std::vector<bool>& shared) {
  std::vector<bool> read(program.slots.size());  // by what comes after
  const auto ends = [&](SlotId slot) {
    return slot < read.size() && program.slots[slot].empty() && !shared[slot] && !read[slot];
  };
  constexpr std::size_t kMost = 31;
  for (std::size_t n = region.nodes.size(); n-- > 0;) {
    Node& node = region.nodes[n];
    node.last_reads = 0;
    const bool control = !inner_regions(program, node).empty();
    if (!control && node.dest != kNone && ends(node.dest)) node.last_reads |= Node::kDestUnread;
    for (const SlotId slot : slots_assigned(program, node))
      if (slot < read.size()) read[slot] = false;
    if (!control)
      for (std::size_t i = 0; i < node.args.size() && i < kMost; ++i)
        if (ends(node.args[i]) && node.args[i] != node.dest) node.last_reads |= 1U << i;
    for (const SlotId slot : slots_read(program, node))
      if (slot < read.size()) read[slot] = true;
  }
}

}  // namespace

void fill_facts(Program& program) {
  if (program.body < program.regions.size()) {
    fill_region(program, program.body);
    std::vector<bool> shared(program.slots.size());
    visit_regions(program, program.body, [&](Region& region) { mark_shared(program, region, shared); });
    visit_regions(program, program.body, [&](Region& region) { fill_last_reads(program, region, shared); });
  }
}

}  // namespace xcs::ir
