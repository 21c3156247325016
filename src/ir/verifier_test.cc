#include "ir/verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/facts.h"
#include "ir/parser.h"

namespace xcs::ir {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Program sample() {
  auto program = parse(R"(program "f" (%a, %b)
body {
  %i = iter %a
  for %x in %i  whole 0  {
    if %x  {
      %y = move %x
      continue
    } else {
      break
    }
  } else {
    %z = call %b(%a)
  }
  try %e  {
    unpack %a to %u, %v
  } test {
    %c = match_exception %e, %b
  } except %c {
    return %a
  }
  return %z
}
statement 0 syntax 1
  in %a
  out %y
)");
  if (!program) throw InternalError(program.error());
  return *std::move(program);
}

SlotId slot_of(const Program& p, std::string_view name) {
  return static_cast<SlotId>(std::ranges::find(p.slots, name) - p.slots.begin());
}

TEST(Facts, ARegionAssignsWhatTheRegionsInsideItAssign) {
  const Program p = sample();
  const Region& body = p.regions[p.loops[0].body];
  EXPECT_EQ(body.assigned, std::vector<SlotId>{slot_of(p, "y")});
  EXPECT_EQ(p.regions[p.body].assigned.size(), p.slots.size() - p.parameters.count());
}

TEST(Facts, BreakAndContinueEndAtTheirLoop) {
  const Program p = sample();
  const Exits& body = p.regions[p.loops[0].body].exits;
  EXPECT_TRUE(body.breaks && body.continues && !body.returns && !body.yields);
  const Exits& outer = p.regions[p.body].exits;
  EXPECT_TRUE(!outer.breaks && !outer.continues && outer.returns);
}

TEST(Verifier, AcceptsWhatIsWellFormed) { EXPECT_THAT(verify(sample()), IsEmpty()); }

struct Damage {
  std::string_view message;
  void (*apply)(Program&);
};

Node& first(Program& p, Op op) {
  for (Region& r : p.regions)
    for (Node& n : r.nodes)
      if (n.op == op) return n;
  throw std::out_of_range("no such node");
}

TEST(Verifier, NamesEachKindOfDamage) {
  const Damage all[] = {
      {"an operand is slot 99", [](Program& p) { first(p, Op::kIter).args[0] = 99; }},
      {"the result is slot 99", [](Program& p) { first(p, Op::kIter).dest = 99; }},
      {"no slot for the result", [](Program& p) { first(p, Op::kIter).dest = kNone; }},
      {"a slot for a result it does not have", [](Program& p) { first(p, Op::kReturn).dest = 0; }},
      {"0 operands", [](Program& p) { first(p, Op::kReturn).args.clear(); }},
      {"1 nodes follow it",
       [](Program& p) { p.regions[p.body].nodes.push_back({.op = Op::kReturn, .args = {0}}); }},
      {"not in a loop", [](Program& p) { p.regions[p.body].nodes.back() = {.op = Op::kBreak}; }},
      {"not in a generator",
       [](Program& p) { p.regions[p.body].nodes.back() = {.op = Op::kYield, .args = {0}}; }},
      {"there is no region 50", [](Program& p) { p.body = 50; }},
      {"region 0 is used twice", [](Program& p) { p.ifs[0].else_region = 0; }},
      {"is never used", [](Program& p) { p.ifs[0].else_region = kNone; }},
      {"if 1 is never used", [](Program& p) { p.ifs.emplace_back(); }},
      {"there is no if 9", [](Program& p) { first(p, Op::kIf).index = 9; }},
      {"a `for` has an iterator", [](Program& p) { first(p, Op::kLoop).args.clear(); }},
      {"the item is slot", [](Program& p) { p.loops[0].item = kNone; }},
      {"there is no statement 7", [](Program& p) { p.loops[0].whole = 7; }},
      {"which its region does not assign", [](Program& p) { p.statements[0].outputs[0] = 0; }},
      {"not every slot has a name", [](Program& p) { p.statements[0].outputs.clear(); }},
      {"handlers follow one that catches everything",
       [](Program& p) {
         p.tries[0].handlers.insert(p.tries[0].handlers.begin(),
                                    Handler{.body = static_cast<RegionId>(p.regions.size())});
         p.regions.emplace_back();
       }},
      {"neither handlers nor a final region", [](Program& p) { p.tries[0].handlers.clear(); }},
      {"the test's outcome is slot", [](Program& p) { p.tries[0].handlers[0].caught = kNone; }},
      {"1 arguments for a shape of 0", [](Program& p) { p.calls[0].args.clear(); }},
      {"a method's name belongs to a method call",
       [](Program& p) { first(p, Op::kCall).op = Op::kCallMethod; }},
      {"there is no name", [](Program& p) { p.calls[0].args[0].kind = ArgKind::kKeyword; }},
      {"there is no target 5", [](Program& p) { p.unpacks[0].star = 5; }},
      {"a target is slot 70", [](Program& p) { p.unpacks[0].dests[0] = 70; }},
      {"assigned is", [](Program& p) { p.regions[p.body].assigned.pop_back(); }},
      {"exits is", [](Program& p) { p.regions[p.body].exits.breaks = true; }},
      {"index 3 refers to nothing", [](Program& p) { first(p, Op::kReturn).index = 3; }},
      {"a refused program has", [](Program& p) { p.refusal = "x"; }},
      {"cannot hold", [](Program& p) { p.parameters.positional = 100; }},
      {"are positional-only", [](Program& p) { p.parameters.positional_only = 3; }},
      {"a negative position", [](Program& p) { first(p, Op::kIter).position.line = -1; }},
  };
  for (const Damage& damage : all) {
    Program p = sample();
    damage.apply(p);
    EXPECT_THAT(verify(p), Contains(HasSubstr(damage.message)));
  }
}

}  // namespace
}  // namespace xcs::ir
