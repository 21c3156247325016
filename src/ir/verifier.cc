#include "ir/verifier.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/facts.h"
#include "ir/ops.h"

namespace xcs::ir {
namespace {

class Verifier {
 public:
  explicit Verifier(const Program& program) : p_(program) {}

  std::vector<std::string> run() {
    header();
    tables();
    tree();
    // What follows reads the tree, so it has to be one.
    if (found_.empty()) facts();
    return std::move(found_);
  }

 private:
  void header();
  void tables();
  void fragment(Index index);
  void statement(Index index);
  void tree();
  void region(RegionId id, bool in_loop);
  void node(const Node& node, bool in_loop);
  void payload(const Node& node);
  void call(const Node& node);
  void branch(const Node& node, bool in_loop);
  void loop(const Node& node, bool in_loop);
  void attempt(const Node& node, bool in_loop);
  void optional_region(RegionId id, bool in_loop) {
    if (id != kNone) region(id, in_loop);
  }
  void facts();
  void whole_stores(const Node& node);

  void slot(SlotId id, std::string_view what) {
    if (id >= p_.slots.size()) report("{} is slot {}, but there are {}", what, id, p_.slots.size());
  }
  void slots(const std::vector<SlotId>& ids, std::string_view what) {
    for (const SlotId id : ids) slot(id, what);
  }
  // Whether the index is in range; if not, that is reported.
  template <class T>
  bool in_range(Index index, const std::vector<T>& table, std::string_view what) {
    if (index < table.size()) return true;
    report("there is no {} {}", what, index == kNone ? "(none given)" : fmt::format("{}", index));
    return false;
  }
  void whole(Index index) {
    if (index != kNone) in_range(index, p_.statements, "statement");
  }
  // Counts a use of an entry that may be used once.
  void use(std::vector<bool>& used, Index index, std::string_view what) {
    if (used[index]) report("{} {} is used twice", what, index);
    used[index] = true;
  }
  void all_used(const std::vector<bool>& used, std::string_view what) {
    for (std::size_t i = 0; i < used.size(); ++i)
      if (!used[i]) report("{} {} is never used", what, i);
  }
  template <class... Values>
  void report(fmt::format_string<Values...> text, Values&&... values) {
    found_.push_back(where_ + fmt::format(text, std::forward<Values>(values)...));
  }

