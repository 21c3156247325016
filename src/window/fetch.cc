// Fetch: walks the program in order, does at once what can be done, and leaves the rest in the window.
#include <algorithm>
#include <bit>

#include "window/machine.h"

namespace xcs::window {

void Machine::note_contents(const Value& object, Chain chain) {
  if (chain.calls == 0 || !object.ready() || host_.is_shared(object)) return;
  Chain& contents = contents_[object.object()];
  contents = longest(contents, chain);
}

// What an operator gives is new: it may stand where an object was that is gone.
void Machine::note_made(const ir::Program& program, const ir::Node& node, const Value& made) {
  if (contents_.empty() || !made.ready()) return;
  const bool is_new =
      node.op == ir::Op::kMakeCell ||
      (node.op == ir::Op::kEval && program.fragments[node.index].kind != ir::FragmentKind::kIdentity);
  if (is_new) contents_.erase(made.object());
}

// `container` has been changed to hold `values`, or has been made of them.
void Machine::note_stored(const Value& container, std::span<const Value> values, Chain chain) {
  for (const Value& v : values) {
    if (v.is_pending() && container.ready()) {
      v.cell()->held_by(container.object());
    } else {
      note_contents(v, longest(v.chain, chain));
    }
  }
  note_contents(container, chain);
}

// What comes later finds out what led to `content` by the objects that hold it.
void Machine::fill(const Value& result, Value content) {
  content.settle();
  memory_.note_late(content);
  for (Object* holder : result.cell()->holders()) {
    if (content.is_pending()) {
      content.cell()->held_by(holder);
    } else if (content.chain.calls != 0) {
      Chain& contents = contents_[holder];
      contents = longest(contents, content.chain);
    }
  }
  if (const auto& lineage = result.cell()->lineage(); lineage != nullptr) {
    if (content.is_pending()) content.cell()->join_lineage(lineage);
    if (content.ready()) lineage->last = content;
  }
  result.cell()->fill(std::move(content));
}

Chain Machine::contents_of(const Value& object) const {
  if (contents_.empty() || !object.ready()) return {};
  const auto found = contents_.find(object.object());
  return found == contents_.end() ? Chain() : found->second;
}

// Note [chains through memory]
// A value that was stored and is loaded again brings along what led to it: it is known by its object. A node
// that looks at all that a container holds comes after everything that was stored there.
Chain Machine::chain_of(const ir::Program& program, const ir::Node& node, std::span<const Value> operands,
                        const Action& action, Chain at_least) const {
  at_least = longest(chain_of(operands, at_least), action.value.chain);
  bool deep = false;
  switch (node.op) {
    case ir::Op::kLoadGlobal:
    case ir::Op::kLoadCell:
    case ir::Op::kLoadAttr:
    case ir::Op::kLoadItem:
      return longest(longest(at_least, seen_), contents_of(action.value));
    case ir::Op::kEval: {
      const ir::FragmentKind kind = program.fragments[node.index].kind;
      deep = kind != ir::FragmentKind::kDisplay && kind != ir::FragmentKind::kIdentity;
      break;
    }
    case ir::Op::kCall:
    case ir::Op::kCallMethod:
      deep = !action.shallow;
      break;
    case ir::Op::kUnpack:
      deep = true;
      break;
    default:
      break;
  }
  if (!deep) return at_least;
  for (const Value& v : operands) at_least = longest(at_least, contents_of(v));
  return longest(at_least, seen_);
}

Chain Machine::chain_of(std::span<const Value> operands, Chain at_least) {
  for (const Value& v : operands) at_least = longest(at_least, v.chain);
  return at_least;
}

namespace {

bool makes_object(const ir::Program& program, const ir::Node& node) {
  if (node.op == ir::Op::kMakeCell) return true;
  const ir::FragmentKind kind = program.fragments[node.index].kind;
  return kind == ir::FragmentKind::kDisplay || kind == ir::FragmentKind::kHashing ||
         kind == ir::FragmentKind::kUnpacking;
}

}  // namespace

// Note [runaways]
// A sequential run may never come to code that is fetched ahead: what is in flight is going to raise, or to
// end the loop. Such code may go on for long, or for ever. So fetching pauses now and then for what has
// completed in the meantime.
void Machine::fetch(Frame* frame) {
  while (frame != nullptr) frame = advance(*frame);
}

// The frame is gone on with once there is nothing else to do.
void Machine::stall(Frame& frame) {
  frame.state = Frame::kBlocked;
  stalled_.push_back(&frame);
  Frame* passed = &frame;
  while (passed != nullptr && !passed->passed) passed = passed->parent;
  if (passed != nullptr) index(*passed);
}

bool Machine::has_arrivals() {
  constexpr std::uint32_t kPause = 256;
  if (!arrived_.empty()) return true;
  if (++advances_ % kPause != 0 || in_flight_.empty()) return false;
  arrived_ = executor_.poll();
  return !arrived_.empty();
}

Frame* Machine::advance(Frame& frame) {
  if (frame.native) return advance_native(frame);
  if (live_ >= options_.window && !is_oldest(frame.end())) {
    note_limit(frame, explain::Reason::kWindowFull);
    return stall(frame), nullptr;
  }
  if (has_arrivals()) return stall(frame), nullptr;
  frame.state = Frame::kRunning;
  frame.wants_turn = false;
  end_wait(frame);
  end_exit(frame);
  if (frame.held) {
    frame.held = false;
    return finish(frame);
  }
  switch (frame.kind) {
    case Frame::kActivation:
    case Frame::kRegion:
      return run_nodes(frame);
    case Frame::kIf:
      return advance_if(frame);
    case Frame::kLoop:
      return advance_loop(frame);
    case Frame::kTry:
      return advance_try(frame);
  }
  return nullptr;
}

Frame* Machine::run_nodes(Frame& frame) {
  const std::vector<ir::Node>& nodes = frame.region->nodes;
  while (frame.pc < nodes.size()) {
    const ir::Node& node = nodes[frame.pc++];
    Frame* next = nullptr;
    switch (node.op) {
      case ir::Op::kMove:
        next = move(frame, node);
        break;
      case ir::Op::kUnbind:
        next = unbind(frame, node);
        break;
      case ir::Op::kIf:
        next = whole(frame, node, frame.program.ifs[node.index].whole);
        break;
      case ir::Op::kLoop:
        next = whole(frame, node, frame.program.loops[node.index].whole);
        break;
      case ir::Op::kTry:
        next = whole(frame, node, frame.program.tries[node.index].whole);
        break;
      case ir::Op::kReturn:
      case ir::Op::kBreak:
      case ir::Op::kContinue:
        return leave(frame, node);
      case ir::Op::kYield:
        return yield(frame, node);
      default:
        next = run_node(frame, node);
    }
    if (next != &frame || frame.state != Frame::kRunning) return next;
  }
  return finish(frame);
}

void Machine::gather(Frame& frame, const ir::Node& node) {
  operands_.clear();
  auto take = [&](ir::SlotId slot) {
    Value& v = frame.env[slot];
    v.settle();
    operands_.push_back(v);
  };
  if (node.op == ir::Op::kStatement) {
    const ir::Statement& statement = frame.program.statements[node.index];
    for (ir::SlotId slot : statement.inputs) take(slot);
    for (ir::SlotId slot : statement.cells) take(slot);
  } else {
    for (ir::SlotId slot : node.args) take(slot);
  }
}

std::optional<ir::SlotId> Machine::first_unbound(const ir::Node& node, std::span<const Value> operands) {
  if (node.op == ir::Op::kStatement) return std::nullopt;
  for (std::size_t i = 0; i < operands.size() && i < node.args.size(); ++i)
    if (!operands[i].bound()) return node.args[i];
  return std::nullopt;
}

void Machine::stand_at(Place place, const Value& handled) {
  place_ = place;
  quiet_ = -1;
  blocker_ = nullptr;
  seen_ = Chain();
  if (handled.bound() != handled_.bound() || (handled.bound() && handled.object() != handled_.object())) {
    host_.set_handled(handled);
    handled_ = handled;
  }
}

Action Machine::attempt(const ir::Program& program, const ir::Node& node, std::span<const Value> operands,
                        Place place, const Value& handled) {
  stand_at(place, handled);
  attempted_.program = &program;
  attempted_.node = &node;
  return ask(program, node, operands, *this);
}

// Note [interrupts]
// Sequential execution would be waiting in the oldest call when a signal's handler raises. A node that the
// signal struck while the window ran ahead has not failed: the exception is an interrupt like that of a wait.
Action Machine::ask(const ir::Program& program, const ir::Node& node, std::span<const Value> operands,
                    View& view) {
  return apart_from_interrupts(host_.attempt(program, node, operands, view), view);
}

Action Machine::apart_from_interrupts(Action action, View& view) {
  if (interrupt_.bound() && view.quiet()) {
    action.verdict = Action::kRaised;
    action.value = std::exchange(interrupt_, Value());
  }
  if (action.verdict != Action::kRaised || view.quiet() || !host_.is_interrupt(action.value)) return action;
  arrived_.insert(arrived_.begin(), {0, true, std::move(action.value)});
  Action again;
  again.verdict = Action::kOrdered;
  again.reason = static_cast<ReasonCode>(explain::Reason::kExceptionOrder);
  again.effect.memory = Effect::kAnything;
  return again;
}

namespace {

bool is_passed(const Frame& frame) {
  const Frame* f = &frame;
  while (f != nullptr && !f->passed) f = f->parent;
  return f != nullptr;
}

bool hands_on(ir::Op op) {
  switch (op) {
    case ir::Op::kStoreGlobal:
    case ir::Op::kStoreCell:
    case ir::Op::kStoreAttr:
    case ir::Op::kStoreItem:
    case ir::Op::kInplace:
    case ir::Op::kAppend:
    case ir::Op::kAdd:
    case ir::Op::kCall:
    case ir::Op::kCallMethod:
    case ir::Op::kStatement:
      return true;
    default:
      return false;
  }
}

}  // namespace

// What nothing holds but a temporary that has been used goes at once, as in CPython, unless code that runs
// when it goes could be early.
void Machine::release_temporaries(Frame& frame, const ir::Node& node) {
  if (!quiet()) return;
  operands_.clear();
  for (std::uint32_t left = node.last_reads & ~ir::Node::kDestUnread; left != 0; left &= left - 1)
    frame.env[node.args[std::countr_zero(left)]] = Value();
  if ((node.last_reads & ir::Node::kDestUnread) != 0) frame.env[node.dest] = Value();
}

// A variable holds `old` no longer. Where that runs code, it happens in program order: an entry takes the
// value over.
void Machine::let_end(Frame& frame, const ir::Node& node, Value old) {
  operands_.clear();
  if (!old.ready() || !host_.drop_runs_code(old, 1)) return;
  stand_at(frame.end(), frame.handled);
  if (quiet()) return;
  constexpr std::size_t kEnd = static_cast<std::size_t>(-1);  // no operand
  const ir::Node& end =
      reads_.try_emplace({&node, kEnd}, ir::Node{ir::Op::kUnbind, ir::kNone, ir::kNone, {}, node.position})
          .first->second;
  operands_.push_back(std::move(old));
  Entry& entry = add_entry(frame, end);
  operands_.clear();
  entry.state = Entry::kOrdered;
  entry.effect.memory = Effect::kAnything;
  memory_.add(entry);
}

// A function returns.
void Machine::let_variables_end(Frame& activation) {
  if (activation.parent == nullptr || activation.region->nodes.empty()) return;
  for (Value& v : activation.env)
    if (v.ready() && host_.drop_runs_code(v, 1))
      let_end(activation, activation.region->nodes.back(), std::exchange(v, Value()));
}

Frame* Machine::run_node(Frame& frame, const ir::Node& node) {
  gather(frame, node);
  if (hands_on(node.op) && is_passed(frame))
    for (const Value& v : operands_) memory_.note_late(v);
  if (node.op != ir::Op::kStatement) require_bound(frame, node);
  if (const auto slot = first_unbound(node, operands_)) return raise_unbound(frame, node, *slot);
  Action action = attempt(frame.program, node, operands_, frame.end(), frame.handled);
  switch (action.verdict) {
    case Action::kDone: {
      const Chain used = chain_of(frame.program, node, operands_, action, Chain());
      const Chain chain = longest(used, frame.chain);
      switch (node.op) {
        case ir::Op::kStoreCell:
        case ir::Op::kStoreAttr:
        case ir::Op::kStoreItem:
        case ir::Op::kInplace:
        case ir::Op::kAppend:
        case ir::Op::kAdd:
          note_stored(operands_[0], operands_, chain);
          break;
        case ir::Op::kEval:
        case ir::Op::kMakeCell:
          note_made(frame.program, node, action.value);
          if (action.value.ready() && makes_object(frame.program, node))
            note_stored(action.value, operands_, Chain());
          break;
        case ir::Op::kCall:
        case ir::Op::kCallMethod:
          if (action.changed.bound()) note_stored(action.changed, operands_, chain);
          break;
        default:
          break;
      }
      if (node.op == ir::Op::kUnpack || node.op == ir::Op::kStatement) {
        const auto& slots = node.op == ir::Op::kUnpack ? frame.program.unpacks[node.index].dests
                                                       : frame.program.statements[node.index].outputs;
        for (std::size_t i = 0; i < slots.size(); ++i) {
          action.values[i].chain = longest(action.values[i].chain, used);
          frame.env[slots[i]] = std::move(action.values[i]);
        }
      } else if (node.dest != ir::kNone) {
        action.value.chain = longest(action.value.chain, used);
        let_end(frame, node, std::exchange(frame.env[node.dest], std::move(action.value)));
      }
      release_temporaries(frame, node);
      return &frame;
    }
    case Action::kRaised:
      if (node.op == ir::Op::kStatement)
        assign_outputs(frame.env, frame.program.statements[node.index], action);
      return raise(frame, node, std::move(action.value));
    case Action::kEnter:
      release_temporaries(frame, node);
      return push_activation(frame, node, std::move(action.enter));
    default:
      break;
  }
  const bool raises = node.op == ir::Op::kRaise || node.op == ir::Op::kReraise;
  narrow(action, frame.program, node, operands_, frame.end());
  Entry& entry = add_entry(frame, node);
  Value old = node.dest == ir::kNone ? Value() : frame.env[node.dest];
  give_results(entry, frame, action);
  dispatch(entry, std::move(action));
  let_end(frame, node, std::move(old));
  if (!raises) return &frame;
  frame.state = Frame::kStuck;
  return pass(frame, true);
}

// The new entry holds operands_, and the variables as they were before it.
Entry& Machine::add_entry(Frame& frame, const ir::Node& node) {
  auto* entry = new Entry(*this, &frame, frame.next_sequence++, frame.program, node);
  frame.items.push_back(entry);
  ++frame.unfinished;
  ++frame.unsafe;
  ++live_;
  ++counters_.entries;
  counters_.most_entries = std::max(counters_.most_entries, live_);
  entry->operands = operands_;
  entry->chain = chain_of(operands_, frame.chain);
  entry->control = frame.chain.calls;
  entry->stops = stops_;
  entry->handled = frame.handled;
  if (frame.in_try) entry->snapshot = std::make_shared<const Env>(frame.env);
  return *entry;
}

void Machine::give_results(Entry& entry, Frame& frame, const Action& action) {
  auto give = [&](ir::SlotId slot, Flags flags, KnownRef known = nullptr) {
    Value cell = Value::pending(new Cell(flags, std::move(known)));
    cell.chain = entry.chain;
    entry.results.push_back(cell);
    frame.env[slot] = std::move(cell);
  };
  const ir::Node& node = entry.node;
  if (node.op == ir::Op::kUnpack) {
    const Flags flags = action.flags & (kData | kAtom);
    const ir::Unpack& shape = frame.program.unpacks[node.index];
    for (std::size_t i = 0; i < shape.dests.size(); ++i)
      give(shape.dests[i], flags, part_of(action.known, i, shape.dests.size(), shape.star));
  } else if (node.op == ir::Op::kStatement) {
    for (ir::SlotId slot : frame.program.statements[node.index].outputs) give(slot, kMaybeUnbound);
  } else if (node.dest != ir::kNone && action.early.bound()) {
    Value& result = frame.env[node.dest];
    result = action.early;
    result.chain = longest(result.chain, entry.chain);
  } else if (node.dest != ir::kNone) {
    give(node.dest, action.flags, action.known);
    const Value& source = entry.operands.empty() ? entry.results[0] : entry.operands[0];
    if (!action.in_place || !source.is_pending()) return;
    if (source.cell()->lineage() == nullptr) source.cell()->join_lineage(std::make_shared<Lineage>());
    entry.results[0].cell()->join_lineage(source.cell()->lineage());
  }
}

// Note [variables that may be unbound]
// A branch that is not decided may leave a variable unbound. Reading it is an error at the place of the read,
// so a plain move of such a value waits in the window like any other node that may fail. A node that takes
// one as an operand has such a move before it; what comes later finds the variable as the move leaves it,
// except in a try statement: its handlers, and what follows it, may find that the move has never happened.
void Machine::require_bound(Frame& frame, const ir::Node& node) {
  for (std::size_t i = 0; i < node.args.size() && operands_[i].bound(); ++i) {
    if (!operands_[i].is_pending() || (operands_[i].flags() & kMaybeUnbound) == 0) continue;
    const ir::SlotId slot = node.args[i];
    const ir::Node& read =
        reads_.try_emplace({&node, i}, ir::Node{ir::Op::kMove, slot, ir::kNone, {slot}, node.position})
            .first->second;
    std::vector<Value> operands = std::exchange(operands_, {operands_[i]});
    Action action;
    action.flags = operands_[0].flags() & (kData | kAtom);
    Entry& entry = add_entry(frame, read);
    give_results(entry, frame, action);
    entry.wait_for(entry.operands[0]);
    if (frame.in_try) frame.env[slot] = operands[i];
    operands_ = std::move(operands);
    for (std::size_t j = i; j < node.args.size(); ++j)
      if (node.args[j] == slot) operands_[j] = entry.results[0];
  }
}

Frame* Machine::move(Frame& frame, const ir::Node& node) {
  gather(frame, node);
  if (const auto slot = first_unbound(node, operands_)) return raise_unbound(frame, node, *slot);
  const Value& value = operands_[0];
  if ((value.flags() & kMaybeUnbound) != 0) {
    Action action;
    action.flags = value.flags() & (kData | kAtom);
    Entry& entry = add_entry(frame, node);
    give_results(entry, frame, action);
    entry.wait_for(entry.operands[0]);
  } else {
    Value old = std::exchange(frame.env[node.dest], value);
    if ((node.last_reads & 1U) != 0) frame.env[node.args[0]] = Value();
    let_end(frame, node, std::move(old));
  }
  return &frame;
}

Frame* Machine::unbind(Frame& frame, const ir::Node& node) {
  gather(frame, node);
  if (const auto slot = first_unbound(node, operands_)) return raise_unbound(frame, node, *slot);
  if ((operands_[0].flags() & kMaybeUnbound) != 0) {
    Entry& entry = add_entry(frame, node);
    entry.wait_for(entry.operands[0]);
  }
  let_end(frame, node, std::exchange(frame.env[node.args[0]], Value()));
  return &frame;
}

Frame* Machine::leave(Frame& frame, const ir::Node& node) {
  if (node.op == ir::Op::kReturn) {
    gather(frame, node);
    if (const auto slot = first_unbound(node, operands_)) return raise_unbound(frame, node, *slot);
    if ((operands_[0].flags() & kMaybeUnbound) != 0) {
      frame.wait_for(operands_[0]);
      note_decision(frame, operands_[0]);
      --frame.pc;
      return block(frame);
    }
    frame.returned = operands_[0];
    frame.exit = Exit::kReturned;
  } else {
    frame.exit = node.op == ir::Op::kBreak ? Exit::kBroke : Exit::kContinued;
  }
  return finish(frame);
}

std::vector<Caller> Machine::callers() {
  std::vector<Caller> found;
  for (const Frame* f = place_.frame; f != nullptr; f = f->parent)
    if (f->kind == Frame::kActivation && f->parent != nullptr)
      found.push_back({&f->parent->program, f->node});
  return found;
}

// The exception for entering one more function at `place`, or unbound.
Value Machine::too_deep(Place place, const ir::Node& call, const Value& handled) {
  stand_at(place, handled);
  Value error = host_.depth_error(place.frame->calls + 1);
  if (error.bound()) host_.call_raised(place.frame->program, call, error);
  return error;
}

// A new activation of what is entered; it is not among the parent's items yet.
Frame* Machine::make_activation(Frame* parent, std::uint64_t sequence, Enter enter) {
  auto* f = new Frame(*this, parent, sequence, Frame::kActivation, *enter.program);
  f->program_owner = std::move(enter.program);
  f->region = &f->program.regions[f->program.body];
  f->env = std::move(enter.slots);
  f->env.resize(f->program.slots.size());
  return f;
}

// `child` comes after the other items of `parent`, which waits for its control.
void Machine::suspend_for(Frame& parent, Frame& child) {
  parent.items.push_back(&child);
  ++parent.unfinished;
  ++parent.unsafe;
  parent.child = &child;
  parent.state = Frame::kSuspended;
}

Frame* Machine::push_activation(Frame& frame, const ir::Node& node, Enter enter) {
  if (Value error = too_deep(frame.end(), node, frame.handled); error.bound()) {
    waits_.begin(waits_.own(frame.program, node, static_cast<ReasonCode>(explain::Reason::kRecursionLimit)));
    return raise(frame, node, std::move(error));
  }
  Frame* f = make_activation(&frame, frame.next_sequence++, std::move(enter));
  f->node = &node;
  f->dest = node.dest;
  f->calls = frame.calls + 1;
  f->chain = frame.chain;
  f->handled = frame.handled;
  suspend_for(frame, *f);
  return f;
}

Frame* Machine::push_region(Frame& frame, ir::RegionId region) {
  Frame* f = push_control(frame, Frame::kRegion, *frame.node);
  f->region = &frame.program.regions[region];
  return f;
}

// A child of the same activation takes over the variables.
Frame* Machine::push_control(Frame& frame, Frame::Kind kind, const ir::Node& node) {
  auto* f = new Frame(*this, &frame, frame.next_sequence++, kind, frame.program);
  f->node = &node;
  f->calls = frame.calls;
  f->chain = frame.chain;
  f->handled = frame.handled;
  f->in_try = frame.keeps_variables();
  f->env = std::move(frame.env);
  suspend_for(frame, *f);
  return f;
}

// The frame's code has been walked to its end.
Frame* Machine::finish(Frame& frame) {
  const bool activation = frame.kind == Frame::kActivation;
  if (activation && !frame.guesses.empty()) {
    frame.held = true;
    return wait_for_guess(frame);
  }
  if (frame.guess) {
    const bool body = frame.kind == Frame::kRegion;
    if (frame.exit != Exit::kFell && !(body && frame.exit == Exit::kContinued)) return roll_back(frame);
    close_guess(frame, false);
  }
  if (activation) let_variables_end(frame);
  frame.state = Frame::kFetched;
  memory_.remove(frame);
  if (activation) {
    if (frame.exit != Exit::kReturned) frame.returned = host_.none();
    // The result depends on the decisions made in the frame, not on those that led to it.
    const bool decided =
        frame.passed || frame.parent == nullptr || frame.chain.calls > frame.parent->chain.calls;
    if (decided) frame.returned.chain = longest(frame.returned.chain, frame.chain);
  }
  Frame* parent = frame.parent;
  if (parent == nullptr) {
    outcome_.value = frame.returned;
    if (frame.unfinished == 0) frame.done = true;
    return nullptr;
  }
  if (frame.passed) {
    if (activation && frame.result.is_pending()) fill(frame.result, frame.returned);
    for (const Frame::Output& output : frame.outputs) {
      Value& v = frame.env[output.slot];
      v.settle();
      v.chain = longest(v.chain, frame.chain);
      fill(output.cell, v);
    }
    frame.outputs.clear();
    frame.env.clear();
    frame.wake_followers();
    if (frame.unfinished == 0) {
      mark_done(frame);
    } else if (frame.unsafe == 0) {
      mark_safe(frame);
    }
    return nullptr;
  }

  if (activation && frame.unfinished != 0 && parent->in_try)
    frame.snapshot = std::make_shared<const Env>(parent->env);
  parent->child = nullptr;
  const Exit exit = frame.exit;
  Value returned = std::move(frame.returned);
  if (frame.generator) {
    parent->producer->exhausted = true;
    parent->guards = false;
    parent->chain = longest(parent->chain, frame.chain);
  } else if (activation) {
    if (frame.dest != ir::kNone) {
      parent->env[frame.dest] = returned;
    } else {
      parent->test = returned;
    }
  } else {
    parent->env = std::move(frame.env);
    parent->chain = longest(parent->chain, frame.chain);
    if (frame.kind == Frame::kIf && frame.chain.calls != 0)
      for (ir::SlotId slot : assigned(frame))
        parent->env[slot].chain = longest(parent->env[slot].chain, frame.chain);
  }
  frame.env.clear();
  Frame* unfinished = &frame;
  if (frame.unfinished == 0) {
    unfinished = nullptr;
    frame.done = true;
    frame.wake_followers();
    parent->deep_chain = longest(parent->deep_chain, longest(frame.deep_chain, frame.chain));
    --parent->unfinished;
    --parent->unsafe;
    parent->items.pop_back();  // nothing can have come after it: the parent was suspended
    free(&frame);
  } else if (frame.unsafe == 0) {
    mark_safe(frame);
  }
  parent->state = Frame::kRunning;
  return resume(*parent, activation, exit, std::move(returned), unfinished);
}

// Control comes back to `parent` from its child; `unfinished` is the child unless it is complete.
Frame* Machine::resume(Frame& parent, bool activation, Exit exit, Value returned, Frame* unfinished) {
  if (activation) return &parent;
  switch (parent.kind) {
    case Frame::kActivation:
    case Frame::kRegion:
      if (exit == Exit::kFell) return &parent;
      parent.exit = exit;
      parent.returned = std::move(returned);
      return finish(parent);
    case Frame::kIf:
      parent.exit = exit;
      parent.returned = std::move(returned);
      return finish(parent);
    case Frame::kLoop:
      return resume_loop(parent, exit, std::move(returned));
    case Frame::kTry:
      return resume_try(parent, exit, std::move(returned), unfinished);
  }
  return nullptr;
}

// An exception at this place. It is handled once everything before it is complete; nothing after it is
// fetched, except past a try statement that may handle it.
Frame* Machine::raise(Frame& frame, const ir::Node& node, Value exception) {
  operands_.clear();
  Entry& entry = add_entry(frame, node);
  entry.state = Entry::kFailed;
  entry.exception = std::move(exception);
  frame.state = Frame::kStuck;
  if (Frame* handler = handle(entry)) return handler;
  failed_.push_back(&entry);
  return pass(frame, true);
}

Frame* Machine::raise_unbound(Frame& frame, const ir::Node& node, ir::SlotId slot) {
  stand_at(frame.end(), frame.handled);
  return raise(frame, node, host_.unbound_error(frame.program, slot, node));
}

// The frame's own control waits for what the action says.
Frame* Machine::block_on(Frame& frame, const ir::Node& node, Action& action) {
  note_control_wait(frame, node, action);
  switch (action.verdict) {
    case Action::kElement:
      frame.wait_for(action.value);
      break;
    case Action::kBlocked:
      if (blocker_ != nullptr) {
        frame.wait_for(blocker_);
        break;
      }
      [[fallthrough]];
    default:
      frame.wants_turn = true;
  }
  return block(frame);
}

Frame* Machine::block(Frame& frame) {
  frame.state = Frame::kBlocked;
  return pass(frame, false);
}

bool Machine::may_leave(const Frame& frame) {
  const ir::Program& p = frame.program;
  auto any = [&](ir::RegionId r) { return r != ir::kNone && p.regions[r].exits.any(); };
  switch (frame.kind) {
    case Frame::kActivation:
      return frame.generator;
    case Frame::kRegion: {
      const ir::Exits& e = frame.region->exits;
      if (frame.parent->kind == Frame::kLoop && frame.region == &p.regions[p.loops[frame.node->index].body])
        return e.returns || e.breaks || e.yields;
      return e.any();
    }
    case Frame::kIf: {
      const ir::If& i = p.ifs[frame.node->index];
      return any(i.then_region) || any(i.else_region);
    }
    case Frame::kLoop: {
      const ir::Loop& l = p.loops[frame.node->index];
      const ir::Exits& e = p.regions[l.body].exits;
      return e.returns || e.yields || any(l.head) || any(l.orelse);
    }
    case Frame::kTry: {
      const ir::Try& t = p.tries[frame.node->index];
      bool leaves = any(t.body) || any(t.orelse) || any(t.final_region);
      for (const ir::Handler& h : t.handlers) leaves = leaves || any(h.body) || any(h.test);
      return leaves;
    }
  }
  return true;
}

// Note [endless loops]
// `while True` without break or return ends by an exception or not at all. Whatever comes after it is reached
// by a handler alone, and every turn is reached only if nothing in the turn before raises, as something will
// sooner or later. So nothing goes on without such a loop, and it takes its turns one by one.
bool Machine::is_endless(const Frame& loop) {
  const ir::Loop& l = loop.program.loops[loop.node->index];
  if (l.head == ir::kNone) return false;
  const ir::Exits& e = loop.program.regions[l.body].exits;
  const std::vector<ir::Node>& head = loop.program.regions[l.head].nodes;
  return head.size() == 1 && head[0].op == ir::Op::kConst && !e.returns && !e.breaks && !e.yields;
}

// `frame` cannot go on. Finds the innermost frame around it that can be left behind, and goes on after that
// one.
Frame* Machine::pass(Frame& frame, bool raising) {
  const Frame* leaver = nullptr;
  Frame* f = &frame;
  for (; f->parent != nullptr && !f->passed; f = f->parent) {
    if (f->kind == Frame::kTry && f->body != nullptr && !f->program.tries[f->node->index].handlers.empty())
      raising = false;
    raising = raising || (f->kind == Frame::kLoop && is_endless(*f));
    const bool leaves = !raising && may_leave(*f);
    if (leaves && f->parent->kind != Frame::kTry && may_guess(frame, *f)) return guess(*f);
    if (leaves && leaver == nullptr && frame.state == Frame::kBlocked && frame.guesses.empty()) leaver = f;
    if (!raising && !leaves && f->parent->kind != Frame::kTry) break;
  }
  if (leaver != nullptr && (frame.wait == Waits::kNone || !waits_.is_missed(frame.wait)))
    note_exit(frame, *leaver, *f);
  if (f->passed) return index(*f), nullptr;
  return f->parent == nullptr ? nullptr : go_on_without(*f->parent, *f);
}

// Makes what a passed frame has not fetched known to the loads after it.
void Machine::index(Frame& frame) {
  if (frame.indexed || frame.state == Frame::kFetched) return;
  Footprint footprint = summarize(frame).footprint;
  frame.opaque = footprint.cause;
  memory_.add(frame, std::move(footprint));
}

Frame* Machine::go_on_without(Frame& parent, Frame& child) {
  const Summary summary = summarize(child);
  child.passed = true;
  ++live_;
  ++counters_.frames;
  parent.child = nullptr;
  if (child.kind == Frame::kActivation) {
    if (parent.in_try) child.snapshot = std::make_shared<const Env>(parent.env);
    child.result = Value::pending(new Cell(summary.result.flags, summary.result.known));
    child.result.chain = child.chain;
    Value& result = child.dest != ir::kNone ? parent.env[child.dest] : parent.test;
    result = certain(summary.result.known);
    if (!result.bound()) result = child.result;
    result.chain = child.chain;
  } else {
    const Frame* leaf = &child;
    while (leaf->child != nullptr && leaf->child->kind != Frame::kActivation) leaf = leaf->child;
    parent.env = leaf->env;
    const std::vector<ir::SlotId>& slots = assigned(child);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const Summary::Fact fact =
          i < summary.outputs.size() ? summary.outputs[i] : Summary::Fact{kMaybeUnbound, nullptr};
      Value sure = (fact.flags & kMaybeUnbound) == 0 ? certain(fact.known) : Value();
      if (sure.bound()) {
        sure.chain = child.chain;
        parent.env[slots[i]] = std::move(sure);
        continue;
      }
      Value cell = Value::pending(new Cell(fact.flags, fact.known));
      child.outputs.push_back({slots[i], cell});
      parent.env[slots[i]] = std::move(cell);
    }
  }
  child.opaque = summary.footprint.cause;
  memory_.add(child, summary.footprint);
  parent.state = Frame::kRunning;
  if (parent.kind == Frame::kIf && child.kind != Frame::kActivation) return finish(parent);
  if (parent.kind == Frame::kLoop && child.kind != Frame::kActivation)
    return resume_loop(parent, Exit::kFell, Value());
  return &parent;
}

