// The dry run of straight code: nodes one by one, both arms of a branch, functions that are entered.
#include <algorithm>
#include <utility>

#include "ir/facts.h"
#include "window/dry_run.h"

namespace xcs::window {

namespace {

bool control_op(ir::Op op) {
  switch (op) {
    case ir::Op::kIf:
    case ir::Op::kLoop:
    case ir::Op::kTry:
    case ir::Op::kReturn:
    case ir::Op::kBreak:
    case ir::Op::kContinue:
    case ir::Op::kRaise:
    case ir::Op::kReraise:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::vector<ir::SlotId> DryRun::all_assigned(const ir::Program& program, const ir::Node& node) {
  std::vector<ir::SlotId> all = ir::slots_assigned(program, node);
  for (ir::RegionId region : ir::inner_regions(program, node))
    all.insert(all.end(), program.regions[region].assigned.begin(), program.regions[region].assigned.end());
  return all;
}

DryRun::Flow DryRun::region(const ir::Program& program, ir::RegionId id, Env env) {
  if (id == ir::kNone) {
    Flow flow;
    flow.fell = std::move(env);
    return flow;
  }
  return nodes(program, program.regions[id], 0, std::move(env));
}

DryRun::Flow DryRun::nodes(const ir::Program& program, const ir::Region& region, std::size_t from, Env env) {
  Flow flow;
  for (std::size_t i = from; i < region.nodes.size(); ++i) {
    if (budget_ == 0 || summary_.footprint.anything) {
      summary_.footprint.anything = true;
      return flow;
    }
    --budget_;
    const ir::Node& n = region.nodes[i];
    if (!control_op(n.op)) {
      if (!node(program, n, env)) return flow;
      note_assigned(program, n, env);
      continue;
    }
    Flow inner;
    control(program, n, std::move(env), inner);
    join(flow.broke, std::move(inner.broke));
    join(flow.continued, std::move(inner.continued));
    join(flow.returned, std::move(inner.returned));
    if (!inner.fell) return flow;
    env = std::move(*inner.fell);
  }
  flow.fell = std::move(env);
  return flow;
}

void DryRun::control(const ir::Program& program, const ir::Node& n, Env env, Flow& flow) {
  switch (n.op) {
    case ir::Op::kIf:
      flow = branch(program, n, std::move(env));
      break;
    case ir::Op::kLoop:
      flow = loop(program, n, std::move(env));
      break;
    case ir::Op::kTry:
      flow = attempt_try(program, n, env);
      break;
    case ir::Op::kReturn:
      env[n.args[0]].settle();
      if (env[n.args[0]].bound()) flow.returned = env[n.args[0]];
      break;
    case ir::Op::kBreak:
      flow.broke = std::move(env);
      break;
    case ir::Op::kContinue:
      flow.continued = std::move(env);
      break;
    default: {
      // A raise: building the exception may run code.
      std::vector<Value> operands;
      operands.reserve(n.args.size());
      for (ir::SlotId slot : n.args) operands.push_back(env[slot]);
      for (Value& v : operands) v.settle();
      if (std::ranges::all_of(operands, &Value::bound)) {
        const Action action = machine_.ask(program, n, operands, *this);
        note_escapes(n, action, operands);
        take_effect(action, operands);
        if (action.verdict == Action::kRaised)
          note_raised(action.value);
        else if (!operands.empty())
          note_raised(operands[0]);
      }
    }
  }
}

// One node that control passes through. Returns whether it does not raise for sure.
bool DryRun::node(const ir::Program& program, const ir::Node& n, Env& env) {
  std::vector<Value> operands;
  auto take = [&](ir::SlotId slot) {
    env[slot].settle();
    operands.push_back(env[slot]);
  };
  if (n.op == ir::Op::kStatement) {
    for (ir::SlotId slot : program.statements[n.index].inputs) take(slot);
    for (ir::SlotId slot : program.statements[n.index].cells) take(slot);
  } else {
    for (ir::SlotId slot : n.args) take(slot);
    if (!std::ranges::all_of(operands, &Value::bound)) return false;
  }
  if (n.op == ir::Op::kMove) {
    env[n.dest] = operands[0];
    return true;
  }
  if (n.op == ir::Op::kUnbind) {
    env[n.args[0]] = Value();
    return true;
  }
  if (n.op == ir::Op::kYield && !yields_.empty()) {
    join(yields_.back(), operands[0]);
    if (n.dest != ir::kNone) env[n.dest] = sent_.bound() ? sent_ : machine_.host_.none();
    return true;
  }
  return attempt(program, n, std::move(operands), env, 0);
}

namespace {

// Of objects that one operand may be, to be tried one by one.
constexpr std::size_t kMostAlternatives = 8;
constexpr int kMostAmbiguous = 3;  // operands of one node

}  // namespace

// Note [each of a few]
// Where a value that is not there decides what a node does (the receiver of a method, a function out of a
// table), and it is known to be one of a few objects, the node is walked once for each of them.
bool DryRun::attempt(const ir::Program& program, const ir::Node& n, std::vector<Value> operands, Env& env,
                     int depth) {
  Action action = machine_.ask(program, n, operands, *this);
  note_escapes(n, action, operands);
  if (action.verdict == Action::kRaised) return false;
  if (action.verdict == Action::kEnter) {
    for (const Value& v : action.enter.slots) note_made(v);
    if (action.context != Action::kNone) return step_context(action, n, operands, env);
    Value result = enter(std::move(action.enter));
    if (!result.bound()) return false;
    if (n.dest != ir::kNone) env[n.dest] = std::move(result);
    return true;
  }
  if (action.steps && action.enter.program != nullptr) {
    std::optional<Value> yielded = yielded_by(action.enter, action.value);
    if (n.dest != ir::kNone) env[n.dest] = yielded ? std::move(*yielded) : unknown(kUnknown);
    return true;
  }
  if (action.verdict == Action::kOperand && action.effect.memory == Effect::kAnything &&
      depth < kMostAmbiguous) {
    if (each_of(operands[action.operand], program, n, operands, action.operand, env, depth)) return true;
  }
  if (action.verdict == Action::kDone) {
    note_made(action.value);
    for (const Value& v : action.values) note_made(v);
  } else {
    take_effect(action, operands, machine_.memory_.stored_flags(n, operands));
    note_cause(program, n, action);
  }
  set_dests(program, n, action, env);
  const auto raises_objects = [](const Tried& tried) { return tried.raises_objects; };
  const bool raised =
      action.raised && (summary_.footprint.raises_objects || std::ranges::any_of(tried_, raises_objects));
  if (raised || any_leads_out(operands))
    for (ir::SlotId slot : all_assigned(program, n)) note_leading_out(env[slot]);
  // A new object matters to nobody else, so what is stored through the result is stored through the operand.
  if (action.in_place && operands[0].is_pending() && (operands[0].flags() & kMaybeUnbound) == 0)
    env[n.dest] = operands[0];
  return true;
}

// One of the two parts of a generator that a `with` statement runs; see Note [contexts]. The walk takes all
// of its code each time, unless the statement has been entered before: then what is left.
bool DryRun::step_context(const Action& action, const ir::Node& n, std::span<const Value> operands,
                          Env& env) {
  const bool closes = action.context == Action::kCloses;
  const OpenContext* open = closes ? Machine::find_context(place_.frame, operands[0].object()) : nullptr;
  std::optional<Value> result =
      open != nullptr && open->rest != nullptr ? yielded_by(*open->rest) : yielded_by(action.enter);
  if (closes) result = unknown(kAtom | kData);
  if (result && n.dest != ir::kNone) env[n.dest] = std::move(*result);
  return result.has_value();
}

// The first node that may do anything is to blame for it; for a value that is not known here, another one is.
void DryRun::note_cause(const ir::Program& program, const ir::Node& n, const Action& action) {
  const bool own = action.reason != static_cast<ReasonCode>(explain::Reason::kReturnsObject);
  if (own && action.effect.memory == Effect::kAnything && summary_.footprint.cause.node == nullptr)
    summary_.footprint.cause = {&program, &n, action.reason};
}

// Returns whether the operand's alternatives are few, and walks the node with each.
bool DryRun::each_of(const Value& ambiguous, const ir::Program& program, const ir::Node& n,
                     const std::vector<Value>& operands, std::size_t operand, Env& env, int depth) {
  const KnownRef known = ambiguous.known();
  if (known == nullptr || known->any || known->objects.size() > kMostAlternatives || may_be_container(*known))
    return false;
  const bool certain = known->instances.size() == 1 && !known->data;
  if (known->objects.empty() && !known->constant.bound() && (known->instances.empty() || certain))
    return false;
  std::vector<Value> alternatives = known->objects;
  for (const Instance& instance : known->instances)
    alternatives.push_back(unknown(kUnknown, known_instance(instance, known->plain)));
  if (known->constant.bound()) alternatives.push_back(known->constant);
  if (known->data)
    alternatives.push_back(known->changeable ? unknown(kData, known_data())
                                             : unknown(kData | kAtom, known_atom()));
  std::optional<Env> after;
  for (const Value& one : alternatives) {
    std::vector<Value> with = operands;
    with[operand] = one;
    if (leads_out(ambiguous)) note_leading_out(one);
    if (one.is_pending()) escapes_.unite(one, ambiguous);
    Env next = env;
    if (attempt(program, n, std::move(with), next, depth + 1)) join(after, std::move(next));
    if (summary_.footprint.anything) return true;
  }
  if (after) env = std::move(*after);
  // Whether it raises for sure is not worth telling apart: what follows is walked all the same.
  return true;
}

void DryRun::set_dests(const ir::Program& program, const ir::Node& n, const Action& action, Env& env) {
  const bool done = action.verdict == Action::kDone;
  if (n.op == ir::Op::kUnpack || n.op == ir::Op::kStatement) {
    const auto& slots =
        n.op == ir::Op::kUnpack ? program.unpacks[n.index].dests : program.statements[n.index].outputs;
    const bool unpacks = n.op == ir::Op::kUnpack;
    const Flags flags = unpacks ? Flags(action.flags & kTypes) : kMaybeUnbound;
    const std::size_t star = unpacks ? program.unpacks[n.index].star : ir::kNone;
    for (std::size_t i = 0; i < slots.size(); ++i)
      env[slots[i]] = done ? action.values[i] : unknown(flags, part_of(action.known, i, slots.size(), star));
  } else if (n.dest != ir::kNone) {
    env[n.dest] = done ? action.value : unknown(action.flags, action.known);
  }
}

DryRun::Flow DryRun::branch(const ir::Program& program, const ir::Node& n, Env env) {
  const ir::If& i = program.ifs[n.index];
  Value condition = env[n.args[0]];
  condition.settle();
  if (!condition.bound()) return {};
  const ir::Node truth{ir::Op::kTruth, ir::kNone, ir::kNone, {}, n.position};
  Action action = machine_.ask(program, truth, std::span(&condition, 1), *this);
  if (action.verdict == Action::kRaised) return {};
  if (action.verdict == Action::kDone && action.value.ready())
    return region(program, machine_.host_.is_true(action.value) ? i.then_region : i.else_region,
                  std::move(env));
  if (action.verdict == Action::kEnter) {
    enter(std::move(action.enter));
  } else if (action.verdict != Action::kDone) {
    take_effect(action, std::span(&condition, 1));
  }
  Flow flow = region(program, i.then_region, env);
  join(flow, region(program, i.else_region, std::move(env)));
  return flow;
}

// Note [recursion]
// A function that is entered again while it is walked is walked once more with nothing known of its atoms, so
// that this walk covers every further activation that is given the same objects, data of which the same is
// known, and any atoms. Those return what this walk finds that it returns: it is repeated until that is so.
Value DryRun::enter(Enter enter) {
  const ir::Program& program = *enter.program;
  const auto same = [&](const Entered& e) { return e.program == &program; };
  const auto covers = [&](const Entered& e) {
    return same(e) && e.general && is_covered(enter.slots, e.slots);
  };
  if (const auto covering = std::ranges::find_if(entered_, covers); covering != entered_.end()) {
    covering->is_met = true;
    return unknown(covering->result.flags, covering->result.known);
  }
  const bool again = std::ranges::any_of(entered_, same);
  const bool general = std::ranges::any_of(entered_, [&](const Entered& e) { return same(e) && e.general; });
  if (general || entered_.size() > 24) {
    summary_.footprint.anything = true;
    return unknown(kUnknown);
  }
  if (again)
    for (Value& v : enter.slots)
      if (v.bound() && (flags_of(v) & kAtom) != 0) v = unknown(flags_of(v) & kTypes);
  entered_.push_back({&program, again, enter.slots});
  enter.slots.resize(program.slots.size());
  std::optional<Value> returned;
  for (int i = 0;; ++i) {
    ++activation_;
    Flow flow = region(program, program.body, enter.slots);
    --activation_;
    if (flow.fell) join(flow.returned, machine_.host_.none());
    returned = std::move(flow.returned);
    if (!entered_.back().is_met || !returned || summary_.footprint.anything) break;
    Summary::Fact& assumed = entered_.back().result;
    Summary::Fact found = fact_of(*returned);
    found.flags &= assumed.flags;
    found.known = i < kMostTurns ? window::join(found.known, assumed.known) : nullptr;
    if (found.known == nullptr) found.flags = kUnknown;
    const bool same = found.flags == assumed.flags && window::same(found.known, assumed.known);
    assumed = std::move(found);
    if (same) break;
  }
  entered_.pop_back();
  return returned ? *returned : Value();
}

bool DryRun::is_covered(const std::vector<Value>& slots, const std::vector<Value>& general) {
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].object() == general[i].object()) continue;
    if (!slots[i].bound() || !general[i].bound()) return false;
    if (slots[i].is_pending() && general[i].is_pending()) {
      const KnownRef known = known_of_pending(slots[i]);
      if (is_data(known) && window::same(known, known_of_pending(general[i]))) continue;
    }
    if ((flags_of(slots[i]) & flags_of(general[i]) & kAtom) == 0 || general[i].ready()) return false;
  }
  return true;
}

}  // namespace xcs::window
