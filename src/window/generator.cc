// Generators run as frames of the loop that consumes them.
//
// Note [generator steps]
// What a generator does up to its next yield stands, in program order, where the loop asks for an item. Each
// step is therefore a frame of its own, a child of the loop's frame between two turns of its body. When a
// step yields, the state of the frames it is in becomes a Continuation; the next step starts with new frames
// in that state. The items of a step stay where they are. A step that has yielded can no longer catch
// anything: inside a try statement it yields once nothing before can raise.
//
// Note [closing generators]
// A loop that is left early drops its generator, which Python closes there: GeneratorExit is raised at its
// yield, and its `finally` blocks and `with` statements run before anything else. When the loop is left from
// its body, that is one more step. When an exception leaves the body of a turn, the generator may have been
// stepped further: the body keeps the state in which its generator was suspended, and the step starts from
// there. A generator that a variable holds goes later, with the variable: where that may matter, the loop
// steps it as it is.
#include <algorithm>

#include "ir/facts.h"
#include "window/machine.h"

namespace xcs::window {

bool Continuation::guards() const {
  return std::ranges::any_of(frames, [](const Saved& saved) {
    return saved.kind == Frame::kTry || (saved.producer != nullptr && saved.producer->guards());
  });
}

std::unique_ptr<Continuation> Continuation::clone() const {
  auto copy = std::make_unique<Continuation>();
  copy->program = program;
  copy->env = env;
  copy->sent = sent;
  copy->chain = chain;
  copy->exhausted = exhausted;
  for (const Saved& s : frames) {
    copy->frames.push_back({s.kind, s.region, s.node, s.pc, s.phase, s.in_try, s.started,
                            s.producer == nullptr ? nullptr : s.producer->clone(), s.in_body, s.handled,
                            s.pending_exception, s.saved_return, s.handler, s.saved_exit});
    for (const OpenContext& c : s.contexts)
      copy->frames.back().contexts.push_back({c.manager, c.rest == nullptr ? nullptr : c.rest->clone()});
  }
  return copy;
}

namespace {

void forget_in_snapshots(const Frame& frame, const Object* object, bool inside) {
  for (const Item* item : frame.items.all()) {
    if (item->snapshot != nullptr)
      for (Value& v : *item->snapshot) {
        v.settle();
        if (v.object() == object) v = Value();
      }
    if (inside && item->is_frame) forget_in_snapshots(static_cast<const Frame&>(*item), object, true);
  }
}

}  // namespace

// A handler never looks at the temporary that holds a loop's iterator: what was kept of it for one is
// dropped.
void Machine::forget_iterator(const Frame& loop, const Value& iterator) {
  if (!loop.keeps_variables() || host_.steps_freely(iterator)) return;
  forget_in_snapshots(loop, iterator.object(), true);
  for (const Frame* f = loop.parent; f != nullptr; f = f->parent)
    forget_in_snapshots(*f, iterator.object(), false);
}

namespace {

bool ends_activation(const ir::Region& region) {
  return !region.nodes.empty() && region.nodes.back().op == ir::Op::kReturn;
}

}  // namespace

// Whether code that comes after `innermost` in its activation, in which control is, may read the variable as
// it is now.
bool Machine::is_read_again(const Frame& innermost, ir::SlotId slot) {
  const ir::Program& p = innermost.program;
  auto reads = [&](ir::RegionId region) {
    return region != ir::kNone && ir::first_use(p, p.regions[region], 0, slot) == ir::Use::kRead;
  };
  // At the end of what has been looked at, or that is never reached; a handler may be entered before.
  bool assigned = false;
  for (const Frame* f = &innermost;; f = f->parent) {
    switch (f->kind) {
      case Frame::kActivation:
      case Frame::kRegion: {
        if (assigned) break;
        const ir::Use use = ir::first_use(p, *f->region, f->pc, slot);
        if (use == ir::Use::kRead) return true;
        assigned = use == ir::Use::kAssigned || ends_activation(*f->region);
        break;
      }
      case Frame::kIf:
        break;
      case Frame::kLoop: {
        const ir::Loop& l = p.loops[f->node->index];
        if (!assigned && (reads(l.head) || reads(l.body) || reads(l.orelse) || l.condition == slot))
          return true;
        break;
      }
      case Frame::kTry: {
        const ir::Try& t = p.tries[f->node->index];
        for (const ir::Handler& h : t.handlers)
          if (reads(h.test) || reads(h.body)) return true;
        if (reads(t.orelse) || reads(t.final_region)) return true;
        break;
      }
    }
    if (f->kind == Frame::kActivation) return false;
  }
}

// How many temporaries, and variables that are not read again, around the frame hold the object; nothing when
// another variable does.
std::optional<std::uint32_t> Machine::held_by_temporaries(Frame& innermost, const Object* object) {
  std::uint32_t references = 0;
  for (Frame* f = &innermost; f != nullptr; f = f->parent) {
    for (ir::SlotId slot = 0; slot < f->env.size(); ++slot) {
      f->env[slot].settle();
      if (f->env[slot].object() != object) continue;
      if (!f->program.slots[slot].empty() && is_read_again(*f, slot)) return std::nullopt;
      ++references;
    }
  }
  return references;
}

void Machine::let_go(Frame& innermost, const Object* object) {
  for (Frame* f = &innermost; f != nullptr; f = f->parent)
    for (Value& v : f->env)
      if (v.object() == object) v = Value();
}

bool Machine::is_left_alone(Object* object, std::uint32_t references) {
  Frame& frame = *place_.frame;
  if (!assigns_at_once()) return false;
  const std::optional<std::uint32_t> held = held_by_temporaries(frame, object);
  if (!held) return false;
  std::uint32_t own = 0;  // of the attempt at hand
  for (const Value& v : operands_) own += v.object() == object ? 1 : 0;
  return *held + own == references;
}

// The code at hand takes the object over, with all that holds it; handlers never look at what does.
View::Taking Machine::take(Object* object, std::uint32_t references) {
  Frame& frame = *place_.frame;
  for (const Frame* f = &frame; f != nullptr; f = f->parent) forget_in_snapshots(*f, object, false);
  if (!is_left_alone(object, references)) return Taking::kNo;
  let_go(frame, object);
  return Taking::kTaken;
}

namespace {

// Whether a variable holds the object, which therefore goes no earlier than the variable.
bool is_in_variable(const Frame& innermost, const Object* object) {
  for (const Frame* f = &innermost; f != nullptr; f = f->parent)
    for (ir::SlotId slot = 0; slot < f->env.size(); ++slot)
      if (f->env[slot].object() == object && !f->program.slots[slot].empty()) return true;
  return false;
}

// Whether a generator may be suspended where closing it runs more of its code.
bool may_guard(const ir::Program& program) {
  const auto yields = [&](ir::RegionId r) { return r != ir::kNone && program.regions[r].exits.yields; };
  return std::ranges::any_of(program.tries, [&](const ir::Try& t) {
    return yields(t.body) || yields(t.orelse) || yields(t.final_region) ||
           std::ranges::any_of(t.handlers, [&](const ir::Handler& h) { return yields(h.body); });
  });
}

}  // namespace

// The loop is left before its iterator's end: it is dropped here, in program order, if that runs code.
void Machine::drop_iterator(Frame& loop) {
  Value iterator = loop.env[loop.node->args[0]];
  iterator.settle();
  if (!iterator.ready() || loop.producer != nullptr) return;
  operands_.clear();
  if (is_in_variable(loop, iterator.object())) return;
  const std::optional<std::uint32_t> references = held_by_temporaries(loop, iterator.object());
  if (!references) return;
  forget_iterator(loop, iterator);
  if (!host_.drop_runs_code(iterator, *references + 1)) return;
  for (Value& v : loop.env)
    if (v.object() == iterator.object()) v = Value();
  stand_at(loop.end(), loop.handled);
  if (quiet()) return;  // the last reference goes with this function
  operands_.assign(1, iterator);
  Entry& entry = add_entry(loop, *loop.node);
  operands_.clear();
  entry.state = Entry::kOrdered;
  entry.effect.memory = Effect::kAnything;
  memory_.add(entry);
}

bool Machine::take_generator(Frame& loop) {
  operands_.clear();
  Value& iterator = loop.env[loop.node->args[0]];
  const std::optional<std::uint32_t> references = held_by_temporaries(loop, iterator.object());
  if (!references) return false;
  const ir::Exits& exits = loop.program.regions[loop.program.loops[loop.node->index].body].exits;
  if ((exits.breaks || exits.returns) && is_in_variable(loop, iterator.object()))
    if (const std::optional<Enter> begun = host_.unstarted(iterator); begun && may_guard(*begun->program))
      return false;  // it is closed where the variable ends, which may be later than the loop
  forget_iterator(loop, iterator);
  std::optional<Enter> enter = host_.take_generator(iterator, *references);
  if (!enter) {
    stand_at(loop.end(), loop.handled);
    Host::Taken taken = host_.take_iterator(iterator, *references, *this);
    if (taken.iterator.bound()) {
      if (taken.goes) let_go(loop, iterator.object());
      iterator = std::move(taken.iterator);
    }
    return false;
  }
  // The host's generator goes, and with it its hold on what it was given, such as another generator.
  let_go(loop, iterator.object());
  loop.producer = std::make_unique<Continuation>();
  loop.producer->env = std::move(enter->slots);
  loop.producer->env.resize(enter->program->slots.size());
  loop.producer->program = std::move(enter->program);
  return true;
}

Frame* Machine::resume_producer(Frame& loop) {
  Continuation& producer = *loop.producer;
  if (Value error = too_deep(loop.end(), *loop.node, loop.handled); error.bound())
    return raise(loop, *loop.node, std::move(error));
  if (producer.frames.empty()) {
    const ir::Region& body = producer.program->regions[producer.program->body];
    producer.frames.push_back({Frame::kActivation, &body, loop.node, 0, 0, false, false, nullptr});
  }
  Frame* leaf = restore(loop, producer, nullptr);
  if (producer.sent != ir::kNone) leaf->env[producer.sent] = host_.none();
  return leaf;
}

// The frames of the generator's next step, for a loop or for a `with`; answers the innermost.
Frame* Machine::restore(Frame& around, Continuation& producer, std::unique_ptr<ContextStep> context) {
  Frame* parent = &around;
  bool in_body = false;
  for (Continuation::Saved& saved : producer.frames) {
    auto* f = new Frame(*this, parent, parent->next_sequence++, saved.kind, *producer.program);
    f->region = saved.region;
    f->node = saved.node;
    f->pc = saved.pc;
    f->phase = saved.phase;
    f->in_try = saved.in_try;
    f->started = saved.started;
    f->producer = std::move(saved.producer);
    f->guards = f->producer != nullptr && f->producer->guards();
    f->pending_exception = std::move(saved.pending_exception);
    f->saved_exit = saved.saved_exit;
    f->saved_return = std::move(saved.saved_return);
    f->handler = saved.handler;
    f->contexts = std::move(saved.contexts);
    f->calls = around.calls + 1;
    f->chain = longest(around.chain, producer.chain);
    f->handled = saved.handled.bound() ? saved.handled : around.handled;
    if (parent == &around) {
      f->generator = context == nullptr;
      f->context = std::move(context);
      f->program_owner = producer.program;
    } else if (parent->guards) {
      f->suspended = parent->producer->clone();
    }
    suspend_for(*parent, *f);
    if (in_body) parent->body = f;
    in_body = saved.in_body;
    parent = f;
  }
  producer.frames.clear();
  parent->env = std::move(producer.env);
  return parent;
}

// What may still raise of what the step has done inside try statements, or null.
Item* Machine::unsafe_in_try(const std::vector<Frame*>& chain) {
  bool in_try = false;
  for (std::size_t i = chain.size(); i-- > 0;) {
    in_try = in_try || chain[i]->kind == Frame::kTry;
    if (!in_try) continue;
    for (Item* item : chain[i]->items.all())
      if (!item->safe && (i == 0 || item != chain[i - 1])) return item;
  }
  return nullptr;
}

// The step in these frames, the innermost first, is over: its generator is suspended at this node.
void Machine::suspend(const std::vector<Frame*>& chain, const ir::Node& yield, Continuation& suspended) {
  const Value around = chain.back()->parent->handled;
  suspended.chain = chain.front()->chain;
  suspended.sent = yield.dest;
  suspended.env = std::move(chain.front()->env);
  for (std::size_t i = chain.size(); i-- > 0;) {
    Frame* f = chain[i];
    const bool handles = f->handled.bound() && f->handled.object() != around.object();
    suspended.frames.push_back(
        {f->kind, f->region, f->node, f->pc, f->phase, f->in_try, f->started, std::move(f->producer),
         i > 0 && f->body == chain[i - 1], handles ? f->handled : Value(), std::move(f->pending_exception),
         std::move(f->saved_return), f->handler, f->saved_exit, std::move(f->contexts)});
  }
  for (Frame* f : chain) close_step(*f);
}

Frame* Machine::yield(Frame& frame, const ir::Node& node) {
  gather(frame, node);
  if (const auto slot = first_unbound(node, operands_)) return raise_unbound(frame, node, *slot);
  Value value = operands_[0];
  Frame* step = &frame;
  std::vector<Frame*> chain{step};
  while (step->kind != Frame::kActivation) chain.push_back(step = step->parent);
  if (!step->generator && step->context == nullptr) return yield_out(frame);
  if (Item* unsafe = unsafe_in_try(chain)) {
    --frame.pc;
    frame.wait_for(unsafe);
    return block(frame);
  }
  if (step->context != nullptr) return enter_context(chain, node, std::move(value));
  Frame& loop = *step->parent;
  if (step->closing) {  // it ignores that it is closed, and goes all the same
    if (!is_oldest(frame.end())) {
      --frame.pc;
      frame.wants_turn = true;
      return block(frame);
    }
    host_.ignored_closing();
    for (Frame* f : chain) close_step(*f);
    return leave_closed(loop);
  }
  Continuation& producer = *loop.producer;
  suspend(chain, node, producer);
  loop.chain = longest(loop.chain, producer.chain);
  value.chain = longest(value.chain, loop.chain);
  loop.env[loop.program.loops[loop.node->index].item] = std::move(value);
  loop.guards = producer.guards();
  Frame* body = enter_body(loop);
  if (loop.guards) body->suspended = producer.clone();
  return body;
}

// The step in which the loop's generator is closed. What comes of it is for advance_loop(), or
// closed_by_exception().
Frame* Machine::close_generator(Frame& loop) {
  loop.guards = false;
  Frame* leaf = restore(loop, *loop.producer, nullptr);
  Frame* step = leaf;
  while (step->kind != Frame::kActivation) step = step->parent;
  step->closing = true;
  const ir::Node& node = leaf->region->nodes[leaf->pc - 1];
  stand_at(leaf->end(), leaf->handled);
  return raise(*leaf, node, host_.closes_generator());
}

// The generator that was closed has ended with the entry's exception.
Frame* Machine::closed_by_exception(Frame& loop, Entry& entry) {
  const Value exception = entry.exception;
  discard_after(loop, entry);
  loop.stop_waiting();
  dequeue(loop);
  loop.child = nullptr;
  loop.state = Frame::kRunning;
  if (!host_.has_closed(exception)) host_.unraisable(exception);
  return &loop;
}

// The run's own function yields: its caller sees everything before, and nothing after it begins.
Frame* Machine::yield_out(Frame& frame) {
  if (!is_oldest(frame.end())) {
    --frame.pc;
    frame.wants_turn = true;
    return block(frame);
  }
  yielding_ = &frame;
  yielded_ = operands_[0];
  return nullptr;
}

void Machine::resume(Value sent) {
  Frame& frame = *std::exchange(yielding_, nullptr);
  yielded_ = Value();
  const ir::SlotId dest = frame.region->nodes[frame.pc - 1].dest;
  if (dest != ir::kNone) frame.env[dest] = std::move(sent);
  fetch(&frame);
}

void Machine::resume_raising(Value exception) {
  Frame& frame = *std::exchange(yielding_, nullptr);
  yielded_ = Value();
  const ir::Node& node = frame.region->nodes[frame.pc - 1];
  stand_at(frame.end(), frame.handled);
  host_.call_raised(frame.program, node, exception);
  fetch(raise(frame, node, std::move(exception)));
}

// The step is over for this frame; what it left in the window stays.
void Machine::close_step(Frame& frame) {
  Frame& parent = *frame.parent;
  frame.state = Frame::kFetched;
  frame.child = nullptr;
  parent.child = nullptr;
  parent.state = Frame::kRunning;
  if (frame.unfinished != 0) {
    if ((frame.generator || frame.context != nullptr) && parent.in_try)
      frame.snapshot = std::make_shared<Env>(parent.env);
    if (frame.unsafe == 0) mark_safe(frame);
    return;
  }
  frame.done = true;
  frame.wake_followers();
  parent.deep_chain = longest(parent.deep_chain, longest(frame.deep_chain, frame.chain));
  --parent.unfinished;
  --parent.unsafe;
  parent.items.pop_back();
  free(&frame);
}

}  // namespace xcs::window