const std::vector<ir::SlotId>& Machine::assigned(const Frame& frame) {
  if (frame.kind == Frame::kRegion || frame.kind == Frame::kActivation) return frame.region->assigned;
  auto [found, added] = assigned_.try_emplace(frame.node);
  std::vector<ir::SlotId>& slots = found->second;
  if (!added) return slots;
  const ir::Program& p = frame.program;
  auto join = [&](ir::RegionId r) {
    if (r != ir::kNone) slots.insert(slots.end(), p.regions[r].assigned.begin(), p.regions[r].assigned.end());
  };
  if (frame.kind == Frame::kIf) {
    join(p.ifs[frame.node->index].then_region);
    join(p.ifs[frame.node->index].else_region);
  } else if (frame.kind == Frame::kLoop) {
    const ir::Loop& l = p.loops[frame.node->index];
    join(l.head);
    join(l.body);
    join(l.orelse);
    if (l.item != ir::kNone) slots.push_back(l.item);
  } else {
    const ir::Try& t = p.tries[frame.node->index];
    join(t.body);
    join(t.orelse);
    join(t.final_region);
    for (const ir::Handler& h : t.handlers) {
      join(h.test);
      join(h.body);
    }
    if (t.exception != ir::kNone) slots.push_back(t.exception);
  }
  std::ranges::sort(slots);
  slots.erase(std::ranges::unique(slots).begin(), slots.end());
  return slots;
}

}  // namespace xcs::window
