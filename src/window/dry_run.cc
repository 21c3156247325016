#include "window/dry_run.h"

#include <algorithm>
#include <utility>

#include "ir/facts.h"

namespace xcs::window {

namespace {

constexpr Flags kTypes = kData | kAtom;
constexpr int kMostTurns = 4;  // of a loop, before it is given up

Frame* leaf_of(Frame& frame) {
  Frame* leaf = &frame;
  while (leaf->child != nullptr) leaf = leaf->child;
  return leaf;
}

// The variables of the frame's activation, wherever in it control is.
const Env& current_env(const Frame& frame) {
  const Frame* leaf = &frame;
  while (leaf->child != nullptr && leaf->child->kind != Frame::kActivation) leaf = leaf->child;
  return leaf->env;
}

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

std::vector<ir::SlotId> all_assigned(const ir::Program& program, const ir::Node& node) {
  std::vector<ir::SlotId> all = ir::slots_assigned(program, node);
  for (ir::RegionId region : ir::inner_regions(program, node))
    all.insert(all.end(), program.regions[region].assigned.begin(), program.regions[region].assigned.end());
  return all;
}

}  // namespace

Summary Machine::summarize(Frame& frame) {
  if (!options_.summaries)
    return {.footprint = {.anything = true, .places = {}, .held = {}, .described = {}},
            .outputs = {},
            .result = {}};
  return DryRun(*this, frame).run();
}

DryRun::DryRun(Machine& machine, Frame& outer)
    : machine_(machine), number_(++machine.walks_), outer_(outer) {}

Summary DryRun::run() {
  Frame* frame = leaf_of(outer_);
  place_ = frame->end();
  std::size_t steps = 0;
  for (const Frame* f = frame; f != outer_.parent; f = f->parent) {
    steps += f->generator ? 1 : 0;
    if (f->closing) summary_.footprint.anything = true;
  }
  Flow flow;
  // What a loop does with an item comes before what its generator, which stands in the middle of its code,
  // does next.
  for (int i = 0;; ++i) {
    const Mark before = mark();
    yields_.assign(steps, std::nullopt);
    flow = walk(frame);
    if (steps == 0 || summary_.footprint.anything || unchanged_since(before)) break;
    if (i == kMostTurns) summary_.footprint.anything = true;
  }
  if (outer_.kind == Frame::kActivation) {
    if (flow.fell) join(flow.returned, machine_.host_.none());
    if (flow.returned) {
      const Value& v = *flow.returned;
      summary_.result = fact_of(v);
      const bool fresh = v.is_pending() && own_.contains(v.cell()) && !escaped_.contains(v.cell());
      if (fresh) summary_.result.flags |= v.flags() & kFresh;
    }
  } else {
    join(flow.fell, std::move(flow.continued));
    for (ir::SlotId slot : machine_.assigned(outer_)) {
      summary_.outputs.push_back(flow.fell ? fact_of((*flow.fell)[slot])
                                           : Summary::Fact{kMaybeUnbound, nullptr});
    }
  }
  if (budget_ == 0) summary_.footprint.anything = true;
  if (guesses_) {
    std::ranges::fill(summary_.outputs, Summary::Fact{kMaybeUnbound, nullptr});
    summary_.result = {};
  }
  summary_.footprint.described = described_stores_;
  if (summary_.footprint.anything) {
    // The walk ended there: what it saw of the variables and the result is not all.
    std::ranges::fill(summary_.outputs, Summary::Fact{kMaybeUnbound, nullptr});
    summary_.result = {};
    summary_.footprint.places.clear();
    summary_.footprint.held.clear();
    summary_.footprint.described = {};
  }
  return std::move(summary_);
}

DryRun::Flow DryRun::walk(Frame* frame) {
  tried_.clear();
  std::vector<std::pair<const Frame*, int>> tries;
  activation_ = 0;
  for (const Frame* f = frame; f != outer_.parent; f = f->parent) {
    if (f->kind == Frame::kTry) tries.emplace_back(f, activation_);
    if (f->kind == Frame::kActivation) --activation_;
  }
  activation_ = 0;
  for (std::size_t i = tries.size(); i-- > 0;) begin_try(*tries[i].first, tries[i].second);
  Flow flow = rest_of(*frame);
  while (frame != &outer_) {
    Frame* parent = frame->parent;
    flow = after_child(*parent, *frame, std::move(flow));
    frame = parent;
  }
  return flow;
}

// The variables of the frame's activation where control is now. While guesses are open, it may be where one
// of them leaves.
Env DryRun::variables(const Frame& frame) {
  Env env = current_env(frame);
  for (const Frame* f = &frame; machine_.open_guesses_ != 0; f = f->parent) {
    if (!f->guesses.empty()) {
      for (ir::SlotId slot : machine_.assigned(*f)) env[slot] = unknown(kMaybeUnbound);
      guesses_ = true;
    }
    if (f->kind == Frame::kActivation || f == &outer_) break;
  }
  return env;
}

// What the frame itself still does, from where it is blocked.
DryRun::Flow DryRun::rest_of(Frame& frame) {
  const ir::Program& p = frame.program;
  switch (frame.kind) {
    case Frame::kActivation:
    case Frame::kRegion:
      if (frame.state == Frame::kStuck) return {};
      return nodes(p, *frame.region, frame.pc, variables(frame));
    case Frame::kIf:
      return branch(p, *frame.node, variables(frame));
    case Frame::kLoop:
      if (frame.producer != nullptr) return loop_over(p, *frame.node, variables(frame), *frame.producer);
      return loop(p, *frame.node, variables(frame));
    case Frame::kTry: {
      const ir::Try& t = p.tries[frame.node->index];
      if (!frame.has_begun()) return attempt_try(p, *frame.node, variables(frame));
      take_explicit(frame);
      if (frame.state == Frame::kStuck) {
        end_try();
        return {};
      }
      Flow body;
      body.fell = variables(frame);
      if (frame.saved_exit == Exit::kReturned) {
        body.fell.reset();
        body.returned = frame.saved_return;
      } else if (frame.saved_exit != Exit::kFell) {
        (frame.saved_exit == Exit::kBroke ? body.broke : body.continued) = variables(frame);
        body.fell.reset();
      }
      return after_body(p, t, variables(frame), std::move(body));
    }
  }
  return {};
}

// What `frame` still does once its child, in which control is, has come to `flow`.
DryRun::Flow DryRun::after_child(Frame& frame, Frame& child, Flow flow) {
  const ir::Program& p = frame.program;
  if (child.kind == Frame::kActivation) --activation_;
  if (child.generator) {
    std::optional<Value> first = std::move(yields_.back());
    yields_.pop_back();
    return loop_over(p, *frame.node, variables(frame), std::move(first), [] { return std::nullopt; });
  }
  if (child.kind == Frame::kActivation) {
    if (flow.fell) join(flow.returned, machine_.host_.none());
    if (!flow.returned) return {};
    Env env = variables(frame);
    if (child.dest != ir::kNone && flow.returned) env[child.dest] = *flow.returned;
    flow = {};
    if (frame.kind != Frame::kRegion && frame.kind != Frame::kActivation) return rest_of(frame);
    return nodes(p, *frame.region, frame.pc, std::move(env));
  }
  if (frame.kind == Frame::kTry) take_explicit(frame);
  return after({p, frame.kind, frame.region, frame.node, frame.pc, frame.producer.get(), child.region,
                &child == frame.body},
               frame.kind == Frame::kTry ? variables(frame) : Env(), std::move(flow));
}

// `start`: kTry: the variables at an earlier point of the statement.
DryRun::Flow DryRun::after(const Around& around, const Env& start, Flow flow) {
  const ir::Program& p = around.program;
  switch (around.kind) {
    case Frame::kActivation:
    case Frame::kRegion: {
      if (!flow.fell) return flow;
      Env env = std::move(*flow.fell);
      flow.fell.reset();
      join(flow, nodes(p, *around.region, around.pc, std::move(env)));
      return flow;
    }
    case Frame::kIf:
      return flow;
    case Frame::kLoop: {
      const ir::Loop& l = p.loops[around.node->index];
      if (around.child == (l.orelse == ir::kNone ? nullptr : &p.regions[l.orelse])) return flow;
      Flow result;
      join(result.fell, std::move(flow.broke));
      join(result.returned, std::move(flow.returned));
      join(flow.fell, std::move(flow.continued));
      if (!flow.fell) return result;
      join(result, around.producer != nullptr
                       ? loop_over(p, *around.node, std::move(*flow.fell), *around.producer)
                       : loop(p, *around.node, std::move(*flow.fell)));
      return result;
    }
    case Frame::kTry: {
      const ir::Try& t = p.tries[around.node->index];
      const bool in_final = t.final_region != ir::kNone && around.child == &p.regions[t.final_region];
      // In a handler's test or body, or in the else region: the other handlers may still run.
      if (around.in_body || !in_final) return after_body(p, t, start, std::move(flow));
      end_try();
      return flow;
    }
  }
  return {};
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
      flow = attempt_try(program, n, std::move(env));
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
  if (action.verdict == Action::kRaised) return false;
  if (action.verdict == Action::kEnter) {
    for (const Value& v : action.enter.slots) note_made(v);
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
    const Value ambiguous = operands[action.operand];
    if (each_of(ambiguous, program, n, operands, action.operand, env, depth)) return true;
  }
  if (action.verdict == Action::kDone) {
    note_made(action.value);
    for (const Value& v : action.values) note_made(v);
  } else {
    take_effect(action, operands, machine_.memory_.stored_flags(n, operands));
    // Of a value that is not known here, another node is to blame.
    const bool own = action.reason != static_cast<ReasonCode>(explain::Reason::kReturnsObject);
    if (own && action.effect.memory == Effect::kAnything && summary_.footprint.cause.node == nullptr)
      summary_.footprint.cause = {&program, &n, action.reason};
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
    alternatives.push_back(
        unknown(kUnknown, known_instance(instance.type, instance.attributes, known->plain)));
  if (known->constant.bound()) alternatives.push_back(known->constant);
  if (known->data)
    alternatives.push_back(known->changeable ? unknown(kData, known_data())
                                             : unknown(kData | kAtom, known_atom()));
  std::optional<Env> after;
  for (const Value& one : alternatives) {
    std::vector<Value> with = operands;
    with[operand] = one;
    if (leads_out(ambiguous)) note_leading_out(one);
    Env next = env;
    if (attempt(program, n, std::move(with), next, depth + 1)) join(after, std::move(next));
    if (summary_.footprint.anything) return true;
  }
  if (after) env = std::move(*after);
  // Whether it raises for sure is not worth telling apart: what follows is walked all the same.
  return true;
}

// A result that nothing else holds was made by the walk, and the program will never see it.
void DryRun::note_made(const Value& value) {
  if (!value.ready() || !machine_.host_.is_sole(value)) return;
  if (made_.try_emplace(value.object(), kept_.size() + 1).second) kept_.push_back(value);
}

KnownRef DryRun::known_of(const Value& value) {
  if (!value.bound()) return nullptr;
  if (leads_out(value)) return nullptr;
  if (value.is_pending()) return known_of_pending(value);
  return machine_.host_.describe(value, *this);
}

Summary::Fact DryRun::fact_of(const Value& value) {
  if (leads_out(value)) return {Flags(value.flags() & kMaybeUnbound), nullptr};
  Summary::Fact fact{Flags(flags_of(value) & (kTypes | kMaybeUnbound)), known_of(value)};
  if (value.bound()) fact.flags |= window::flags_of(fact.known);
  return fact;
}

Summary DryRun::run(const ir::Program& program, const ir::Node& n, std::span<const Value> operands,
                    Place place) {
  place_ = place;
  Env env(program.slots.size());
  std::vector<Value> given(operands.begin(), operands.end());
  attempt(program, n, std::move(given), env, 0);
  if (n.dest != ir::kNone && env[n.dest].bound()) summary_.result = fact_of(env[n.dest]);
  return std::move(summary_);
}

// A node that may do anything, because an operand is not there, does only what it does for one of the few
// objects that the operand can be.
void Machine::narrow(Action& action, const ir::Program& program, const ir::Node& node,
                     std::span<const Value> operands, Place place) {
  if (action.effect.memory != Effect::kAnything || !options_.summaries) return;
  const bool one_of_few =
      action.verdict == Action::kOperand && known_of_pending(operands[action.operand]) != nullptr;
  if (!one_of_few && !action.steps) return;
  Summary summary = DryRun(*this, *const_cast<Frame*>(place.frame)).run(program, node, operands, place);
  if (summary.footprint.anything) return;
  action.effect.memory = summary.footprint.places.empty() ? Effect::kNone : Effect::kOpaque;
  action.effect.stores = std::move(summary.footprint.places);
  action.effect.held = std::move(summary.footprint.held);
  action.flags = summary.result.flags & kTypes;
  action.known = summary.result.known;
}

// What the store leaves in its place.
KnownRef Machine::stored_known(const Item& item, const Effect::Store& store, View& view) {
  if (item.is_frame || store.operand == ir::kNone) return store.known;
  Value v = static_cast<const Entry&>(item).operands[store.operand];
  v.settle();
  // What is stored may hold what other stores put there, and in the end itself: xs.extend(xs).
  constexpr int kDeepest = 4;
  constexpr int kMostStores = 64;  // each of them may lead to all the others
  if (describing_ == 0) described_ = 0;
  if (describing_ == kDeepest || ++described_ > kMostStores) return nullptr;
  ++describing_;
  KnownRef known;
  if (store.spread) {
    known = host_.describe_items(v, view);
  } else if (v.is_pending()) {
    known = known_of_pending(v);
  } else if (v.ready()) {
    known = host_.describe(v, view);
  }
  --describing_;
  return known;
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

DryRun::Flow DryRun::loop_once(const ir::Program& program, const ir::Loop& l, Env env, const Value& item) {
  if (l.head != ir::kNone) {
    Flow head = region(program, l.head, std::move(env));
    if (!head.fell) return {};
    Value condition = (*head.fell)[l.condition];
    condition.settle();
    if (condition.bound()) {
      const ir::Node truth{ir::Op::kTruth, ir::kNone, ir::kNone, {}, {}};
      Action action = machine_.ask(program, truth, std::span(&condition, 1), *this);
      if (action.verdict != Action::kDone && action.verdict != Action::kRaised)
        take_effect(action, std::span(&condition, 1));
    }
    env = std::move(*head.fell);
  } else {
    env[l.item] = item;
    note_assigned(env, l.item);
  }
  return region(program, l.body, std::move(env));
}

DryRun::Flow DryRun::loop(const ir::Program& program, const ir::Node& n, Env env) {
  const ir::Loop& l = program.loops[n.index];
  Flow result;
  std::optional<std::vector<Value>> items;
  Flags item_flags = kUnknown;
  KnownRef item_known;
  if (l.head == ir::kNone) {
    Value iterator = env[n.args[0]];
    iterator.settle();
    if (!iterator.bound()) return {};
    if (const KnownRef known = iterator.known(); known != nullptr && known->begins != nullptr)
      return loop_over(program, n, std::move(env), *known->begins);
    if (iterator.ready())
      if (const auto generator = machine_.host_.unstarted(iterator))
        return loop_over(program, n, std::move(env), *generator);
    if (iterator.is_pending()) {
      item_flags = iterator.flags() & kTypes;
      item_known = machine_.host_.describe_items(iterator, *this);
      if (item_known == nullptr && (item_flags & kData) != 0) item_known = known_data();
      if (item_known == nullptr) summary_.footprint.anything = true;
    } else {
      if (!machine_.host_.steps_freely(iterator)) summary_.footprint.anything = true;
      items = machine_.host_.peek_items(iterator, 16, *this);
      item_flags = machine_.host_.known(iterator) & kTypes;
      item_known = machine_.host_.describe_items(iterator, *this);
    }
    item_flags |= window::flags_of(item_known);
  }
  // The first turns one by one when the items are known, then turns with what all turns have in common.
  std::optional<Env> end = env;
  if (items) {
    std::optional<Env> ends = end;  // after any number of turns
    for (const Value& item : *items) {
      end = turn(program, l, *end, item, result);
      if (!end) break;
      ends = end;
    }
    end = items->empty() || end ? ends : std::nullopt;
    // The turns may store to what the iterator runs over; then there may be others.
    Value& iterator = env[n.args[0]];
    iterator.settle();
    if (end && !machine_.host_.peek_items(iterator, 16, *this)) {
      items.reset();
      item_flags = kUnknown;
      item_known = machine_.host_.describe_items(iterator, *this);
      item_flags |= window::flags_of(item_known);
    }
  }
  if (!items && end) {
    for (int i = 0;; ++i) {
      const Mark before = mark();
      std::optional<Env> joined = end;
      if (l.head == ir::kNone && i > 0) {  // the turns may have stored to what is iterated over
        item_known = machine_.host_.describe_items((*end)[n.args[0]], *this);
        if (item_known == nullptr && (*end)[n.args[0]].is_pending()) summary_.footprint.anything = true;
        item_flags = Flags((item_flags & ~kTypes) | window::flags_of(item_known));
      }
      const Value item = l.head == ir::kNone ? unknown(item_flags, item_known) : Value();
      if (l.head == ir::kNone && leads_out((*end)[n.args[0]])) note_leading_out(item);
      join(joined, turn(program, l, *end, item, result));
      if (settle(end, std::move(joined), before, i)) break;
    }
  }
  return end_of_loop(program, n, std::move(result), std::move(end));
}

// `end`: the variables when the loop ends by itself.
DryRun::Flow DryRun::end_of_loop(const ir::Program& program, const ir::Node& n, Flow result,
                                 std::optional<Env> end) {
  const ir::Loop& l = program.loops[n.index];
  if (!end) return result;
  if (l.orelse == ir::kNone) {
    join(result.fell, std::move(end));
  } else {
    join(result, region(program, l.orelse, std::move(*end)));
  }
  return result;
}

// One turn: the variables when the loop goes on, and what becomes of it otherwise.
std::optional<Env> DryRun::turn(const ir::Program& program, const ir::Loop& l, const Env& env,
                                const Value& item, Flow& result) {
  Flow flow = loop_once(program, l, env, item);
  join(flow.fell, std::move(flow.continued));
  join(result.fell, std::move(flow.broke));
  join(result.returned, std::move(flow.returned));
  return std::move(flow.fell);
}

// Takes `joined`, after one more turn, for the variables after any number of them. Returns whether no further
// turn need be walked; a loop that does not settle may do anything.
bool DryRun::settle(std::optional<Env>& end, std::optional<Env> joined, Mark before, int turns) {
  const bool same = unchanged_since(before) && settles(joined, end);
  end = std::move(joined);
  if (!same && turns == kMostTurns) summary_.footprint.anything = true;
  return same || summary_.footprint.anything;
}

// Whether another turn gives no other variables.
bool DryRun::settles(const std::optional<Env>& joined, const std::optional<Env>& end) const {
  for (std::size_t s = 0; s < joined->size(); ++s) {
    const Value& a = (*joined)[s];
    const Value& b = (*end)[s];
    const bool same =
        a.object() == b.object() || (a.is_pending() && b.is_pending() && a.flags() == b.flags() &&
                                     window::same(a.known(), b.known()) && leads_out(a) == leads_out(b));
    if (!same) return false;
  }
  return true;
}

bool DryRun::unchanged_since(Mark mark) const {
  return std::all_of(changes_.begin() + static_cast<std::ptrdiff_t>(mark.changes), changes_.end(),
                     [&](std::size_t number) { return number > mark.made; });
}

// All that the generator yields, as one value; what it does meanwhile is noted.
std::optional<Value> DryRun::yielded_by(const Enter& generator, const Value& sent) {
  const ir::Program& program = *generator.program;
  if (std::ranges::any_of(entered_, [&](const Entered& e) { return e.program == &program; })) {
    summary_.footprint.anything = true;
    return std::nullopt;
  }
  Env env = generator.slots;
  env.resize(program.slots.size());
  entered_.push_back({&program, false, generator.slots});
  yields_.emplace_back();
  Value outer = std::exchange(sent_, sent.bound() ? join(sent, machine_.host_.none()) : Value());
  ++activation_;
  region(program, program.body, std::move(env));
  --activation_;
  sent_ = std::move(outer);
  std::optional<Value> all = std::move(yields_.back());
  yields_.pop_back();
  entered_.pop_back();
  return all;
}

// All that the generator still yields, from where it is suspended.
std::optional<Value> DryRun::yielded_by(const Continuation& producer) {
  const ir::Program& program = *producer.program;
  if (producer.exhausted) return std::nullopt;
  if (producer.frames.empty()) return yielded_by(Enter{producer.program, producer.env});
  Env env = producer.env;
  if (producer.sent != ir::kNone) env[producer.sent] = machine_.host_.none();
  yields_.emplace_back();
  ++activation_;
  for (std::size_t i = 0; i < producer.frames.size(); ++i)
    if (producer.frames[i].kind == Frame::kTry) {
      tried_.push_back({activation_, {}});
      for (ir::SlotId slot : all_assigned(program, *producer.frames[i].node))
        tried_.back().seen[slot] = unknown(kMaybeUnbound);
    }
  const Continuation::Saved& innermost = producer.frames.back();
  Flow flow = nodes(program, *innermost.region, innermost.pc, env);
  for (std::size_t i = producer.frames.size() - 1; i-- > 0;) {
    const Continuation::Saved& f = producer.frames[i];
    flow = after(
        {program, f.kind, f.region, f.node, f.pc, f.producer.get(), producer.frames[i + 1].region, f.in_body},
        env, std::move(flow));
  }
  --activation_;
  std::optional<Value> all = std::move(yields_.back());
  yields_.pop_back();
  return all;
}

DryRun::Flow DryRun::loop_over(const ir::Program& program, const ir::Node& n, Env env,
                               const Enter& generator) {
  return loop_over(program, n, std::move(env), std::nullopt, [&] { return yielded_by(generator); });
}

DryRun::Flow DryRun::loop_over(const ir::Program& program, const ir::Node& n, Env env,
                               const Continuation& producer) {
  return loop_over(program, n, std::move(env), std::nullopt, [&] { return yielded_by(producer); });
}

// A loop over a generator: its code, which `yielded` walks, and the turns of the loop take place in any
// order. `first` is what it has been found to yield before.
DryRun::Flow DryRun::loop_over(const ir::Program& program, const ir::Node& n, Env env,
                               std::optional<Value> first,
                               const std::function<std::optional<Value>()>& yielded) {
  const ir::Loop& l = program.loops[n.index];
  Flow result;
  std::optional<Env> end = std::move(env);
  for (int i = 0;; ++i) {
    const Mark before = mark();
    std::optional<Env> joined = end;
    std::optional<Value> item = first;
    join(item, yielded());
    if (item) join(joined, turn(program, l, *end, *item, result));
    if (settle(end, std::move(joined), before, i)) break;
  }
  return end_of_loop(program, n, std::move(result), std::move(end));
}

DryRun::Flow DryRun::attempt_try(const ir::Program& program, const ir::Node& n, Env env) {
  const ir::Try& t = program.tries[n.index];
  tried_.push_back({activation_, {}});
  Flow body = region(program, t.body, env);
  return after_body(program, t, env, std::move(body));
}

// A try statement that control is in: what its variables were where something may still raise is noted there.
void DryRun::begin_try(const Frame& frame, int activation) {
  Tried tried{activation, {}};
  int budget = 64;
  const std::vector<ir::SlotId>& slots = machine_.assigned(frame);
  gather_snapshots(frame, slots, tried, budget);
  if (budget < 0)
    for (ir::SlotId slot : slots) tried.seen[slot] = unknown(kMaybeUnbound);
  const Env& now = current_env(frame);
  tried_.push_back(std::move(tried));
  const int here = std::exchange(activation_, activation);
  for (ir::SlotId slot : slots) note_assigned(now, slot);
  activation_ = here;
}

void DryRun::gather_snapshots(const Frame& frame, const std::vector<ir::SlotId>& slots, Tried& tried,
                              int& budget) {
  for (const Item* item : frame.items.all()) {
    if (item->done) continue;
    if (--budget < 0) return;
    const auto* inner = item->is_frame ? static_cast<const Frame*>(item) : nullptr;
    if (inner != nullptr && inner->kind != Frame::kActivation) {
      if (inner->passed)
        for (ir::SlotId slot : machine_.assigned(*inner)) tried.seen[slot] = unknown(kMaybeUnbound);
      gather_snapshots(*inner, slots, tried, budget);
      continue;
    }
    if (inner != nullptr && !inner->passed && item->snapshot == nullptr) continue;  // control is in it
    for (ir::SlotId slot : slots) {
      const Value& v = item->snapshot != nullptr ? (*item->snapshot)[slot] : unknown(kMaybeUnbound);
      see(tried, slot, v);
    }
  }
}

void DryRun::see(Tried& tried, ir::SlotId slot, const Value& value) {
  const auto [found, added] = tried.seen.try_emplace(slot, value);
  if (!added) found->second = join(found->second, value);
}

// A statement around it has seen what it has.
void DryRun::end_try() {
  const Tried inner = std::move(tried_.back());
  tried_.pop_back();
  if (inner.raises_objects) note_raised_objects();  // it may be raised again
  if (tried_.empty() || tried_.back().activation != inner.activation) return;
  for (const auto& [slot, value] : inner.seen) see(tried_.back(), slot, value);
}

// Note [raised objects]
// What a call raises is part of its answer, and what the interpreter raises is new: a handler reads data.
// What a statement raises may also be, or hold, any object of the program. What is read out of it is
// followed, and a store through that may go anywhere; so may one through a variable or a place that keeps it,
// of which nothing is known.
void DryRun::note_raised(const Value& exception) {
  const bool data = exception.is_pending() && (exception.flags() & kData) != 0;
  if (!data || leads_out(exception)) note_raised_objects();
}

bool DryRun::any_leads_out(std::span<const Value> values) const {
  return !leading_out_.empty() && std::ranges::any_of(values, [&](const Value& v) { return leads_out(v); });
}

void DryRun::note_leading_out(const Value& value) {
  if (value.is_pending() && own_.contains(value.cell()) && (value.flags() & kAtom) == 0)
    leading_out_.insert(value.cell());
}

// It matters to what is walked after the statement's body alone, so that another turn of a loop finds no
// more.
void DryRun::note_raised_objects() {
  (tried_.empty() ? summary_.footprint.raises_objects : tried_.back().raises_objects) = true;
}

void DryRun::note_assigned(const Env& env, ir::SlotId slot) {
  if (tried_.empty() || tried_.back().activation != activation_) return;
  see(tried_.back(), slot, env[slot]);
}

void DryRun::note_assigned(const ir::Program& program, const ir::Node& n, const Env& env) {
  if (tried_.empty()) return;
  for (ir::SlotId slot : ir::slots_assigned(program, n)) note_assigned(env, slot);
}

// The variables at an unknown point of the body, or with `anywhere` of the statement.
Env DryRun::forgotten(const ir::Program& program, const ir::Try& t, const Env& start, bool anywhere) {
  Env env = start;
  const Tried& tried = tried_.back();
  auto forget = [&](ir::RegionId region) {
    if (region == ir::kNone) return;
    for (ir::SlotId slot : program.regions[region].assigned)
      if (const auto seen = tried.seen.find(slot); seen != tried.seen.end())
        env[slot] = join(start[slot], seen->second);
  };
  forget(t.body);
  if (anywhere) forget(t.orelse);
  for (const ir::Handler& h : t.handlers) {
    forget(h.test);
    if (anywhere) forget(h.body);
  }
  return env;
}

DryRun::Flow DryRun::after_body(const ir::Program& program, const ir::Try& t, const Env& start, Flow body) {
  Flow flow = std::move(body);
  if (flow.fell && t.orelse != ir::kNone) {
    Env env = std::move(*flow.fell);
    flow.fell.reset();
    join(flow, region(program, t.orelse, std::move(env)));
  }
  const Env raised = forgotten(program, t, start, false);
  for (const ir::Handler& h : t.handlers) {
    Env env = raised;
    if (t.exception != ir::kNone) {
      env[t.exception] = unknown(kData);
      if (tried_.back().raises_objects) note_leading_out(env[t.exception]);
    }
    Flow tested = region(program, h.test, std::move(env));
    if (tested.fell) join(flow, region(program, h.body, std::move(*tested.fell)));
  }
  return finally(program, t, start, std::move(flow));
}

DryRun::Flow DryRun::finally(const ir::Program& program, const ir::Try& t, const Env& start, Flow flow) {
  if (t.final_region == ir::kNone) {
    end_try();
    return flow;
  }
  const Env anywhere = forgotten(program, t, start, true);
  end_try();
  Flow after = region(program, t.final_region, anywhere);
  join(flow.returned, std::move(after.returned));
  join(flow.broke, std::move(after.broke));
  join(flow.continued, std::move(after.continued));
  if (flow.fell && after.fell) {
    // What the final region assigns is what it assigned; the rest is as before it.
    for (ir::SlotId slot : program.regions[t.final_region].assigned) (*flow.fell)[slot] = (*after.fell)[slot];
  }
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

void DryRun::take_effect(const Action& action, std::span<const Value> operands, Flags stored) {
  switch (action.verdict) {
    case Action::kOperand:
    case Action::kElement:
    case Action::kBlocked:
    case Action::kOrdered:
      break;
    default:
      return;
  }
  // The value may be kept by what is stored or built from it.
  if ((action.flags & kAtom) == 0 || action.effect.memory != Effect::kNone)
    for (const Value& v : operands)
      if (v.is_pending()) escaped_.insert(v.cell());
  if (action.effect.memory == Effect::kNone) return;
  if (action.effect.memory == Effect::kAnything) {
    summary_.footprint.anything = true;
    return;
  }
  for (const Effect::Store& store : action.effect.stores) {
    Effect::Store known{store.target, store.where, Flags(stored & kTypes), store.known, ir::kNone, false};
    if (store.operand != ir::kNone && leads_out(operands[store.operand])) known.stored = kUnknown;
    if (store.operand != ir::kNone) {
      known.known = store.spread ? machine_.host_.describe_items(operands[store.operand], *this)
                                 : known_of(operands[store.operand]);
      known.stored |= window::flags_of(known.known);
    }
    add_place(known);
  }
  std::vector<Value>& held = summary_.footprint.held;
  held.insert(held.end(), operands.begin(), operands.end());
  held.insert(held.end(), action.effect.held.begin(), action.effect.held.end());
}

// A store through a value that does not exist goes to one of the objects that it may be, or to something else
// that it may be.
void DryRun::add_place(const Effect::Store& store) {
  Effect::Store place{store.target, store.where, store.stored, store.known, ir::kNone, false};
  place.target.settle();
  const bool own = place.target.is_pending() && own_.contains(place.target.cell());
  if (leads_out(place.target)) {
    summary_.footprint.anything = true;
    return;
  }
  if (place.known == nullptr && (place.stored & kData) != 0) place.known = known_data();
  const bool fresh = own && (place.target.flags() & kFresh) != 0;
  if (place.target.is_pending() && unnamed_.add(place)) changes_.push_back(0);
  if ((fresh || described_.contains(place.target.object())) && described_stores_.add(place))
    changes_.push_back(0);
  if (fresh) return;
  const KnownRef known = own ? known_of_pending(place.target) : nullptr;
  if (own && known == nullptr) {
    summary_.footprint.anything = true;
    return;
  }
  if (known != nullptr)
    for (const Value& object : known->objects) {
      Effect::Store one = place;
      one.target = object;
      add_place(one);
    }
  if (own && is_atom(without_objects(known))) return;
  const auto meets = [&](const Effect::Store& other) {
    if (other.where.kind != place.where.kind || other.where.key != place.where.key) return false;
    if (other.target.object() == place.target.object()) return true;
    return own && other.target.is_pending() && own_.contains(other.target.cell()) &&
           window::same(other.target.known(), place.target.known());
  };
  const auto made = place.target.ready() ? made_.find(place.target.object()) : made_.end();
  const std::size_t number = made == made_.end() ? 0 : made->second;
  std::vector<Effect::Store>& places = number != 0 ? own_places_ : summary_.footprint.places;
  for (Effect::Store& other : places)
    if (meets(other)) {
      const Flags stored = other.stored & place.stored;
      KnownRef joined_known = window::join(other.known, place.known);
      if (stored != other.stored || !window::same(joined_known, other.known)) changes_.push_back(number);
      other.stored = stored;
      other.known = std::move(joined_known);
      return;
    }
  changes_.push_back(number);
  places.push_back(std::move(place));
}

// Stores that were fetched in a try statement may not happen after all, once something before them may raise.
void DryRun::take_explicit(const Frame& frame) {
  bool certain = true;
  take_explicit(frame, certain);
}

// `certain`: nothing in the statement has come yet that may raise.
void DryRun::take_explicit(const Frame& frame, bool& certain) {
  for (const Item* item : frame.items.all()) {
    if (item->done) continue;
    if (item->is_frame) {
      const auto& inner = static_cast<const Frame&>(*item);
      if (inner.indexed) {
        take_footprint(inner);
        certain = false;
      }
      take_explicit(inner, certain);
      continue;
    }
    const auto& entry = static_cast<const Entry&>(*item);
    if (entry.state == Entry::kFailed)
      note_raised(entry.exception);
    else if (entry.node.op == ir::Op::kRaise && !entry.operands.empty())
      note_raised(entry.operands[0]);
    certain = certain && entry.safe;
    if (certain) continue;
    if (entry.effect.memory == Effect::kAnything) summary_.footprint.anything = true;
    for (const Effect::Store& store : entry.effect.stores) {
      Effect::Store place = store;
      place.known = machine_.stored_known(entry, store, *this);
      add_place(place);
      if (entry.state == Entry::kFailed) continue;
      for (const Value& v : entry.operands) summary_.footprint.held.push_back(v);
    }
    for (const Value& v : entry.effect.held) summary_.footprint.held.push_back(v);
  }
}

// What a frame that was passed earlier has not fetched: its stores become entries only later.
void DryRun::take_footprint(const Frame& frame) {
  const auto found = machine_.memory_.footprints_.find(&frame);
  if (found == machine_.memory_.footprints_.end()) {
    summary_.footprint.anything = true;
    return;
  }
  for (const Effect::Store& store : found->second.places) add_place(store);
  if (found->second.raises_objects) note_raised_objects();
  summary_.footprint.held.insert(summary_.footprint.held.end(), found->second.held.begin(),
                                 found->second.held.end());
}

Value DryRun::unknown(Flags flags, KnownRef known) {
  Value v = Value::pending(new Cell(flags, std::move(known)));
  own_.insert(v.cell());
  unknowns_.push_back(v);  // keeps the cell's address its own
  return v;
}

Flags DryRun::flags_of(const Value& value) {
  if (!value.bound()) return kMaybeUnbound;
  return value.is_pending() ? value.flags() : machine_.host_.known(value);
}

Value DryRun::join(const Value& a, const Value& b) {
  if (a.object() == b.object()) return a;
  const Flags fa = flags_of(a);
  const Flags fb = flags_of(b);
  Flags flags = fa & fb & (kTypes | kFresh);
  if (!a.bound()) flags = fb & kTypes;
  if (!b.bound()) flags = fa & kTypes;
  if (a.is_pending() && escaped_.contains(a.cell())) flags &= kTypes;
  if (b.is_pending() && escaped_.contains(b.cell())) flags &= kTypes;
  // Fresh only as long as both are values that do not exist yet.
  if (!a.is_pending() || !own_.contains(a.cell()) || !b.is_pending() || !own_.contains(b.cell()))
    flags &= kTypes;
  flags |= (fa | fb) & kMaybeUnbound;
  if (leads_out(a) || leads_out(b)) {
    const Value both = unknown(flags);
    note_leading_out(both);
    return both;
  }
  KnownRef known = !a.bound()   ? known_of(b)
                   : !b.bound() ? known_of(a)
                                : window::join(known_of(a), known_of(b));
  flags |= window::flags_of(known);
  return unknown(flags, std::move(known));
}

void DryRun::join(std::optional<Env>& into, std::optional<Env> env) {
  if (!env) return;
  if (!into) {
    into = std::move(env);
    return;
  }
  for (std::size_t i = 0; i < into->size(); ++i) (*into)[i] = join((*into)[i], (*env)[i]);
}

void DryRun::join(std::optional<Value>& into, std::optional<Value> value) {
  if (!value) return;
  into = into ? join(*into, *value) : *value;
}

void DryRun::join(Flow& into, Flow flow) {
  join(into.fell, std::move(flow.fell));
  join(into.broke, std::move(flow.broke));
  join(into.continued, std::move(flow.continued));
  join(into.returned, std::move(flow.returned));
}

View::State DryRun::look(Object* object, Where where) {
  answer_ =
      machine_.memory_.look(object, where, place_, machine_.options_.forward, machine_.open_guesses_ != 0);
  if (answer_.state == State::kClear) answer_.flags = kTypes;
  met_ = nullptr;
  met_any_ = false;
  auto meet = [&](const Effect::Store& store) {
    // A store to a value that is not there yet may go to this object.
    const bool same = store.target.is_pending()
                          ? made_.contains(object) || machine_.memory_.may_be(store.target, object)
                          : store.target.object() == object;
    if (!same || !machine_.memory_.overlap(store.where, where)) return;
    answer_.state = State::kBlocked;
    answer_.flags &= store.stored;
    met_ = met_any_ ? window::join(met_, store.known) : store.known;
    met_any_ = true;
  };
  std::ranges::for_each(summary_.footprint.places, meet);
  std::ranges::for_each(own_places_, meet);
  return answer_.state;
}

KnownRef DryRun::blocked_known() {
  if (answer_.hidden) return nullptr;
  KnownRef all = met_;
  bool any = met_any_;
  const MemoryIndex::Answer answer = answer_;  // looking at what is stored makes another one
  for (const auto& [item, store] : answer.met) {
    const KnownRef known = machine_.stored_known(*item, store, *this);
    all = any ? window::join(all, known) : known;
    any = true;
  }
  answer_ = answer;
  if (!answer.unnamed) return all;
  return any ? window::join(all, *answer.unnamed) : *answer.unnamed;
}

KnownRef DryRun::stored_unnamed(const Object* attribute) {
  const MemoryIndex& memory = machine_.memory_;
  return window::join(window::join(unnamed_.of(attribute), memory.unnamed().of(attribute)),
                      window::join(described_stores_.of(attribute), memory.described().of(attribute)));
}

bool DryRun::unnamed_is_plain(bool described) {
  const MemoryIndex& memory = machine_.memory_;
  return unnamed_.plain() && memory.unnamed().plain() &&
         (!described || (described_stores_.plain() && memory.described().plain()));
}

bool DryRun::describes_made(Object* object) {
  if (!made_.contains(object)) return false;
  described_.insert(object);
  return true;
}

std::optional<std::vector<std::pair<Object*, KnownRef>>> DryRun::attributes_made(Object* object) {
  std::vector<std::pair<Object*, KnownRef>> attributes;
  for (const Effect::Store& store : own_places_) {
    if (store.target.object() != object) continue;
    if (store.where.kind != Where::kAttr || store.where.key == nullptr) return std::nullopt;
    attributes.emplace_back(store.where.key, store.known);
  }
  return attributes;
}

View::State DryRun::look_anywhere() {
  return machine_.memory_.opaque_before(place_) != nullptr ? State::kBlocked : State::kClear;
}

}  // namespace xcs::window
