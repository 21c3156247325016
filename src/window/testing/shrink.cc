#include "window/testing/shrink.h"

#include <algorithm>
#include <map>
#include <optional>

#include "ir/facts.h"
#include "ir/ops.h"

namespace xcs::window::toy {
namespace {

// Copies what can be reached from the body, and no other entry of any table but slots that callers fill.
class Compaction {
 public:
  explicit Compaction(const ir::Program& from) : from_(from) {
    to_.name = from.name;
    to_.qualname = from.qualname;
    to_.parameters = from.parameters;
    to_.free_names = from.free_names;
    for (ir::SlotId i = 0; i < from.parameters.count() + from.free_names.size(); ++i) slot(i);
    to_.body = region(from.body);
    ir::fill_facts(to_);
  }
  ir::Program result() { return std::move(to_); }

 private:
  template <class T>
  static ir::Index add(std::vector<T>& table, T entry) {
    table.push_back(std::move(entry));
    return static_cast<ir::Index>(table.size() - 1);
  }
  template <class T>
  static ir::Index intern(std::vector<T>& table, const T& entry) {
    const auto found = std::ranges::find(table, entry);
    return found == table.end() ? add(table, entry) : static_cast<ir::Index>(found - table.begin());
  }
  ir::Index name(ir::Index i) { return i == ir::kNone ? i : intern(to_.names, from_.names[i]); }
  ir::SlotId slot(ir::SlotId id) {
    if (id == ir::kNone) return id;
    const auto [known, fresh] = slots_.try_emplace(id, static_cast<ir::SlotId>(to_.slots.size()));
    if (fresh) to_.slots.push_back(from_.slots[id]);
    return known->second;
  }
  std::vector<ir::SlotId> slots(std::vector<ir::SlotId> ids) {
    for (ir::SlotId& id : ids) id = slot(id);
    return ids;
  }

  ir::RegionId region(ir::RegionId id) {
    if (id == ir::kNone) return id;
    const ir::RegionId fresh = add(to_.regions, ir::Region{});
    std::vector<ir::Node> nodes = from_.regions[id].nodes;
    for (ir::Node& n : nodes) {
      n.args = slots(std::move(n.args));
      n.dest = slot(n.dest);
      n.index = payload(n);
    }
    to_.regions[fresh].nodes = std::move(nodes);
    return fresh;
  }

  ir::Index payload(const ir::Node& n) {
    switch (ir::info(n.op).payload) {
      case ir::Payload::kConstant:
        return intern(to_.constants, from_.constants[n.index]);
      case ir::Payload::kFragment:
        return add(to_.fragments, from_.fragments[n.index]);
      case ir::Payload::kFunction:
        return add(to_.functions, from_.functions[n.index]);
      case ir::Payload::kName:
        return name(n.index);
      case ir::Payload::kCallShape:
      case ir::Payload::kMethodShape: {
        ir::CallShape shape = from_.calls[n.index];
        shape.method = name(shape.method);
        return add(to_.calls, std::move(shape));
      }
      case ir::Payload::kUnpack:
        return add(to_.unpacks, {slots(from_.unpacks[n.index].dests), from_.unpacks[n.index].star});
      case ir::Payload::kStatement: {
        ir::Statement s = from_.statements[n.index];
        s.inputs = slots(std::move(s.inputs));
        s.outputs = slots(std::move(s.outputs));
        return add(to_.statements, std::move(s));
      }
      case ir::Payload::kIf:
        return branch(from_.ifs[n.index]);
      case ir::Payload::kLoop:
        return loop(from_.loops[n.index]);
      case ir::Payload::kTry:
        return attempt(from_.tries[n.index]);
      default:
        return n.index;
    }
  }
  ir::Index branch(ir::If b) {
    b.then_region = region(b.then_region);
    b.else_region = region(b.else_region);
    return add(to_.ifs, b);
  }
  ir::Index loop(ir::Loop l) {
    l.head = region(l.head);
    l.condition = slot(l.condition);
    l.item = slot(l.item);
    l.body = region(l.body);
    l.orelse = region(l.orelse);
    return add(to_.loops, l);
  }
  ir::Index attempt(ir::Try t) {
    t.exception = slot(t.exception);
    t.body = region(t.body);
    for (ir::Handler& h : t.handlers) {
      h.test = region(h.test);
      h.caught = slot(h.caught);
      h.body = region(h.body);
    }
    t.orelse = region(t.orelse);
    t.final_region = region(t.final_region);
    return add(to_.tries, std::move(t));
  }

  const ir::Program& from_;
  ir::Program to_;
  std::map<ir::SlotId, ir::SlotId> slots_;
};

bool holds_loop_exit(const ir::Program& p, ir::RegionId id) {
  const ir::Exits& e = p.regions[id].exits;
  return e.breaks || e.continues;
}

// The program without node `at` of `region`; choice 0 drops it, higher ones put one of its regions in its
// place.
std::optional<ir::Program> without(const ir::Program& p, ir::RegionId region, std::size_t at,
                                   std::size_t choice) {
  // A loop needs its iterator; conditions may be unbound, as variables are.
  for (const ir::Node& n : p.regions[region].nodes)
    if (n.op == ir::Op::kLoop && !n.args.empty() && n.args[0] == p.regions[region].nodes[at].dest)
      return std::nullopt;
  ir::Program smaller = p;
  std::vector<ir::Node>& nodes = smaller.regions[region].nodes;
  const ir::Node node = nodes[at];
  nodes.erase(nodes.begin() + static_cast<std::ptrdiff_t>(at));
  if (choice > 0) {
    const std::vector<ir::RegionId> inner = ir::inner_regions(p, node);
    if (choice > inner.size()) return std::nullopt;
    const ir::RegionId chosen = inner[choice - 1];
    if (node.op == ir::Op::kLoop && holds_loop_exit(p, chosen)) return std::nullopt;
    const std::vector<ir::Node>& put = p.regions[chosen].nodes;
    if (p.regions[chosen].exits.any()) nodes.resize(at);
    nodes.insert(nodes.begin() + static_cast<std::ptrdiff_t>(at), put.begin(), put.end());
  }
  return Compaction(smaller).result();
}

// One round over all nodes. Whether anything could be taken away.
bool shrink_once(Scenario& scenario, const std::function<bool(const Scenario&)>& fails) {
  bool any = false;
  for (std::size_t which = 0; which < scenario.programs.size(); ++which) {
    for (std::size_t region = 0; region < scenario.programs[which]->regions.size(); ++region) {
      for (std::size_t at = scenario.programs[which]->regions[region].nodes.size(); at-- > 0;) {
        for (std::size_t choice = 0; choice <= 3; ++choice) {
          const ir::Program& now = *scenario.programs[which];
          if (region >= now.regions.size() || at >= now.regions[region].nodes.size()) break;
          auto smaller = without(now, static_cast<ir::RegionId>(region), at, choice);
          if (!smaller) continue;
          Scenario tried = scenario;
          tried.programs[which] = std::make_shared<const ir::Program>(*std::move(smaller));
          if (!fails(tried)) continue;
          scenario = std::move(tried);
          any = true;
          break;
        }
      }
    }
  }
  return any;
}

}  // namespace

Scenario shrink(Scenario scenario, const std::function<bool(const Scenario&)>& fails) {
  while (shrink_once(scenario, fails)) {
  }
  return scenario;
}

}  // namespace xcs::window::toy
