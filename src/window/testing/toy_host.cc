#include "window/testing/toy_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

namespace xcs::window::toy {
namespace {

Object* address(const Toy& t) { return reinterpret_cast<Object*>(const_cast<Toy*>(&t)); }

Action answer_of(Action::Verdict verdict, Value value = {}) {
  Action a;
  a.verdict = verdict;
  a.value = std::move(value);
  return a;
}

// Memory as the view shows it: committed contents, with the pending stores that meet the load replayed on a
// copy.
//
// A load has to ask about every place it depends on, before it reads it, and about no more than that: a place
// that is asked about too broadly costs overlap, one that is not asked about costs the answer.
class Forwarding final : public Reader {
 public:
  Forwarding(World& world, View& view, Fault fault) : world_(world), view_(view), fault_(fault) {}

  const Contents& read(Toy& object, Where where) override {
    if (fault_ == Fault::kLoadsDoNotLook) return object.contents;
    switch (view_.look(address(object), where)) {
      case View::State::kClear:
        return object.contents;
      case View::State::kBlocked:
        throw Need{Action::kBlocked};
      case View::State::kPending:
        break;
    }
    copies_.push_back(object.contents);
    // stores() is valid until the next look().
    std::vector<PendingStore> stores(view_.stores().begin(), view_.stores().end());
    if (fault_ == Fault::kForwardsOneStore) stores.erase(stores.begin(), stores.end() - 1);
    if (fault_ == Fault::kForwardsBackwards) std::ranges::reverse(stores);
    for (const PendingStore& store : stores) replay(store, copies_.back());
    return copies_.back();
  }

 private:
  void replay(const PendingStore& store, Contents& contents) {
    Committed nothing_else;  // an understood store reads nothing but its target and its operands
    try {
      const Node n{world_, *store.program, *store.node, store.operands};
      // Its target, announced while it was pending, may turn out not to be what it can change.
      if (kind(n, nothing_else) != Kind::kStore) return;
      // A stored value need not be there: the load's result is then that pending value. What the store itself
      // computes with does have to be (the elements that sort() compares).
      apply(n, contents, nothing_else);
    } catch (const Raised&) {
      // The store will raise when its turn comes, so it changes nothing, and this load is not reached.
    }
  }

