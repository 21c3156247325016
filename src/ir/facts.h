// What a region says of itself, found from its nodes.
#pragma once

#include "ir/ir.h"

namespace xcs::ir {

// Sets `assigned` and `exits` of every region reached from the body, and `last_reads` of its nodes.
// REQUIRES: indices are in range and no region is inside itself.
void fill_facts(Program& program);

// The first thing that happens to the slot in nodes `from` and on of the region, whatever way control takes.
enum class Use : std::uint8_t { kNone, kRead, kAssigned };
Use first_use(const Program& program, const Region& region, std::size_t from, SlotId slot);

// The regions directly inside a kIf, kLoop or kTry node, in the order in which they stand in the text; empty
// for other nodes. REQUIRES: the node's index is in range.
std::vector<RegionId> inner_regions(const Program& program, const Node& node);

// The slots that the node itself assigns, regions inside it not counted. Unbinding assigns.
// REQUIRES: the node's index is in range.
std::vector<SlotId> slots_assigned(const Program& program, const Node& node);

}  // namespace xcs::ir