  const Program& p_;
  std::vector<std::string> found_;
  std::string where_;
  std::vector<bool> regions_used_ = std::vector<bool>(p_.regions.size());
  std::vector<bool> ifs_used_ = std::vector<bool>(p_.ifs.size());
  std::vector<bool> loops_used_ = std::vector<bool>(p_.loops.size());
  std::vector<bool> tries_used_ = std::vector<bool>(p_.tries.size());
};

void Verifier::header() {
  const Parameters& p = p_.parameters;
  if (p.positional_only > p.positional)
    report("{} of {} parameters are positional-only", p.positional_only, p.positional);
  const std::size_t given = p.count() + p_.free_names.size();
  if (given > p_.slots.size())
    report("{} slots cannot hold {} parameters and free variables", p_.slots.size(), given);
  if (!p_.refusal.empty() && !p_.regions.empty())
    report("a refused program has {} regions", p_.regions.size());
  if (p_.refusal.empty()) in_range(p_.body, p_.regions, "region");
}

void Verifier::fragment(Index index) {
  const Fragment& f = p_.fragments[index];
  where_ = fmt::format("fragment {}: ", index);
  if (!f.holes.empty() && f.holes.size() != f.operands.size())
    report("{} holes for {} operands", f.holes.size(), f.operands.size());
  for (const Index key : f.keys)
    if (key >= f.operands.size()) report("key {} is not among the {} operands", key, f.operands.size());
}

void Verifier::statement(Index index) {
  const Statement& s = p_.statements[index];
  where_ = fmt::format("statement {}: ", index);
  slots(s.inputs, "an input");
  slots(s.outputs, "an output");
  slots(s.cells, "a cell");
  if (s.inputs.size() != s.input_names.size() || s.outputs.size() != s.output_names.size() ||
      s.cells.size() != s.cell_names.size())
    report("not every slot has a name");
  if (s.reason != kNone) in_range(s.reason, p_.reasons, "reason");
}

void Verifier::tables() {
  for (Index i = 0; i < p_.fragments.size(); ++i) fragment(i);
  for (Index i = 0; i < p_.statements.size(); ++i) statement(i);
  for (Index i = 0; i < p_.calls.size(); ++i) {
    where_ = fmt::format("call shape {}: ", i);
    if (p_.calls[i].method != kNone) in_range(p_.calls[i].method, p_.names, "name");
    for (const Arg& a : p_.calls[i].args) {
      if (a.kind == ArgKind::kKeyword) in_range(a.name, p_.names, "name");
      if (a.kind != ArgKind::kKeyword && a.name != kNone) report("an argument that is no keyword has a name");
    }
  }
  for (Index i = 0; i < p_.unpacks.size(); ++i) {
    where_ = fmt::format("unpack {}: ", i);
    slots(p_.unpacks[i].dests, "a target");
    if (p_.unpacks[i].star != kNone) in_range(p_.unpacks[i].star, p_.unpacks[i].dests, "target");
  }
  for (Index i = 0; i < p_.functions.size(); ++i) {
    where_ = fmt::format("function {}: ", i);
    if (p_.functions[i].keyword_names.size() != p_.functions[i].keyword_defaults)
      report("{} names for {} keyword defaults", p_.functions[i].keyword_names.size(),
             p_.functions[i].keyword_defaults);
  }
  where_.clear();
}

void Verifier::tree() {
  if (p_.body < p_.regions.size()) region(p_.body, false);
  where_.clear();
  all_used(regions_used_, "region");
  all_used(ifs_used_, "if");
  all_used(loops_used_, "loop");
  all_used(tries_used_, "try");
}

void Verifier::region(RegionId id, bool in_loop) {
  if (!in_range(id, p_.regions, "region")) return;
  const bool again = regions_used_[id];
  use(regions_used_, id, "region");
  if (again) return;
  const std::vector<Node>& nodes = p_.regions[id].nodes;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const std::string outside = where_;
    where_ = fmt::format("line {}, {}: ", nodes[i].position.line, info(nodes[i].op).word);
    if (info(nodes[i].op).exit && i + 1 < nodes.size()) report("{} nodes follow it", nodes.size() - i - 1);
    node(nodes[i], in_loop);
    where_ = outside;
  }
}

void Verifier::node(const Node& node, bool in_loop) {
  const OpInfo& op = info(node.op);
  slots(node.args, "an operand");
  if (node.args.size() < op.min_args || node.args.size() > op.max_args) {
    report("{} operands", node.args.size());
    return;
  }
  if (node.dest != kNone) slot(node.dest, "the result");
  if (node.dest == kNone && op.dest == Dest::kMust) report("no slot for the result");
  if (node.dest != kNone && op.dest == Dest::kNever) report("a slot for a result it does not have");
  const Position& at = node.position;
  if (at.line < 0 || at.column < 0 || at.end_line < 0 || at.end_column < 0) report("a negative position");
  if ((node.op == Op::kBreak || node.op == Op::kContinue) && !in_loop) report("not in a loop");
  if (node.op == Op::kYield && !p_.generator && !p_.coroutine) report("not in a generator");
  if (node.op == Op::kIf) {
    branch(node, in_loop);
    return;
  }
  if (node.op == Op::kLoop) {
    loop(node, in_loop);
    return;
  }
  if (node.op == Op::kTry) {
    attempt(node, in_loop);
    return;
  }
  payload(node);
}

void Verifier::payload(const Node& node) {
  switch (info(node.op).payload) {
    case Payload::kConstant:
      in_range(node.index, p_.constants, "constant");
      return;
    case Payload::kName:
      in_range(node.index, p_.names, "name");
      return;
    case Payload::kStatement:
      in_range(node.index, p_.statements, "statement");
      return;
    case Payload::kUnpack:
      in_range(node.index, p_.unpacks, "unpack");
      return;
    case Payload::kCallShape:
    case Payload::kMethodShape:
      call(node);
      return;
    case Payload::kFragment:
      if (in_range(node.index, p_.fragments, "fragment") &&
          p_.fragments[node.index].operands.size() != node.args.size())
        report("{} operands for a fragment of {}", node.args.size(),
               p_.fragments[node.index].operands.size());
      return;
    case Payload::kFunction:
      if (in_range(node.index, p_.functions, "function")) {
        const FunctionTemplate& f = p_.functions[node.index];
        const std::size_t needed = f.defaults + f.keyword_defaults + f.cells.size();
        if (node.args.size() < needed)
          report("{} operands, but its function needs {}", node.args.size(), needed);
      }
      return;
    case Payload::kNegation:
      if (node.index != kNone && node.index > 1)
        report("index {} does not say whether to negate", node.index);
      return;
    default:
      if (node.index != kNone) report("index {} refers to nothing", node.index);
  }
}

void Verifier::call(const Node& node) {
  if (!in_range(node.index, p_.calls, "call shape")) return;
  const CallShape& shape = p_.calls[node.index];
  if (shape.args.size() + 1 != node.args.size())
    report("{} arguments for a shape of {}", node.args.size() - 1, shape.args.size());
  if ((node.op == Op::kCallMethod) != (shape.method != kNone))
    report("a method's name belongs to a method call");
}

void Verifier::branch(const Node& node, bool in_loop) {
  if (!in_range(node.index, p_.ifs, "if")) return;
  use(ifs_used_, node.index, "if");
  const If& branch = p_.ifs[node.index];
  whole(branch.whole);
  optional_region(branch.then_region, in_loop);
  optional_region(branch.else_region, in_loop);
}

void Verifier::loop(const Node& node, bool in_loop) {
  if (!in_range(node.index, p_.loops, "loop")) return;
  use(loops_used_, node.index, "loop");
  const Loop& loop = p_.loops[node.index];
  whole(loop.whole);
  if (loop.head == kNone) {
    if (node.args.size() != 1 || loop.condition != kNone) report("a `for` has an iterator and no condition");
    slot(loop.item, "the item");
  } else {
    if (!node.args.empty() || loop.item != kNone) report("a `while` has no iterator");
    slot(loop.condition, "the condition");
    region(loop.head, false);
  }
  region(loop.body, true);
  optional_region(loop.orelse, in_loop);
}

void Verifier::attempt(const Node& node, bool in_loop) {
  if (!in_range(node.index, p_.tries, "try")) return;
  use(tries_used_, node.index, "try");
  const Try& t = p_.tries[node.index];
  whole(t.whole);
  if (t.exception != kNone) slot(t.exception, "the exception");
  if (t.handlers.empty() && t.final_region == kNone) report("neither handlers nor a final region");
  if (t.handlers.empty() && t.orelse != kNone) report("an else region without handlers");
  if (t.final_region == kNone && !t.final_on_exception)
    report("no final region that an exception could skip");
  region(t.body, in_loop);
  for (std::size_t i = 0; i < t.handlers.size(); ++i) {
    const Handler& h = t.handlers[i];
    if (h.test == kNone) {
      if (h.caught != kNone) report("a handler without test has a slot for its outcome");
      if (i + 1 < t.handlers.size()) report("handlers follow one that catches everything");
    } else {
      slot(h.caught, "the test's outcome");
      region(h.test, false);
    }
    region(h.body, in_loop);
  }
  optional_region(t.orelse, in_loop);
  optional_region(t.final_region, in_loop);
}

std::string listed(const Program& p, const std::vector<SlotId>& slots) {
  std::string out;
  for (const SlotId s : slots)
    out +=
        fmt::format("{}{}", out.empty() ? "" : ", ", p.slots[s].empty() ? fmt::format("%{}", s) : p.slots[s]);
  return "(" + out + ")";
}

std::string listed(const Exits& e) {
  return fmt::format("returns {}, breaks {}, continues {}, yields {}", e.returns, e.breaks, e.continues,
                     e.yields);
}

// A region that runs whole must not assign what the window does not expect it to. A temporary is read by its
// own region alone, which finds it changed in place otherwise.
void Verifier::whole_stores(const Node& node) {
  Index whole = kNone;
  if (node.op == Op::kIf) whole = p_.ifs[node.index].whole;
  if (node.op == Op::kLoop) whole = p_.loops[node.index].whole;
  if (node.op == Op::kTry) whole = p_.tries[node.index].whole;
  if (whole == kNone) return;
  std::vector<SlotId> assigned = slots_assigned(p_, node);
  for (const RegionId inner : inner_regions(p_, node))
    std::ranges::copy(p_.regions[inner].assigned, std::back_inserter(assigned));
  for (const SlotId s : p_.statements[whole].outputs)
    if (!p_.slots[s].empty() && std::ranges::find(assigned, s) == assigned.end())
      report("statement {} yields {}, which its region does not assign", whole, listed(p_, {s}));
}

void Verifier::facts() {
  Program right = p_;
  fill_facts(right);
  for (RegionId i = 0; i < p_.regions.size(); ++i) {
    where_ = fmt::format("region {}: ", i);
    const Region& is = p_.regions[i];
    const Region& ought = right.regions[i];
    if (is.assigned != ought.assigned)
      report("assigned is {} and ought to be {}", listed(p_, is.assigned), listed(p_, ought.assigned));
    if (!(is.exits == ought.exits))
      report("exits is ({}) and ought to be ({})", listed(is.exits), listed(ought.exits));
    for (const Node& n : p_.regions[i].nodes) whole_stores(n);
  }
}

}  // namespace

std::vector<std::string> verify(const Program& program) { return Verifier(program).run(); }

}  // namespace xcs::ir