  World& world_;
  View& view_;
  const Fault fault_;
  std::deque<Contents> copies_;
};

// Whether an effect cannot raise when its turn comes. An operand that may turn out to be unbound would.
bool cannot_raise(const Node& n) {
  if (std::ranges::any_of(n.operands, [](const Value& v) { return (v.flags() & kMaybeUnbound) != 0; }))
    return false;
  switch (n.node.op) {
    case ir::Op::kStoreGlobal:
    case ir::Op::kStoreCell:
    case ir::Op::kStoreAttr:
    case ir::Op::kAppend:
      return true;
    case ir::Op::kStoreItem:
      return toy(n.operands[0]).type == Type::kDict;
    case ir::Op::kCallMethod:
      return n.method() == "append" || n.method() == "clear";
    case ir::Op::kCall:
      return true;  // print and stamp; mutate raises nothing either
    default:
      return false;
  }
}

bool mutator(std::string_view method) {
  for (const std::string_view m : {"append", "pop", "sort", "clear", "extend", "setdefault", "update"})
    if (m == method) return true;
  return false;
}

}  // namespace

std::string_view name(Fault fault) {
  constexpr std::string_view kNames[kFaults] = {"none",
                                                "loads do not look",
                                                "forwards one store",
                                                "forwards backwards",
                                                "arguments not frozen",
                                                "arguments not forwarded",
                                                "stores announce nothing",
                                                "stores announce other places",
                                                "pending targets announce nothing",
                                                "unknown calls announce nothing",
                                                "pending callees announce nothing",
                                                "container operands replayed",
                                                "everything fresh",
                                                "everything atomic",
                                                "stores run early",
                                                "prints run early",
                                                "keys never equal",
                                                "context at completion",
                                                "copies escape",
                                                "shared objects taken as private"};
  return kNames[static_cast<std::size_t>(fault)];
}

ToyCall::~ToyCall() {
  if (!frozen) return;
  std::vector<Value> copies = std::move(arguments_);
  for (std::size_t i = 0; i < copies.size(); ++i) {
    Toy& t = toy(copies[i]);
    if (is_atom(t) || t.type == Type::kException) continue;
    Contents contents = std::move(t.contents);
    t.contents = {};
    for (Value& v : contents.items) copies.push_back(std::move(v));
    for (auto& [key, v] : contents.entries) copies.push_back(std::move(v));
  }
}

Answer ToyCall::run() {
  Answer a = answer(world_, builtin_, arguments_);
  if (a.raised) toy(a.value).context = context_;
  return a;
}

std::string ToyCall::text() const {
  Committed memory;
  std::string out = std::string(kBuiltinNames[static_cast<std::size_t>(builtin_)]) + "(";
  for (const Value& v : arguments_) out += describe(v, memory) + ";";
  return out + ")";
}

// A node is done where it stands when that needs no more than is there. Effects wait until the view is quiet;
// that is all there is to order. Everything else says what it waits for, and what it may do to memory until
// then: every load further down depends on that being all of it.
Action ToyHost::attempt(const ir::Program& program, const ir::Node& node, std::span<const Value> operands,
                        View& view) {
  count_attempt();
  if (interrupt_.bound() && !struck_ && !view.quiet()) {
    struck_ = true;
    return answer_of(Action::kRaised, interrupt_);
  }
  const Node n{world_, program, node, operands};
  Forwarding memory(world_, view, fault_);
  try {
    return act(n, memory, view);
  } catch (Raised& raised) {
    return answer_of(Action::kRaised, std::move(raised.exception));
  } catch (const Need& need) {
    return waiting(n, need);
  }
}

void ToyHost::count_attempt() {
  if (attempts_left_-- == 0) throw Endless{};
}

Action ToyHost::act(const Node& n, Reader& memory, View& view) {
  if (n.node.op == ir::Op::kUnpack) {
    Action action;
    action.values = unpack(n, memory);
    return action;
  }
  switch (kind(n, memory)) {
    case Kind::kLoad: {
      Value value = evaluate(n, memory);
      if (fault_ == Fault::kCopiesEscape && value.ready() && n.node.op == ir::Op::kLoadItem)
        value = freeze(world_, value, memory);
      return answer_of(Action::kDone, std::move(value));
    }
    case Kind::kIndependent:
      return issue(n, memory);
    case Kind::kEnter: {
      Action action;
      action.verdict = Action::kEnter;
      action.enter = enter(n, memory);
      return action;
    }
    case Kind::kStore:
      if (!view.quiet() && fault_ != Fault::kStoresRunEarly && !stores_privately(n, view)) return ordered(n);
      return answer_of(Action::kDone, apply(n, toy(target(n)).contents, memory));
    case Kind::kOrdered:
      // What it reads, it reads when it runs: there is nothing to freeze.
      if (!view.quiet() && fault_ != Fault::kPrintsRunEarly) return ordered(n);
      return answer_of(Action::kDone, perform(n));
    case Kind::kUnknown:
      break;
  }
  if (!view.quiet()) return ordered(n);
  if (n.node.op != ir::Op::kStatement) return answer_of(Action::kDone, perform(n));
  Action action;
  action.values = perform_statement(n);
  return action;
}

// See Note [private objects].
bool ToyHost::stores_privately(const Node& n, View& view) const {
  const Value object = target(n);
  if (!std::ranges::all_of(n.operands, &Value::ready) || !object.ready()) return false;
  const auto operands =
      std::ranges::count_if(n.operands, [&](const Value& v) { return v.object() == object.object(); });
  const std::uint32_t ours = 1 + (fault_ == Fault::kSharedTakenAsPrivate ? 1 : 0);
  return toy(object).references <= view.held(object.object()) + static_cast<std::uint32_t>(operands) + ours;
}

Action ToyHost::waiting(const Node& n, const Need& need) const {
  Action action = answer_of(need.verdict, need.value);
  action.operand = need.operand;
  action.flags = flags(n);
  if (fault_ == Fault::kEverythingFresh) action.flags |= kFresh;
  if (fault_ == Fault::kEverythingAtomic) action.flags |= kAtom | kData;
  action.effect = effect(n);
  action.reason = 1;
  return action;
}

// Operands need not be there: they will be when everything before the node is complete.
Action ToyHost::ordered(const Node& n) const {
  Action action = waiting(n, {Action::kOrdered});
  action.sure = cannot_raise(n);
  return action;
}

// An independent call's arguments are frozen at its place: copied, with everything that is pending there
// replayed.
Action ToyHost::issue(const Node& n, Reader& memory) {
  std::vector<Value> arguments;
  Committed committed;
  Reader& from = fault_ == Fault::kArgumentsNotForwarded ? committed : memory;
  for (std::size_t i = 1; i < n.operands.size(); ++i) {
    n.operand(i);
    arguments.push_back(freeze(world_, n.operands[i], from));
    if (fault_ == Fault::kArgumentsNotFrozen) arguments.back() = n.operands[i];
  }
  Value context = fault_ == Fault::kContextAtCompletion ? Value() : world_.handled;
  auto call = std::make_unique<ToyCall>(world_, static_cast<Builtin>(n.operand(0).number),
                                        std::move(arguments), context);
  call->frozen = fault_ != Fault::kArgumentsNotFrozen;
  Action action;
  action.verdict = Action::kIssue;
  action.flags = flags(n);
  if (fault_ == Fault::kEverythingFresh) action.flags |= kFresh;
  if (fault_ == Fault::kEverythingAtomic) action.flags |= kAtom | kData;
  action.call = std::move(call);
  return action;
}

Effect ToyHost::store_effect(const Node& n) const {
  Effect e;
  const Value object = target(n);
  if (fault_ == Fault::kStoresAnnounceNothing) return e;
  if (fault_ == Fault::kPendingTargetsAnnounceNothing && object.is_pending()) return e;
  e.memory = replayable(n) || fault_ == Fault::kContainerOperandsReplayed ? Effect::kStores : Effect::kOpaque;
  for (Where where : places(n)) {
    if (fault_ == Fault::kStoresAnnounceOtherPlaces)
      where = {Where::kAttr, address(*world_.intern("elsewhere"))};
    e.stores.push_back({object, where});
  }
  return e;
}

Effect ToyHost::method_effect(const Node& n) const {
  const Value& receiver = n.operands[0];
  // An object's methods are the user's code; so may be those of a value of which nothing is known.
  const bool data = receiver.ready() ? toy(receiver).type != Type::kObject : (receiver.flags() & kData) != 0;
  Effect e;
  if (!data)
    e.memory = fault_ == Fault::kPendingCalleesAnnounceNothing ? Effect::kNone : Effect::kAnything;
  else if (n.node.op == ir::Op::kCallMethod && mutator(n.method()))
    e = store_effect(n);
  return e;
}

// What the node may do to memory when it is run, as far as the operands tell that are there.
Effect ToyHost::effect(const Node& n) const {
  Effect e;
  switch (n.node.op) {
    case ir::Op::kStoreGlobal:
    case ir::Op::kDeleteGlobal:
    case ir::Op::kStoreCell:
    case ir::Op::kDeleteCell:
    case ir::Op::kStoreAttr:
    case ir::Op::kDeleteAttr:
    case ir::Op::kStoreItem:
    case ir::Op::kDeleteItem:
    case ir::Op::kAppend:
      return store_effect(n);
    case ir::Op::kInplace: {
      // Only lists change in place.
      const Value& object = n.operands[0];
      const bool list = object.ready() ? toy(object).type == Type::kList : (object.flags() & kAtom) == 0;
      return list ? store_effect(n) : e;
    }
    case ir::Op::kCallMethod:
    case ir::Op::kSpecial:
      return method_effect(n);
    case ir::Op::kCall: {
      const Value& callee = n.operands[0];
      if (callee.is_pending() && fault_ != Fault::kPendingCalleesAnnounceNothing)
        e.memory = Effect::kAnything;
      if (callee.ready() && toy(callee).type == Type::kBuiltin &&
          toy(callee).number == static_cast<std::int64_t>(Builtin::kMutate) &&
          fault_ != Fault::kUnknownCallsAnnounceNothing)
        e.memory = Effect::kAnything;
      return e;
    }
    case ir::Op::kStatement:
      if (fault_ != Fault::kUnknownCallsAnnounceNothing) e.memory = Effect::kAnything;
      return e;
    default:
      return e;
  }
}

// The iterator belongs to its loop alone, so moving it is not a store.
Action ToyHost::next(const ir::Program&, const ir::Node&, const Value& iterator, View& view) {
  count_attempt();
  Forwarding memory(world_, view, fault_);
  Action action;
  try {
    Value item = next_item(world_, toy(iterator), memory);
    if (!item.bound()) return answer_of(Action::kStop);
    ++toy(iterator).number;
    return answer_of(Action::kDone, std::move(item));
  } catch (const Need& need) {
    action.verdict = need.verdict;
    action.value = need.value;
  }
  action.reason = 1;
  return action;
}

Flags ToyHost::known(const Value& value) {
  const Toy& t = toy(value);
  if (fault_ == Fault::kEverythingAtomic || is_atom(t)) return kAtom | kData;
  if (t.type == Type::kList || t.type == Type::kDict || t.type == Type::kException) return kData;
  // Of an iterator, the items are meant; a list's may change until they are reached.
  const bool range = t.type == Type::kIterator && toy(t.contents.items[0]).type == Type::kRange;
  return range ? kAtom | kData : kUnknown;
}

std::optional<std::vector<Value>> ToyHost::peek_items(const Value& iterator, std::size_t limit, View& view) {
  const Toy& t = toy(iterator);
  const Toy& source = toy(t.contents.items[0]);
  std::vector<Value> items;
  if (source.type == Type::kRange) {
    for (std::int64_t i = t.number; i < source.number; ++i) items.push_back(world_.integer(i));
  } else {
    if (view.look(address(source), {}) != View::State::kClear) return std::nullopt;
    for (std::size_t i = static_cast<std::size_t>(t.number); i < source.contents.items.size(); ++i)
      items.push_back(source.contents.items[i]);
  }
  if (items.size() > limit) return std::nullopt;
  return items;
}

Value ToyHost::unbound_error(const ir::Program& program, ir::SlotId slot, const ir::Node&) {
  return world_.exception(fmt::format("UnboundLocalError: {}", program.slots[slot]));
}

Value ToyHost::depth_error(std::uint32_t depth) {
  return depth > kDeepest ? world_.exception("RecursionError: too deep") : Value();
}

void ToyHost::unwound(const ir::Program& program, const ir::Node& node, const Value& exception) {
  toy(exception).trace.push_back(fmt::format("{}:{}", program.name, node.position.line));
}

// Both are atoms; a number may be a list's negative index, which means an item by the list's length.
bool ToyHost::same_key(Object* a, Object* b) {
  const auto *x = reinterpret_cast<Toy*>(a), *y = reinterpret_cast<Toy*>(b);
  if (fault_ == Fault::kKeysNeverEqual) return x == y;
  return x->type == y->type && x->number == y->number && x->text == y->text;
}

}  // namespace xcs::window::toy
