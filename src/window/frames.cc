// Frames: entering functions and regions, and coming back from them.
#include "window/machine.h"

namespace xcs::window {

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
    if (frame.exit != Exit::kFell && (!body || frame.exit != Exit::kContinued)) return roll_back(frame);
    close_guess(frame, false);
  }
  if (frame.opens_context()) return never_yields(frame);
  if (activation) let_variables_end(frame);
  frame.state = Frame::kFetched;
  memory_.remove(frame);
  if (activation) {
    if (frame.exit != Exit::kReturned) frame.returned = host_.none();
    if (frame.context != nullptr) frame.returned = host_.truth(frame.context->raised.bound());
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
    finish_passed(frame);
    return nullptr;
  }

  if (activation && frame.unfinished != 0 && parent->in_try)
    frame.snapshot = std::make_shared<Env>(parent->env);
  parent->child = nullptr;
  const Exit exit = frame.exit;
  Value returned = std::move(frame.returned);
  hand_over(frame, *parent, returned);
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

// What the parent has gone on without is there now.
void Machine::finish_passed(Frame& frame) {
  if (frame.kind == Frame::kActivation && frame.result.is_pending())
    fill(frame.result, frame.returned, frame);
  for (const Frame::Output& output : frame.outputs) {
    Value& v = frame.env[output.slot];
    v.settle();
    v.chain = longest(v.chain, frame.chain);
    fill(output.cell, v, frame);
  }
  frame.outputs.clear();
  frame.env.clear();
  frame.wake_followers();
  if (frame.unfinished == 0) {
    mark_done(frame);
  } else if (frame.unsafe == 0) {
    mark_safe(frame);
  }
}

// The parent gets the variables back, or the result of an activation.
void Machine::hand_over(Frame& frame, Frame& parent, const Value& returned) {
  if (frame.generator) {
    parent.producer->exhausted = true;
    parent.guards = false;
    parent.chain = longest(parent.chain, frame.chain);
  } else if (frame.kind == Frame::kActivation) {
    if (frame.dest != ir::kNone) {
      parent.env[frame.dest] = returned;
    } else {
      parent.test = returned;
    }
  } else {
    parent.env = std::move(frame.env);
    parent.chain = longest(parent.chain, frame.chain);
    if (frame.kind == Frame::kIf && frame.chain.calls != 0)
      for (ir::SlotId slot : assigned(frame))
        parent.env[slot].chain = longest(parent.env[slot].chain, frame.chain);
  }
  frame.env.clear();
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

}  // namespace xcs::window
