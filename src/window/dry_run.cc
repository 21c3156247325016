// The dry run from a place where code is blocked: what the frames around it still do, and what comes of it.
#include "window/dry_run.h"

#include <algorithm>
#include <utility>

namespace xcs::window {

namespace {

Frame* leaf_of(Frame& frame) {
  Frame* leaf = &frame;
  while (leaf->child != nullptr) leaf = leaf->child;
  return leaf;
}

}  // namespace

// The variables of the frame's activation, wherever in it control is.
const Env& DryRun::current_env(const Frame& frame) {
  const Frame* leaf = &frame;
  while (leaf->child != nullptr && leaf->child->kind != Frame::kActivation) leaf = leaf->child;
  return leaf->env;
}

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
    steps += f->generator || f->opens_context() ? 1 : 0;
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
      if (is_fresh(v)) summary_.result.flags |= kFresh;
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
  summary_.footprint.described = unlisted_.described;
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
  if (child.opens_context()) {
    const std::optional<Value> yielded = std::move(yields_.back());
    yields_.pop_back();
    if (!yielded) return {};
    Env env = variables(frame);
    if (child.dest != ir::kNone) env[child.dest] = *yielded;
    return nodes(p, *frame.region, frame.pc, std::move(env));
  }
  if (child.kind == Frame::kActivation) {
    if (flow.fell) join(flow.returned, machine_.host_.none());
    if (flow.returned && child.context != nullptr) flow.returned = unknown(kAtom | kData);
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
  Summary summary = DryRun(*this, *place.frame).run(program, node, operands, place);
  if (summary.footprint.anything) return;
  action.effect.memory = summary.footprint.places.empty() ? Effect::kNone : Effect::kOpaque;
  action.effect.stores = std::move(summary.footprint.places);
  action.effect.held = std::move(summary.footprint.held);
  action.flags = summary.result.flags & (kData | kAtom);
  action.known = summary.result.known;
}

}  // namespace xcs::window
