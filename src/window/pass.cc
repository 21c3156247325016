// What cannot go on: frames that wait or have raised, and going on without them.
#include <algorithm>

#include "window/machine.h"

namespace xcs::window {

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
      return frame.generator || frame.opens_context() ||
             (frame.context != nullptr && frame.context->raised.bound());
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
    if (parent.in_try) child.snapshot = std::make_shared<Env>(parent.env);
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
