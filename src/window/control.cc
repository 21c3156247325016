// The frames of if, loop and try statements.
#include <algorithm>

#include "window/machine.h"

namespace xcs::window {

namespace {

// What a loop or try frame does next.
enum Phase : std::uint8_t {
  kStart,
  kEnds,       // has no more turns, but guesses in it are open
  kLeaves,     // is left by its body, but guesses in it are open
  kClosing,    // for: its generator is being closed, and then it is left
  kHead,       // while: the condition's region runs
  kCondition,  // while: the condition is read
  kBody,
  kElse,
  kBodyFetched,  // try: until the body is safe
  kElseFetched,
  kTest,  // try: the handler's test is about to run
  kTesting,
  kTested,
  kHandler,
  kHandlerFetched,
  kFinal,
  kFinalRunning,
};

// Whether it is a comprehension, which cannot go on with what is made already.
bool makes_result(const ir::Statement& statement) {
  return std::ranges::find(statement.output_names, ".result") != statement.output_names.end();
}

}  // namespace

// Reads the variable `condition` as bool. On kGone, `next` is the frame to go on with.
Machine::Test Machine::test(Frame& frame, ir::SlotId condition, Frame*& next) {
  if (frame.test.bound()) {
    frame.test.settle();
    if (frame.test.is_pending()) {
      frame.wait_for(frame.test);
      note_decision(frame, frame.test);
      next = block(frame);
      return Test::kGone;
    }
    frame.chain = longest(frame.chain, frame.test.chain);
    const bool yes = host_.is_true(frame.test);
    frame.test = Value();
    return yes ? Test::kTrue : Test::kFalse;
  }
  ir::Node node{ir::Op::kTruth, ir::kNone, ir::kNone, {}, frame.node->position};
  Value operand = frame.env[condition];
  operand.settle();
  if (!operand.bound()) {
    next = raise_unbound(frame, *frame.node, condition);
    return Test::kGone;
  }
  Action action = attempt(frame.program, node, std::span(&operand, 1), frame.end(), frame.handled);
  switch (action.verdict) {
    case Action::kDone:
      if (action.value.is_pending()) {
        frame.test = action.value;
        return test(frame, condition, next);
      }
      frame.chain = longest(longest(frame.chain, operand.chain), action.value.chain);
      return host_.is_true(action.value) ? Test::kTrue : Test::kFalse;
    case Action::kRaised:
      next = raise(frame, *frame.node, std::move(action.value));
      return Test::kGone;
    case Action::kEnter:
      next = push_activation(frame, *frame.node, std::move(action.enter));
      frame.child->dest = ir::kNone;
      return Test::kGone;
    case Action::kOperand:
      action.verdict = Action::kElement;
      action.value = operand;
      [[fallthrough]];
    default:
      next = block_on(frame, *frame.node, action);
      return Test::kGone;
  }
}

// Runs the statement whole when nothing can be gained by walking through it. Returns nothing when it has not,
// and otherwise whether it has not raised; then the exception is on its way from `next`.
std::optional<bool> Machine::run_whole(Frame& frame, const ir::Node& node, ir::Index statement,
                                       std::uint32_t turns, Frame*& next) {
  if (statement == ir::kNone) return {};
  stand_at(frame.end(), frame.handled);
  const bool loops = node.op == ir::Op::kLoop && frame.program.loops[node.index].head == ir::kNone;
  const Value* iterator = loops ? &frame.env[node.args[0]] : nullptr;
  const bool reaches = loops && iterator->ready() && host_.may_reach_when_stepped(*iterator);
  if (reaches || !quiet() || !host_.runs_whole(frame.program, statement, turns)) return {};
  const ir::Statement& s = frame.program.statements[statement];
  ir::Node run{ir::Op::kStatement, ir::kNone, statement, {}, node.position};
  gather(frame, run);
  // What was evaluated before the statement must be there; its variables need not be.
  const bool ready =
      std::ranges::none_of(operands_, [](const Value& v) { return v.is_pending(); }) &&
      std::ranges::all_of(node.args, [&](ir::SlotId given) { return frame.env[given].bound(); });
  if (!ready) return {};
  Action action = attempt(frame.program, run, operands_, frame.end(), frame.handled);
  note_ran_whole(frame, frame.end(), operands_, action);
  assign_outputs(frame.env, s, action);
  if (action.verdict != Action::kRaised) return true;
  next = raise(frame, node, std::move(action.value));
  return false;
}

Frame* Machine::whole(Frame& frame, const ir::Node& node, ir::Index statement) {
  Frame* next = &frame;
  if (run_whole(frame, node, statement, 0, next)) return next;
  switch (node.op) {
    case ir::Op::kLoop:
      return push_control(frame, Frame::kLoop, node);
    case ir::Op::kTry:
      return push_control(frame, Frame::kTry, node);
    default:
      return push_control(frame, Frame::kIf, node);
  }
}

Frame* Machine::advance_if(Frame& frame) {
  Frame* next = nullptr;
  const ir::If& branch = frame.program.ifs[frame.node->index];
  const Test decided = test(frame, frame.node->args[0], next);
  if (decided == Test::kGone) return next;
  const ir::RegionId region = decided == Test::kTrue ? branch.then_region : branch.else_region;
  if (region == ir::kNone) return finish(frame);
  return push_region(frame, region);
}

Frame* Machine::advance_loop(Frame& frame) {
  const ir::Loop& loop = frame.program.loops[frame.node->index];
  if (frame.phase == kClosing) return leave_closed(frame);
  if (frame.phase == kEnds) return end_loop(frame);
  if (frame.phase == kLeaves) {
    frame.phase = kBody;
    return resume_loop(frame, frame.saved_exit, std::move(frame.saved_return));
  }
  if (frame.phase == kStart && frame.turns > 0) {
    Frame* next = nullptr;
    if (rest_runs_whole(frame, next)) return next;
  }
  if (frame.phase == kStart && loop.head != ir::kNone) {
    if (frame.turns > 0 && is_endless(frame) && !is_oldest(frame.end())) {
      frame.wants_turn = true;
      return block(frame);
    }
    frame.phase = kHead;
    return push_region(frame, loop.head);
  }
  if (loop.head == ir::kNone) return next_item(frame);
  Frame* next = nullptr;
  const Test decided = test(frame, loop.condition, next);
  if (decided == Test::kGone) return next;
  if (decided == Test::kFalse) return end_loop(frame);
  ++frame.bodies;
  frame.phase = kBody;
  return push_region(frame, loop.body);
}

// Between two turns: runs those that are left whole, with the loop's end, when the turns so far show that
// nothing can be gained by walking through them. Returns whether it has; `next` is the frame to go on with.
bool Machine::rest_runs_whole(Frame& frame, Frame*& next) {
  constexpr std::uint32_t kFirstLook = 16;
  const ir::Loop& loop = frame.program.loops[frame.node->index];
  if (frame.turns < kFirstLook || (frame.turns & (frame.turns - 1)) != 0 || loop.whole == ir::kNone ||
      makes_result(frame.program.statements[loop.whole]) || frame.producer != nullptr ||
      !frame.guesses.empty() || frame.guards)
    return false;
  const std::optional<bool> ran = run_whole(frame, *frame.node, loop.whole, frame.turns, next);
  if (ran == true) next = finish(frame);
  return ran.has_value();
}

Frame* Machine::next_item(Frame& frame) {
  const ir::Loop& loop = frame.program.loops[frame.node->index];
  if (frame.producer != nullptr) return frame.producer->exhausted ? end_loop(frame) : resume_producer(frame);
  Value& iterator = frame.env[frame.node->args[0]];
  iterator.settle();
  if (iterator.is_pending()) {
    frame.wait_for(iterator);
    note_decision(frame, iterator);
    return block(frame);
  }
  frame.chain = longest(frame.chain, iterator.chain);
  if (!frame.started) {
    frame.started = true;
    if (take_generator(frame)) return resume_producer(frame);
  }
  stand_at(frame.end(), frame.handled);
  Action action = apart_from_interrupts(host_.next(frame.program, *frame.node, iterator, *this), *this);
  switch (action.verdict) {
    case Action::kDone:
      action.value.chain = longest(longest(action.value.chain, contents_of(action.value)), iterator.chain);
      let_end(frame, *frame.node, std::exchange(frame.env[loop.item], std::move(action.value)));
      return enter_body(frame);
    case Action::kStop:
      return end_loop(frame);
    case Action::kRaised:
      return raise(frame, *frame.node, std::move(action.value));
    default:
      return block_on(frame, *frame.node, action);
  }
}

Frame* Machine::enter_body(Frame& frame) {
  ++frame.bodies;
  frame.phase = kBody;
  return push_region(frame, frame.program.loops[frame.node->index].body);
}

Frame* Machine::end_loop(Frame& frame) {
  if (!frame.guesses.empty()) {
    frame.phase = kEnds;
    return wait_for_guess(frame);
  }
  const ir::Loop& loop = frame.program.loops[frame.node->index];
  if (loop.head == ir::kNone && frame.producer == nullptr) {
    stand_at(frame.end(), frame.handled);
    if (quiet()) frame.env[frame.node->args[0]] = Value();
  }
  if (loop.orelse == ir::kNone) return finish(frame);
  frame.phase = kElse;
  return push_region(frame, loop.orelse);
}

Frame* Machine::resume_loop(Frame& frame, Exit exit, Value returned) {
  if (frame.phase == kHead) {
    frame.phase = kCondition;
    return &frame;
  }
  const bool leaves = frame.phase != kElse && (exit == Exit::kReturned || exit == Exit::kBroke);
  if (leaves && !frame.guesses.empty()) {
    frame.phase = kLeaves;
    frame.saved_exit = exit;
    frame.saved_return = std::move(returned);
    return wait_for_guess(frame);
  }
  if (frame.phase == kElse || exit == Exit::kReturned || exit == Exit::kBroke) {
    if (frame.phase != kElse && frame.program.loops[frame.node->index].head == ir::kNone)
      drop_iterator(frame);
    frame.saved_exit = frame.phase != kElse && exit == Exit::kBroke ? Exit::kFell : exit;
    frame.saved_return = std::move(returned);
    if (!frame.guards) return leave_closed(frame);
    frame.phase = kClosing;
    return close_generator(frame);
  }
  frame.phase = kStart;
  ++frame.turns;
  return &frame;
}

// The loop's generator has been closed; it is left as it was about to be.
Frame* Machine::leave_closed(Frame& frame) {
  if (frame.pending_exception.bound())
    return raise(frame, *frame.node, std::exchange(frame.pending_exception, Value()));
  frame.exit = frame.saved_exit;
  frame.returned = std::move(frame.saved_return);
  return finish(frame);
}

// Control leaves by the guess after all. What comes after it, up to the end of the loop or function that
// holds it, never happened, and everything there is again as if it had waited for the guess.
Frame* Machine::roll_back(Frame& guess) {
  const std::uint32_t bodies = guess.bodies;
  close_guess(guess, true);
  guess.passed = false;
  --live_;
  guess.outputs.clear();
  for (Frame* f = &guess;; f = f->parent) {
    Frame& around = *f->parent;
    while (around.items.back()->sequence > f->sequence) discard_last(around);
    dequeue(around);
    around.stop_waiting();
    std::erase(stalled_, &around);
    memory_.remove(around);
    around.child = f;
    around.state = Frame::kSuspended;
    around.exit = Exit::kFell;
    around.held = false;
    around.test = Value();
    if (around.kind == Frame::kActivation) break;
    if (around.kind == Frame::kLoop) {
      around.phase = kBody;
      take_back_items(around, guess.env, around.bodies - bodies);
      around.bodies = bodies;
      around.turns = f->turn;
      break;
    }
    if (around.guess) close_guess(around, true);
    if (std::exchange(around.passed, false)) --live_;
    around.outputs.clear();
  }
  return finish(guess);
}

void Machine::take_back_items(Frame& loop, Env& env, std::uint32_t items) {
  if (items == 0 || loop.program.loops[loop.node->index].head != ir::kNone) return;
  Value& iterator = env[loop.node->args[0]];
  iterator.settle();
  if (iterator.ready()) host_.rewind(iterator, items);
}

Frame* Machine::wait_until_safe(Frame& frame, Frame* child) {
  if (child == nullptr || child->safe) return &frame;
  child->watcher = &frame;
  note_order(frame, frame.program, *frame.node, explain::Reason::kHandlerWaits);
  return block(frame);
}

Frame* Machine::advance_try(Frame& frame) {
  const ir::Try& t = frame.program.tries[frame.node->index];
  Frame* next = nullptr;
  switch (frame.phase) {
    case kStart:
      frame.phase = kBody;
      frame.body = push_region(frame, t.body);
      return frame.body;
    case kBodyFetched:
      frame.body = nullptr;
      if (frame.saved_exit == Exit::kFell && t.orelse != ir::kNone) {
        frame.phase = kElse;
        return push_region(frame, t.orelse);
      }
      frame.phase = kFinal;
      return &frame;
    case kTest:
      if (frame.handler == t.handlers.size()) {
        frame.phase = kFinal;
        return &frame;
      }
      if (const ir::Handler& h = t.handlers[frame.handler]; h.test == ir::kNone) {
        frame.phase = kHandler;
        next = push_region(frame, h.body);
      } else {
        frame.phase = kTesting;
        next = push_region(frame, h.test);
      }
      next->handled = frame.pending_exception;
      return next;
    case kTested:
      switch (test(frame, t.handlers[frame.handler].caught, next)) {
        case Test::kGone:
          return next;
        case Test::kFalse:
          ++frame.handler;
          frame.phase = kTest;
          return &frame;
        case Test::kTrue:
          frame.phase = kHandler;
          next = push_region(frame, t.handlers[frame.handler].body);
          next->handled = frame.pending_exception;
          return next;
      }
      return nullptr;
    case kElseFetched:
    case kHandlerFetched:
      frame.phase = kFinal;
      return &frame;
    case kFinal:
      frame.test = Value();
      if (t.final_region == ir::kNone || (frame.pending_exception.bound() && !t.final_on_exception))
        return conclude_try(frame);
      frame.phase = kFinalRunning;
      next = push_region(frame, t.final_region);
      if (frame.pending_exception.bound()) next->handled = frame.pending_exception;
      return next;
    default:
      return nullptr;
  }
}

Frame* Machine::resume_try(Frame& frame, Exit exit, Value returned, Frame* unfinished) {
  const ir::Try& t = frame.program.tries[frame.node->index];
  switch (frame.phase) {
    case kTesting:
      frame.phase = kTested;
      return &frame;
    case kFinalRunning:
      if (exit == Exit::kFell) return conclude_try(frame);
      frame.exit = exit;
      frame.returned = std::move(returned);
      return finish(frame);
    case kBody:
      frame.phase = kBodyFetched;
      break;
    case kElse:
      frame.phase = kElseFetched;
      break;
    default:
      frame.phase = kHandlerFetched;
      frame.pending_exception = Value();
  }
  frame.saved_exit = exit;
  frame.saved_return = std::move(returned);
  // The final region of a `with` is for leaving without an exception.
  if (frame.phase == kHandlerFetched && !t.final_on_exception) return conclude_try(frame);
  // Only the body can still fail into the handlers; what follows it matters to the final region alone.
  if (frame.phase != kBodyFetched && t.final_region == ir::kNone) return &frame;
  return wait_until_safe(frame, unfinished);
}

Frame* Machine::conclude_try(Frame& frame) {
  if (frame.pending_exception.bound()) {
    Value exception = std::move(frame.pending_exception);
    frame.pending_exception = Value();
    frame.phase = kFinalRunning;
    return raise(frame, *frame.node, std::move(exception));
  }
  frame.exit = frame.saved_exit;
  frame.returned = std::move(frame.saved_return);
  return finish(frame);
}

// Note [failure]
// A failed entry is handled by the innermost try statement whose body (or, for its final region, whose body,
// else or handler) holds it, as soon as nothing before it inside that statement can fail any more: what comes
// before the statement cannot change which exception its handlers see. Without such a statement it ends the
// run, once it is the oldest unfinished entry of all.
Frame* Machine::handle(Entry& entry) {
  Item* child = &entry;
  bool precise = true;
  for (Frame* f = entry.parent; f != nullptr; child = f, f = f->parent) {
    if (child->is_frame && static_cast<Frame*>(child)->is_generator_code())
      entry.exception = host_.leaves_generator(entry.exception);
    trim(*f);
    // Done items may stand between unfinished ones; only those before `child` matter.
    for (Item* item : f->items.all()) {
      if (item == child) break;
      precise = precise && item->safe;
    }
    if (auto* step = child->is_frame ? static_cast<Frame*>(child) : nullptr;
        step != nullptr && step->context != nullptr && step->context->raised.bound() &&
        host_.is_handed_back(step->context->raised, entry.exception))
      return precise ? context_raises_on(*f, *step, entry) : nullptr;
    if (f->kind == Frame::kLoop && child->is_frame)
      if (auto& inner = static_cast<Frame&>(*child); inner.closing || inner.suspended != nullptr)
        return precise ? raise_out_of(*f, inner, entry) : nullptr;
    if (f->kind != Frame::kTry || f->state == Frame::kFetched) continue;
    const ir::Try& t = f->program.tries[f->node->index];
    const bool in_body = child == f->body;
    const bool catches = in_body && !t.handlers.empty();
    const bool finally = t.final_region != ir::kNone && t.final_on_exception && f->phase != kFinalRunning;
    if (!catches && !finally) continue;
    if (!precise) return nullptr;
    f->phase = catches ? kTest : kFinal;
    return enter_handler(*f, entry);
  }
  if (is_oldest({entry.parent, entry.sequence})) end_run(entry);
  return nullptr;
}

// The exception comes out of the closing of the loop's generator, or out of the body of a loop whose
// generator has something to clean up first.
Frame* Machine::raise_out_of(Frame& loop, Frame& inner, Entry& entry) {
  if (inner.closing) {
    const bool ends = host_.has_closed(entry.exception) || is_oldest({entry.parent, entry.sequence});
    return ends ? closed_by_exception(loop, entry) : nullptr;
  }
  loop.producer = std::move(inner.suspended);
  loop.phase = kClosing;
  return left_by_exception(loop, entry);
}

// The run ends with the entry's exception.
void Machine::end_run(const Entry& entry) {
  outcome_ = {true, entry.exception};
  for (const Item* i = &entry; i->parent != nullptr; i = i->parent)
    if (i->is_frame && static_cast<const Frame*>(i)->kind == Frame::kActivation)
      note_unwound(*static_cast<const Frame*>(i), entry.exception);
  complete_ = true;
}

namespace {

const Frame* activation_of(const Frame* frame) {
  while (frame->kind != Frame::kActivation) frame = frame->parent;
  return frame;
}

}  // namespace

// The entry's exception comes to `frame`: what follows it there never happened, and the variables are as they
// were.
void Machine::unwind(Frame& frame, Entry& entry) {
  const Frame* own = activation_of(&frame);
  const Item* item = &entry;
  for (const Item* i = &entry; activation_of(i->parent) != own; i = i->parent) {
    if (i->is_frame && static_cast<const Frame*>(i)->kind == Frame::kActivation)
      note_unwound(*static_cast<const Frame*>(i), entry.exception);
    item = i->parent;
  }
  if (item != &entry && item->is_frame && activation_of(item->parent) == own)
    note_unwound(static_cast<const Frame&>(*item), entry.exception);
  Env env = item->snapshot ? *item->snapshot : item->parent->env;
  Value exception = entry.exception;
  const Chain chain = longest(frame.chain, entry.chain);
  discard_after(frame, entry);
  frame.stop_waiting();
  dequeue(frame);
  frame.env = std::move(env);
  frame.pending_exception = std::move(exception);
  frame.saved_exit = Exit::kFell;
  frame.child = nullptr;
  frame.test = Value();
  frame.chain = chain;
  frame.state = Frame::kRunning;
}

Frame* Machine::enter_handler(Frame& frame, Entry& entry) {
  unwind(frame, entry);
  const ir::Try& t = frame.program.tries[frame.node->index];
  if (t.exception != ir::kNone) frame.env[t.exception] = frame.pending_exception;
  frame.handler = 0;
  frame.body = nullptr;
  return &frame;
}

// An exception leaves the body of a loop whose generator has something to clean up first. The loop may have
// been fetched to its end, with the code after it, which never happened then.
Frame* Machine::left_by_exception(Frame& loop, Entry& entry) {
  if (loop.state == Frame::kFetched && !std::exchange(loop.passed, true)) ++live_;
  unwind(loop, entry);
  return close_generator(loop);
}

}  // namespace xcs::window
