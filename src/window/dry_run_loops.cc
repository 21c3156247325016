// The dry run of loops, and of the generators that they run over: turn after turn, until another one finds
// nothing more.
#include <algorithm>
#include <utility>

#include "window/dry_run.h"

namespace xcs::window {

namespace {

constexpr std::size_t kMostItems = 16;  // to be walked one by one

}  // namespace

DryRun::Flow DryRun::loop_once(const ir::Program& program, const ir::Loop& l, Env env, const Value& item) {
  if (l.head != ir::kNone) {
    Flow head = region(program, l.head, std::move(env));
    if (!head.fell) return {};
    Value condition = (*head.fell)[l.condition];
    condition.settle();
    if (condition.bound()) {
      const ir::Node truth{ir::Op::kTruth, ir::kNone, ir::kNone, {}, {}};
      Action action = machine_.ask(program, truth, std::span(&condition, 1), *this);
      if (action.verdict != Action::kDone && action.verdict != Action::kRaised)
        take_effect(action, std::span(&condition, 1));
    }
    env = std::move(*head.fell);
  } else {
    env[l.item] = item;
    note_assigned(env, l.item);
  }
  return region(program, l.body, std::move(env));
}

DryRun::Flow DryRun::loop(const ir::Program& program, const ir::Node& n, Env env) {
  const ir::Loop& l = program.loops[n.index];
  Items items;
  if (l.head == ir::kNone) {
    Value iterator = env[n.args[0]];
    iterator.settle();
    if (!iterator.bound()) return {};
    if (const KnownRef known = iterator.known(); known != nullptr && known->begins != nullptr)
      return loop_over(program, n, std::move(env), *known->begins);
    if (iterator.ready())
      if (const auto generator = machine_.host_.unstarted(iterator))
        return loop_over(program, n, std::move(env), *generator);
    items = items_of(iterator);
  }
  Flow result;
  std::optional<Env> end = std::move(env);
  if (items.first) end = first_turns(program, n, std::move(*end), items, result);
  if (end && !items.first) all_turns(program, n, *end, items, result);
  return end_of_loop(program, n, std::move(result), std::move(end));
}

DryRun::Items DryRun::items_of(const Value& iterator) {
  Items items;
  if (iterator.is_pending()) {
    items.flags = iterator.flags() & kTypes;
  } else {
    if (!machine_.host_.steps_freely(iterator)) summary_.footprint.anything = true;
    items.first = machine_.host_.peek_items(iterator, kMostItems, *this);
    items.flags = machine_.host_.known(iterator) & kTypes;
  }
  items.known = machine_.host_.describe_items(iterator, *this);
  if (iterator.is_pending() && items.known == nullptr) {
    if ((items.flags & kData) != 0) {
      items.known = known_data();
    } else {
      summary_.footprint.anything = true;
    }
  }
  items.flags |= window::flags_of(items.known);
  return items;
}

// The turns one by one with the items, which are known. Returns the variables after the last one; `items` has
// no first ones any more when there may be others.
std::optional<Env> DryRun::first_turns(const ir::Program& program, const ir::Node& n, Env env, Items& items,
                                       Flow& result) {
  std::optional<Env> end = env;
  for (const Value& item : *items.first) {
    end = turn(program, program.loops[n.index], *end, item, result);
    if (!end) return std::nullopt;
  }
  // The turns may store to what the iterator runs over.
  Value& iterator = env[n.args[0]];
  iterator.settle();
  if (!machine_.host_.peek_items(iterator, kMostItems, *this)) {
    items.known = machine_.host_.describe_items(iterator, *this);
    items.flags = window::flags_of(items.known);
    items.first.reset();
  }
  return end;
}

// Turns with what is known of all of them, until another one finds nothing more. `end`: the variables before,
// then after any number of turns.
void DryRun::all_turns(const ir::Program& program, const ir::Node& n, Env& end, Items items, Flow& result) {
  const ir::Loop& l = program.loops[n.index];
  for (int i = 0;; ++i) {
    const Mark before = mark();
    Env joined = end;
    Value item;
    if (l.head == ir::kNone) {
      const Value& iterator = end[n.args[0]];
      if (i > 0) {  // the turns may have stored to what is iterated over
        items.known = machine_.host_.describe_items(iterator, *this);
        if (items.known == nullptr && iterator.is_pending()) summary_.footprint.anything = true;
        items.flags = Flags((items.flags & ~kTypes) | window::flags_of(items.known));
      }
      item = unknown(items.flags, items.known);
      if (leads_out(iterator)) note_leading_out(item);
    }
    if (const std::optional<Env> next = turn(program, l, end, item, result)) join(joined, *next);
    if (settle(end, std::move(joined), before, i)) break;
  }
}

// `end`: the variables when the loop ends by itself.
DryRun::Flow DryRun::end_of_loop(const ir::Program& program, const ir::Node& n, Flow result,
                                 std::optional<Env> end) {
  const ir::Loop& l = program.loops[n.index];
  if (!end) return result;
  if (l.orelse == ir::kNone) {
    join(result.fell, std::move(end));
  } else {
    join(result, region(program, l.orelse, std::move(*end)));
  }
  return result;
}

// One turn: the variables when the loop goes on, and what becomes of it otherwise.
std::optional<Env> DryRun::turn(const ir::Program& program, const ir::Loop& l, const Env& env,
                                const Value& item, Flow& result) {
  Flow flow = loop_once(program, l, env, item);
  join(flow.fell, std::move(flow.continued));
  join(result.fell, std::move(flow.broke));
  join(result.returned, std::move(flow.returned));
  return std::move(flow.fell);
}

// Takes `joined`, after one more turn, for the variables after any number of them. Returns whether no further
// turn need be walked; a loop that does not settle may do anything.
bool DryRun::settle(Env& end, Env joined, Mark before, int turns) {
  const bool same = unchanged_since(before) && settles(joined, end);
  end = std::move(joined);
  if (!same && turns == kMostTurns) summary_.footprint.anything = true;
  return same || summary_.footprint.anything;
}

// Whether another turn gives no other variables.
bool DryRun::settles(const Env& joined, const Env& end) const {
  for (std::size_t s = 0; s < joined.size(); ++s) {
    const Value& a = joined[s];
    const Value& b = end[s];
    const bool same =
        a.object() == b.object() || (a.is_pending() && b.is_pending() && a.flags() == b.flags() &&
                                     window::same(a.known(), b.known()) && leads_out(a) == leads_out(b));
    if (!same) return false;
  }
  return true;
}

bool DryRun::unchanged_since(Mark mark) const {
  return std::all_of(changes_.begin() + static_cast<std::ptrdiff_t>(mark.changes), changes_.end(),
                     [&](std::size_t number) { return number > mark.made; });
}

// All that the generator yields, as one value; what it does meanwhile is noted.
std::optional<Value> DryRun::yielded_by(const Enter& generator, const Value& sent) {
  const ir::Program& program = *generator.program;
  const bool sends_on = program.delegates && sent.bound();
  if (sends_on || std::ranges::any_of(entered_, [&](const Entered& e) { return e.program == &program; })) {
    summary_.footprint.anything = true;
    return std::nullopt;
  }
  Env env = generator.slots;
  env.resize(program.slots.size());
  entered_.push_back({&program, false, generator.slots});
  yields_.emplace_back();
  Value outer = std::exchange(sent_, sent.bound() ? join(sent, machine_.host_.none()) : Value());
  ++activation_;
  region(program, program.body, std::move(env));
  --activation_;
  sent_ = std::move(outer);
  std::optional<Value> all = std::move(yields_.back());
  yields_.pop_back();
  entered_.pop_back();
  return all;
}

// All that the generator still yields, from where it is suspended.
std::optional<Value> DryRun::yielded_by(const Continuation& producer) {
  const ir::Program& program = *producer.program;
  if (producer.exhausted) return std::nullopt;
  if (producer.frames.empty()) return yielded_by(Enter{producer.program, producer.env});
  Env env = producer.env;
  if (producer.sent != ir::kNone) env[producer.sent] = machine_.host_.none();
  yields_.emplace_back();
  ++activation_;
  for (const Continuation::Saved& saved : producer.frames)
    if (saved.kind == Frame::kTry) {
      tried_.push_back({activation_, {}});
      for (ir::SlotId slot : all_assigned(program, *saved.node))
        tried_.back().seen[slot] = unknown(kMaybeUnbound);
    }
  const Continuation::Saved& innermost = producer.frames.back();
  Flow flow = nodes(program, *innermost.region, innermost.pc, env);
  for (std::size_t i = producer.frames.size() - 1; i-- > 0;) {
    const Continuation::Saved& f = producer.frames[i];
    flow = after(
        {program, f.kind, f.region, f.node, f.pc, f.producer.get(), producer.frames[i + 1].region, f.in_body},
        env, std::move(flow));
  }
  --activation_;
  std::optional<Value> all = std::move(yields_.back());
  yields_.pop_back();
  return all;
}

DryRun::Flow DryRun::loop_over(const ir::Program& program, const ir::Node& n, Env env,
                               const Enter& generator) {
  return loop_over(program, n, std::move(env), std::nullopt, [&] { return yielded_by(generator); });
}

DryRun::Flow DryRun::loop_over(const ir::Program& program, const ir::Node& n, Env env,
                               const Continuation& producer) {
  return loop_over(program, n, std::move(env), std::nullopt, [&] { return yielded_by(producer); });
}

// A loop over a generator: its code, which `yielded` walks, and the turns of the loop take place in any
// order. `first` is what it has been found to yield before.
DryRun::Flow DryRun::loop_over(const ir::Program& program, const ir::Node& n, Env env,
                               const std::optional<Value>& first,
                               const std::function<std::optional<Value>()>& yielded) {
  const ir::Loop& l = program.loops[n.index];
  Flow result;
  for (int i = 0;; ++i) {
    const Mark before = mark();
    Env joined = env;
    std::optional<Value> item = first;
    join(item, yielded());
    if (item)
      if (const std::optional<Env> next = turn(program, l, env, *item, result)) join(joined, *next);
    if (settle(env, std::move(joined), before, i)) break;
  }
  return end_of_loop(program, n, std::move(result), std::move(env));
}

}  // namespace xcs::window
