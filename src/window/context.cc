// `with` statements over managers that a generator makes.
//
// Note [contexts]
// Such a manager runs its generator to the one yield when it is entered, and from there to the end when it is
// left. Each part is a step, a frame of its own below the code that holds the statement, which is where it
// stands in program order. Between the two, the code keeps what is suspended. An exception that leaves the
// statement's body is raised at the yield: what the generator does with it says whether it goes on, as with
// contextlib. The manager itself is an object of the host's that nothing but the statement has. Only
// generators that yield once on any way through them are run so: a second yield would be an error that the
// host words.
#include "window/machine.h"

namespace xcs::window {

// The context of the manager that the code at `frame` is in, or null while it is not open.
OpenContext* Machine::find_context(Frame* frame, const Object* manager) {
  for (; frame != nullptr; frame = frame->parent)
    for (OpenContext& context : frame->contexts)
      if (context.manager.object() == manager) return &context;
  return nullptr;
}

Frame* Machine::open_context(Frame& frame, const ir::Node& node, Enter enter) {
  const Value manager = operands_[0];
  Frame* step = push_activation(frame, node, std::move(enter));
  if (step != nullptr && frame.child == step)
    step->context = std::make_unique<ContextStep>(ContextPart::kEnters, manager);
  return step;
}

// The generator has yielded what the statement's target gets.
Frame* Machine::enter_context(const std::vector<Frame*>& chain, const ir::Node& node, Value value) {
  Frame& step = *chain.back();
  Frame& around = *step.parent;
  const ir::SlotId dest = step.dest;
  OpenContext opened{step.context->manager, std::make_unique<Continuation>()};
  opened.rest->program = step.program_owner;
  suspend(chain, node, *opened.rest);
  around.chain = longest(around.chain, opened.rest->chain);
  if (dest != ir::kNone) {
    value.chain = longest(value.chain, around.chain);
    around.env[dest] = std::move(value);
  }
  around.contexts.push_back(std::move(opened));
  return &around;
}

Frame* Machine::never_yields(Frame& step) {
  step.context->part = ContextPart::kNeverYields;
  return raise(step, step.region->nodes.back(), host_.never_yielded());
}

Frame* Machine::close_context(Frame& frame, const ir::Node& node) {
  const Value manager = operands_[0];
  const Value raised = operands_.size() > 1 ? operands_[1] : Value();
  OpenContext& context = *find_context(&frame, manager.object());
  if (Value error = too_deep(frame.end(), node, frame.handled); error.bound())
    return raise(frame, node, std::move(error));
  // What an interrupt still strikes in the body leaves by the other way.
  release_temporaries(frame, node);
  const std::unique_ptr<Continuation> rest = quiet() ? std::move(context.rest) : context.rest->clone();
  const ContextPart part = raised.bound() ? ContextPart::kRaises : ContextPart::kLeaves;
  Frame* leaf = restore(frame, *rest, std::make_unique<ContextStep>(part, manager, raised));
  Frame* step = frame.child;
  step->node = &node;
  step->dest = node.dest;
  if (!raised.bound()) {
    if (rest->sent != ir::kNone) leaf->env[rest->sent] = host_.none();
    return leaf;
  }
  const ir::Node& yield = leaf->region->nodes[leaf->pc - 1];
  step->context->traceback = host_.traceback_of(raised);
  stand_at(leaf->end(), leaf->handled);
  host_.call_raised(leaf->program, yield, raised);
  return raise(*leaf, yield, raised);
}

// The generator has let the exception that was raised at its yield go on: __exit__ is false.
Frame* Machine::context_raises_on(Frame& around, Frame& step, Entry& entry) {
  const Value raised = step.context->raised;
  const Value traceback = step.context->traceback;
  const ir::SlotId dest = step.dest;
  around.pc = static_cast<std::uint32_t>(step.node - around.region->nodes.data()) + 1;
  if (around.state == Frame::kFetched && !std::exchange(around.passed, true)) ++live_;
  unwind(around, entry);
  around.pending_exception = Value();
  host_.hand_back(raised, traceback);
  if (dest != ir::kNone) around.env[dest] = host_.truth(false);
  return &around;
}

// The exception leaves the function.
void Machine::note_unwound(const Frame& activation, const Value& exception) {
  if (activation.context != nullptr) host_.leaves_context(activation.context->part, exception);
  host_.unwound(activation.parent->program, *activation.node, exception);
}

}  // namespace xcs::window
