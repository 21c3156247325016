// Generators run as frames of the loop that consumes them.
//
// Note [generator steps]
// What a generator does up to its next yield stands, in program order, where the loop asks for an item. Each step is
// therefore a frame of its own, a child of the loop's frame between two turns of its body. When a step yields, the
// state of the frames it is in becomes a Continuation; the next step starts with new frames in that state. The
// items of a step stay where they are. A generator with a yield inside a try statement is not taken over: there is
// never anything to clean up when the loop ends early, and a step that has yielded can no longer catch anything.
#include <algorithm>

#include "window/machine.h"

namespace xcs::window {

namespace {

bool yields_in_try(const ir::Program& program) {
  auto yields = [&](ir::RegionId r) { return r != ir::kNone && program.regions[r].exits.yields; };
  return std::ranges::any_of(program.tries, [&](const ir::Try& t) {
    return yields(t.body) || yields(t.orelse) || yields(t.final_region) ||
           std::ranges::any_of(t.handlers, [&](const ir::Handler& h) { return yields(h.body) || yields(h.test); });
  });
}

}  // namespace

// How many temporaries around `loop` hold the object; nothing when a variable does.
std::optional<std::uint32_t> Machine::held_by_temporaries(const Frame& loop, const Value& object) {
  operands_.clear();
  std::uint32_t references = 0;
  for (const Frame* f = &loop; f != nullptr; f = f->parent) {
    for (std::size_t slot = 0; slot < f->env.size(); ++slot) {
      if (f->env[slot].object() != object.object()) continue;
      const std::string& name = f->program.slots[slot];
      if (!name.empty() && !host_.is_hidden(name)) return std::nullopt;
      ++references;
    }
  }
  return references;
}

// The loop is left before its iterator's end: it is dropped here, in program order, if that runs code.
void Machine::drop_iterator(Frame& loop) {
  Value iterator = loop.env[loop.node->args[0]];
  iterator.settle();
  if (!iterator.ready() || loop.producer != nullptr) return;
  const std::optional<std::uint32_t> references = held_by_temporaries(loop, iterator);
  if (!references || !host_.drop_runs_code(iterator, *references + 1)) return;
  for (Value& v : loop.env)
    if (v.object() == iterator.object()) v = Value();
  stand_at(loop.end(), loop.handled);
  if (quiet()) return;  // the last reference goes with this function
  operands_.assign(1, std::move(iterator));
  Entry& entry = add_entry(loop, *loop.node);
  operands_.clear();
  entry.state = Entry::kOrdered;
  entry.effect.memory = Effect::kAnything;
  memory_.add(entry);
}

bool Machine::take_generator(Frame& loop) {
  Value& iterator = loop.env[loop.node->args[0]];
  const std::optional<std::uint32_t> references = held_by_temporaries(loop, iterator);
  if (!references) return false;
  std::optional<Enter> enter = host_.take_generator(iterator, *references);
  if (!enter || yields_in_try(*enter->program)) return false;
  // The host's generator goes, and with it its hold on what it was given, such as another generator.
  const Object* taken = iterator.object();
  for (Frame* f = &loop; f != nullptr; f = f->parent)
    for (Value& v : f->env)
      if (v.object() == taken) v = Value();
  loop.producer = std::make_unique<Continuation>();
  loop.producer->env = std::move(enter->slots);
  loop.producer->env.resize(enter->program->slots.size());
  loop.producer->program = std::move(enter->program);
  return true;
}

Frame* Machine::resume_producer(Frame& loop) {
  Continuation& producer = *loop.producer;
  if (Value error = too_deep(loop.end(), loop.handled); error.bound())
    return raise(loop, *loop.node, std::move(error));
  if (producer.frames.empty()) {
    const ir::Region& body = producer.program->regions[producer.program->body];
    producer.frames.push_back({Frame::kActivation, &body, loop.node, 0, 0, false, false, nullptr});
  }
  Frame* parent = &loop;
  for (Continuation::Saved& saved : producer.frames) {
    auto* f = new Frame(*this, parent, parent->next_sequence++, saved.kind, *producer.program);
    f->region = saved.region;
    f->node = saved.node;
    f->pc = saved.pc;
    f->phase = saved.phase;
    f->in_try = saved.in_try;
    f->started = saved.started;
    f->producer = std::move(saved.producer);
    f->calls = loop.calls + 1;
    f->chain = longest(loop.chain, producer.chain);
    f->handled = loop.handled;
    if (parent == &loop) {
      f->generator = true;
      f->program_owner = producer.program;
    }
    suspend_for(*parent, *f);
    parent = f;
  }
  producer.frames.clear();
  parent->env = std::move(producer.env);
  if (producer.sent != ir::kNone) parent->env[producer.sent] = host_.none();
  return parent;
}

Frame* Machine::yield(Frame& frame, const ir::Node& node) {
  gather(frame, node);
  if (const auto slot = first_unbound(node, operands_)) return raise_unbound(frame, node, *slot);
  Value value = operands_[0];
  Frame* step = &frame;
  std::vector<Frame*> chain{step};
  while (!step->generator) chain.push_back(step = step->parent);
  Frame& loop = *step->parent;
  Continuation& producer = *loop.producer;
  producer.chain = frame.chain;
  producer.sent = node.dest;
  producer.env = std::move(frame.env);
  for (Frame* f : std::vector(chain.rbegin(), chain.rend()))
    producer.frames.push_back(
        {f->kind, f->region, f->node, f->pc, f->phase, f->in_try, f->started, std::move(f->producer)});
  for (Frame* f : chain) close_step(*f);
  loop.chain = longest(loop.chain, producer.chain);
  value.chain = longest(value.chain, loop.chain);
  loop.env[loop.program.loops[loop.node->index].item] = std::move(value);
  return enter_body(loop);
}

// The step is over for this frame; what it left in the window stays.
void Machine::close_step(Frame& frame) {
  Frame& parent = *frame.parent;
  frame.state = Frame::kFetched;
  frame.child = nullptr;
  parent.child = nullptr;
  parent.state = Frame::kRunning;
  if (frame.unfinished != 0) {
    if (frame.generator && parent.in_try) frame.snapshot = std::make_shared<const Env>(parent.env);
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
