// Fetch: walks the program in order, does at once what can be done, and leaves the rest in the window.
#include <algorithm>
#include <bit>

#include "window/machine.h"

namespace xcs::window {

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

// Calls `release` with each temporary that nothing reads after the node.
template <class Release>
void each_last_read(const ir::Node& node, const Release& release) {
  for (std::uint32_t left = node.last_reads & ~ir::Node::kDestUnread; left != 0; left &= left - 1)
    release(node.args[std::countr_zero(left)]);
  if ((node.last_reads & ir::Node::kDestUnread) != 0) release(node.dest);
}

}  // namespace

// A temporary that has been used holds its value no longer, as in CPython.
void Machine::release_temporaries(Frame& frame, const ir::Node& node) {
  if (node.last_reads == 0) return;
  const bool at_once = quiet();
  operands_.clear();
  each_last_read(node, [&](ir::SlotId slot) {
    Value& v = frame.env[slot];
    if (at_once || (v.ready() && host_.goes_plainly(v))) {
      v = Value();
    } else if (v.ready()) {
      let_end(frame, node, std::exchange(v, Value()));
    }
  });
}

namespace {

// References to the object of what waits inside the frame: not of the variables of `running`.
std::uint32_t held_inside(const Frame& frame, const Frame& running, const Object* object,
                          std::vector<const Env*>& seen) {
  const auto count = [&](std::span<const Value> values) {
    return static_cast<std::uint32_t>(
        std::ranges::count_if(values, [&](const Value& v) { return v.object() == object; }));
  };
  std::uint32_t references = &frame == &running ? 0 : count(frame.env);
  if (frame.producer != nullptr) references += count(frame.producer->env);
  for (const Item* item : frame.items.all()) {
    const Env* snapshot = item->snapshot.get();
    if (snapshot != nullptr && std::ranges::find(seen, snapshot) == seen.end()) {
      seen.push_back(snapshot);
      references += count(*snapshot);
    }
    references += item->is_frame ? held_inside(static_cast<const Frame&>(*item), running, object, seen)
                                 : count(static_cast<const Entry&>(*item).operands);
  }
  return references;
}

}  // namespace

// Whether the value, which a variable or temporary of the function has just let go of, ends with it and runs
// code then. Code of the function that waits may have it, too.
bool Machine::ends_with(const Frame& frame, const Value& old) {
  if (host_.drop_runs_code(old, 1)) return true;
  if (live_ == 0) return false;
  const std::optional<std::uint32_t> references = host_.references_to_ending(old);
  if (!references) return false;
  const Frame* activation = &frame;
  while (activation->kind != Frame::kActivation) activation = activation->parent;
  std::vector<const Env*> seen;
  return *references == 1 + held_inside(*activation, frame, old.object(), seen);
}

// A variable or temporary holds `old` no longer. Where that runs code, it happens in program order: an entry
// takes the value over.
void Machine::let_end(Frame& frame, const ir::Node& node, Value old) {
  operands_.clear();
  if (!old.ready() || !ends_with(frame, old)) return;
  stand_at(frame.end(), frame.handled);
  if (quiet()) return;
  constexpr std::size_t kEnd = SIZE_MAX;  // no operand
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
    if (v.ready()) let_end(activation, activation.region->nodes.back(), std::exchange(v, Value()));
}

Frame* Machine::run_node(Frame& frame, const ir::Node& node) {
  gather(frame, node);
  if (hands_on(node.op) && is_passed(frame))
    for (const Value& v : operands_) memory_.note_late(v, frame.end());
  if (node.op != ir::Op::kStatement) require_bound(frame, node);
  if (const auto slot = first_unbound(node, operands_)) return raise_unbound(frame, node, *slot);
  Action action = attempt(frame.program, node, operands_, frame.end(), frame.handled);
  if (action.ran_code) note_ran_whole(frame, frame.end(), operands_, action);
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
      if (action.context == Action::kOpens) return open_context(frame, node, std::move(action.enter));
      if (action.context == Action::kCloses) return close_context(frame, node);
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
  each_last_read(node, [&](ir::SlotId slot) { frame.env[slot] = Value(); });  // the entry has it
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
  if (frame.in_try) entry->snapshot = std::make_shared<Env>(frame.env);
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

}  // namespace xcs::window
