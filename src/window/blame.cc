// What the machine notes of waits: the reason, the node to blame, and the time (waits.h).
#include <chrono>

#include "window/machine.h"

namespace xcs::window {

namespace {

using explain::Reason;

constexpr ReasonCode code(Reason reason) { return static_cast<ReasonCode>(reason); }

const Frame& innermost(const Frame& frame) {
  const Frame* leaf = &frame;
  while (leaf->child != nullptr) leaf = leaf->child;
  return *leaf;
}

// Where control is in a blocked frame: the node that its innermost frame is at.
std::pair<const ir::Program*, const ir::Node*> control_in(const Frame& frame) {
  const Frame& leaf = innermost(frame);
  const bool walks = leaf.kind == Frame::kActivation || leaf.kind == Frame::kRegion;
  if (!walks || leaf.region == nullptr || leaf.region->nodes.empty()) return {&leaf.program, leaf.node};
  const std::size_t at = std::min<std::size_t>(leaf.pc, leaf.region->nodes.size() - 1);
  return {&leaf.program, &leaf.region->nodes[at]};
}

}  // namespace

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

// The wait goes on when it is for the same as before.
void Machine::begin_wait(Item& item, Waits::Row row, Waits::Row held_by) {
  if (item.wait == row && item.held_by == held_by) return;
  const std::uint64_t began_ns = now_ns();
  end_wait(item, began_ns);
  item.wait = row;
  item.held_by = held_by;
  item.wait_began_ns = began_ns;
  waits_.begin(row);
  if (held_by != Waits::kNone) waits_.hold(held_by, began_ns);
}

void Machine::end_wait(Item& item, std::uint64_t now) {
  if (item.wait == Waits::kNone) return;
  if (now == 0) now = now_ns();
  waits_.end(item.wait, item.wait_began_ns, now);
  if (item.held_by != Waits::kNone) waits_.release(item.held_by, now);
  item.wait = item.held_by = Waits::kNone;
}

// The row of what is in the way of a load that the host says waits for `reason`.
Waits::Row Machine::blame_of(const Item& blocker, ReasonCode reason) {
  if (blocker.is_frame) {
    const auto& frame = static_cast<const Frame&>(blocker);
    const Frame& leaf = innermost(frame);
    if (leaf.wait != Waits::kNone && waits_.is_missed(leaf.wait)) return waits_.root(leaf.wait);
    if (frame.opaque.node != nullptr) {
      const Waits::Row row = waits_.own(*frame.opaque.program, *frame.opaque.node, frame.opaque.reason);
      if (waits_.is_missed(row)) return row;
    }
    const auto [program, node] = control_in(frame);
    return node == nullptr ? Waits::kNone : waits_.own(*program, *node, code(Reason::kBlockedRegion));
  }
  const auto& entry = static_cast<const Entry&>(blocker);
  if (entry.effect.memory == Effect::kAnything && entry.wait != Waits::kNone && waits_.is_missed(entry.wait))
    return waits_.root(entry.wait);
  return waits_.own(entry.program, entry.node, reason);
}

// The wait of an item at `node` that the action asks for. `own` is the reason when nothing else is to blame.
void Machine::note_wait(Item& item, const ir::Program& program, const ir::Node& node, const Action& action,
                        const Value* awaited, ReasonCode own) {
  if (own == 0) return;
  Waits::Row blamed = Waits::kNone;
  bool holds = true;
  if (awaited != nullptr && awaited->is_pending()) {
    const Cell::Blame blame = awaited->cell()->blame();
    blamed = blame.row;
    holds = blame.in_order;  // otherwise its maker is what is held up
  } else if (action.verdict == Action::kBlocked && blocker_ != nullptr) {
    blamed = blame_of(*blocker_, action.reason);
  }
  if (blamed == Waits::kNone) {
    const Waits::Row row = waits_.own(program, node, own);
    // What waits for its turn without being in anybody's way is itself what could have gone on.
    const bool loses = action.verdict == Action::kOrdered && waits_.is_missed(row) &&
                       (item.is_frame || action.effect.memory == Effect::kNone);
    begin_wait(item, row, loses ? row : Waits::kNone);
    return;
  }
  const Waits::Row row = waits_.because_of(program, node, blamed);
  begin_wait(item, row, holds && waits_.is_missed(blamed) ? blamed : Waits::kNone);
}

void Machine::note_entry_wait(Entry& entry, const Action& action) {
  const Value* awaited = nullptr;
  if (action.verdict == Action::kOperand) awaited = &entry.operands[action.operand];
  if (action.verdict == Action::kElement) awaited = &action.value;
  note_wait(entry, entry.program, entry.node, action, awaited, action.reason);
  // What waits for the result waits for what this waits for.
  Cell::Blame blame;
  if (entry.wait != Waits::kNone && waits_.is_missed(entry.wait)) {
    const bool ordered = action.verdict == Action::kOrdered;
    bool ready = true;
    for (const Value& operand : entry.operands) ready = ready && !operand.is_pending();
    blame.in_order = ordered && ready && action.effect.memory != Effect::kNone;
    if (blame.in_order || action.verdict == Action::kBlocked ||
        (awaited != nullptr && awaited->cell()->blame().row != Waits::kNone))
      blame.row = waits_.root(entry.wait);
  }
  for (const Value& result : entry.results)
    if (result.is_pending() && !result.cell()->filled()) result.cell()->set_blame(blame);
}

void Machine::note_control_wait(Frame& frame, const ir::Node& node, const Action& action) {
  const bool answer = action.verdict == Action::kElement || action.verdict == Action::kOperand;
  note_wait(frame, frame.program, node, action, answer ? &action.value : nullptr,
            answer ? code(Reason::kDecidesControl) : action.reason);
}

// The frame waits for a value that decides where it goes on.
void Machine::note_decision(Frame& frame, const Value& awaited) {
  Action action;
  action.verdict = Action::kElement;
  action.value = awaited;
  note_control_wait(frame, frame.node != nullptr ? *frame.node : frame.region->nodes[frame.pc - 1], action);
}

void Machine::note_order(Item& item, const ir::Program& program, const ir::Node& node, Reason reason) {
  begin_wait(item, waits_.own(program, node, code(reason)), Waits::kNone);
}

// Held up by a limit at the place where the item is.
void Machine::note_limit(Item& item, Reason reason) {
  const ir::Program* program = nullptr;
  const ir::Node* node = nullptr;
  if (item.is_frame) {
    std::tie(program, node) = control_in(static_cast<Frame&>(item));
  } else {
    program = &static_cast<Entry&>(item).program;
    node = &static_cast<Entry&>(item).node;
  }
  if (node == nullptr) return;
  const Waits::Row row = waits_.own(*program, *node, code(reason));
  begin_wait(item, row, row);
}

// Note [exits that hold up]
// A frame that may be left, and waits for the answer that decides it, holds up what follows up to the end of
// `held_up`. Whether that costs anything shows later: the time counts as lost when a call that follows in
// `held_up` is issued that depends on the decision only because it comes after it. An agent that asks until
// it is told to stop loses nothing: each of its prompts needs the answer before it.
void Machine::note_exit(Frame& frame, const Frame& leaver, Frame& held_up) {
  if (frame.exit_row != Waits::kNone || leaver.node == nullptr) return;
  frame.exit_row = waits_.own(leaver.program, *leaver.node, code(Reason::kMayExit));
  frame.exit_since_ns = now_ns();
  frame.held_up = &held_up;
}

void Machine::end_exit(Frame& frame) {
  if (frame.exit_row == Waits::kNone) return;
  frame.held_up->stops.push_back(
      {std::exchange(frame.exit_row, Waits::kNone), ++stops_, frame.exit_since_ns, now_ns()});
}

void Machine::note_issue(const Entry& entry) {
  for (const Value& result : entry.results)
    if (result.is_pending()) result.cell()->set_blame({});
  if (stops_ == 0) return;
  if (chain_of(entry.operands, {}).calls >= entry.control) return;  // it needs an answer as late as that
  for (Frame* f = entry.parent; f != nullptr; f = f->parent)
    std::erase_if(f->stops, [&](const Standstill& stop) {
      if (stop.number > entry.stops) return false;
      waits_.begin(stop.row);
      waits_.end(stop.row, stop.from_ns, stop.until_ns);
      waits_.lose(stop.row, stop.from_ns, stop.until_ns);
      return true;
    });
}

void Machine::done_in_order(ReasonCode reason, std::uint64_t nanoseconds) {
  if (attempted_.node == nullptr) return;
  const Waits::Row row = waits_.own(*attempted_.program, *attempted_.node, reason);
  const std::uint64_t now = now_ns();
  const bool reached_now =
      place_.sequence == place_.frame->next_sequence;  // otherwise its wait has been counted
  if (reached_now) waits_.begin(row);
  waits_.lose(row, now - nanoseconds, now);
}

// What the run's own nodes met counts as met by the nodes of the program that they stand before or after,
// which outlive it.
std::vector<Site> Machine::sites() const {
  std::unordered_map<const ir::Node*, const ir::Node*> stands_for;
  for (const auto& [of, made] : reads_) stands_for[&made] = of.first;
  const auto settle = [&](const ir::Node*& node) {
    if (const auto found = stands_for.find(node); found != stands_for.end()) node = found->second;
  };
  std::vector<Site> sites = waits_.sites();
  for (Site& site : sites) {
    settle(site.node);
    for (Wait& wait : site.waits) settle(wait.node);
  }
  return sites;
}

}  // namespace xcs::window
