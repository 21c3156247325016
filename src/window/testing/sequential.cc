#include "window/testing/sequential.h"

#include <fmt/format.h>

#include "base/check.h"
#include "window/testing/toy_host.h"

namespace xcs::window::toy {

Outcome Sequential::call(const Enter& enter) {
  try {
    return {false, activation(enter)};
  } catch (Raised& raised) {
    return {true, std::move(raised.exception)};
  }
}

Value Sequential::activation(const Enter& enter) {
  Activation a{*enter.program, enter.slots};
  a.slots.resize(a.program.slots.size());
  Flow flow = region(a, a.program.body);
  return flow.exit == Exit::kReturned ? flow.returned : world_.none();
}

Value Sequential::entered(const Enter& enter, const ir::Program& caller, const ir::Node& node) {
  if (depth_ + 1 > ToyHost::kDeepest) throw Raised{world_.exception("RecursionError: too deep")};
  ++depth_;
  try {
    Value value = activation(enter);
    --depth_;
    return value;
  } catch (const Raised& raised) {
    --depth_;
    toy(raised.exception).trace.push_back(fmt::format("{}:{}", caller.name, node.position.line));
    throw;
  }
}

Sequential::Flow Sequential::region(Activation& a, ir::RegionId id) {
  if (id == ir::kNone) return {};
  for (const ir::Node& n : a.program.regions[id].nodes) {
    if (steps_left_-- == 0) throw TooLong{};
    Flow flow = node(a, n);
    if (flow.exit != Exit::kFell) return flow;
  }
  return {};
}

Sequential::Flow Sequential::region_handling(Activation& a, ir::RegionId id, const Value& exception) {
  const Value outer = world_.handled;
  world_.handled = exception;
  try {
    Flow flow = region(a, id);
    world_.handled = outer;
    return flow;
  } catch (const Raised&) {
    world_.handled = outer;
    throw;
  }
}

Sequential::Flow Sequential::node(Activation& a, const ir::Node& node) {
  switch (node.op) {
    case ir::Op::kIf:
      return branch(a, node);
    case ir::Op::kLoop:
      return loop(a, node);
    case ir::Op::kTry:
      return attempt(a, a.program.tries[node.index]);
    case ir::Op::kReturn:
      return {Exit::kReturned, operands(a, node)[0]};
    case ir::Op::kBreak:
      return {Exit::kBroke};
    case ir::Op::kContinue:
      return {Exit::kContinued};
    default:
      simple(a, node);
      return {};
  }
}

std::vector<Value> Sequential::operands(Activation& a, const ir::Node& node) {
  std::vector<Value> values;
  if (node.op == ir::Op::kStatement) {
    const ir::Statement& s = a.program.statements[node.index];
    for (const ir::SlotId slot : s.inputs) values.push_back(a.slots[slot]);
    for (const ir::SlotId slot : s.cells) values.push_back(a.slots[slot]);
    return values;
  }
  for (const ir::SlotId slot : node.args) {
    if (!a.slots[slot].bound())
      throw Raised{world_.exception(fmt::format("UnboundLocalError: {}", a.program.slots[slot]))};
    values.push_back(a.slots[slot]);
  }
  return values;
}

void Sequential::simple(Activation& a, const ir::Node& node) {
  const std::vector<Value> values = operands(a, node);
  const Node n{world_, a.program, node, values};
  Committed memory;
  if (node.op == ir::Op::kMove) {
    a.slots[node.dest] = values[0];
  } else if (node.op == ir::Op::kUnbind) {
    a.slots[node.args[0]] = Value();
  } else if (node.op == ir::Op::kUnpack) {
    std::vector<Value> results = unpack(n, memory);
    for (std::size_t i = 0; i < results.size(); ++i)
      a.slots[a.program.unpacks[node.index].dests[i]] = results[i];
  } else if (node.op == ir::Op::kStatement) {
    std::vector<Value> results = perform_statement(n);
    for (std::size_t i = 0; i < results.size(); ++i)
      a.slots[a.program.statements[node.index].outputs[i]] = results[i];
  } else {
    Value result = operation(n);
    if (node.dest != ir::kNone) a.slots[node.dest] = std::move(result);
  }
}

Value Sequential::operation(const Node& n) {
  Committed memory;
  switch (kind(n, memory)) {
    case Kind::kLoad:
      return evaluate(n, memory);
    case Kind::kStore:
      return apply(n, toy(target(n)).contents, memory);
    case Kind::kOrdered:
    case Kind::kUnknown:
      return perform(n);
    case Kind::kEnter:
      return entered(enter(n, memory), n.program, n.node);
    case Kind::kIndependent:
      break;
  }
  ToyCall call(world_, static_cast<Builtin>(n.operand(0).number), {n.operands.begin() + 1, n.operands.end()},
               world_.handled);
  call.frozen = false;
  calls_.push_back(call.text());
  Answer answer = call.run();
  if (answer.raised) throw Raised{answer.value};
  return answer.value;
}

bool Sequential::is_true(Activation& a, ir::SlotId slot, const ir::Node& node) {
  ir::Node truth_node{.op = ir::Op::kTruth, .args = {slot}, .position = node.position};
  const std::vector<Value> values = operands(a, truth_node);
  Committed memory;
  return truth({world_, a.program, truth_node, values}, memory);
}

Sequential::Flow Sequential::branch(Activation& a, const ir::Node& node) {
  const ir::If& branch = a.program.ifs[node.index];
  return region(a, is_true(a, node.args[0], node) ? branch.then_region : branch.else_region);
}

Sequential::Flow Sequential::loop(Activation& a, const ir::Node& node) {
  const ir::Loop& loop = a.program.loops[node.index];
  Committed memory;
  Value iterator = loop.head == ir::kNone ? operands(a, node)[0] : Value();
  while (true) {
    if (loop.head == ir::kNone) {
      Value item = next_item(world_, toy(iterator), memory);
      if (!item.bound()) break;
      ++toy(iterator).number;
      a.slots[loop.item] = std::move(item);
    } else {
      region(a, loop.head);
      if (!is_true(a, loop.condition, node)) break;
    }
    if (steps_left_-- == 0) throw TooLong{};
    Flow flow = region(a, loop.body);
    if (flow.exit == Exit::kBroke) return {};
    if (flow.exit == Exit::kReturned) return flow;
  }
  return region(a, loop.orelse);
}

Sequential::Flow Sequential::attempt(Activation& a, const ir::Try& t) {
  Flow flow;
  Value caught;
  Value leaving;  // the exception that leaves the statement unless the final region does so first
  try {
    try {
      flow = region(a, t.body);
    } catch (const Raised& raised) {
      if (t.handlers.empty()) throw;
      caught = raised.exception;
    }
    if (caught.bound())
      flow = handle(a, t, caught);
    else if (flow.exit == Exit::kFell)
      flow = region(a, t.orelse);
  } catch (const Raised& raised) {
    leaving = raised.exception;
  }
  const bool raised = leaving.bound() || caught.bound();
  if (t.final_region != ir::kNone && (!raised || t.final_on_exception)) {
    Flow last = region_handling(a, t.final_region, leaving.bound() ? leaving : world_.handled);
    if (last.exit != Exit::kFell) return last;
  }
  if (leaving.bound()) throw Raised{leaving};
  return flow;
}

Sequential::Flow Sequential::handle(Activation& a, const ir::Try& t, const Value& exception) {
  if (t.exception != ir::kNone) a.slots[t.exception] = exception;
  for (const ir::Handler& h : t.handlers) {
    if (h.test != ir::kNone) {
      region_handling(a, h.test, exception);
      const ir::Node none{.op = ir::Op::kTruth};
      if (!is_true(a, h.caught, none)) continue;
    }
    return region_handling(a, h.body, exception);
  }
  throw Raised{exception};
}

}  // namespace xcs::window::toy
