// Which kind of thing a node does, and effects.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/check.h"
#include "window/testing/toy_operations.h"

namespace xcs::window::toy {
namespace {

constexpr Flags kAtomic = kAtom | kData;

Kind builtin_kind(Builtin builtin) {
  switch (builtin) {
    case Builtin::kAsk:
    case Builtin::kAskText:
    case Builtin::kAskDict:
    case Builtin::kRisky:
      return Kind::kIndependent;
    case Builtin::kPrint:
    case Builtin::kStamp:
      return Kind::kOrdered;
    case Builtin::kMutate:
      return Kind::kUnknown;
    default:
      return Kind::kLoad;
  }
}

Kind call_kind(const Node& n) {
  const Toy& callee = n.operand(0);
  if (callee.type == Type::kFunction) return Kind::kEnter;
  if (callee.type != Type::kBuiltin) n.raise("TypeError: not callable");
  return builtin_kind(static_cast<Builtin>(callee.number));
}

struct Method {
  Type type;
  std::string_view name;
  std::size_t arguments;
  Kind kind;
};
constexpr Method kMethods[] = {
    {Type::kList, "append", 1, Kind::kStore},     {Type::kList, "pop", 0, Kind::kStore},
    {Type::kList, "sort", 0, Kind::kStore},       {Type::kList, "clear", 0, Kind::kStore},
    {Type::kList, "extend", 1, Kind::kStore},     {Type::kList, "copy", 0, Kind::kLoad},
    {Type::kDict, "pop", 1, Kind::kStore},        {Type::kDict, "clear", 0, Kind::kStore},
    {Type::kDict, "setdefault", 2, Kind::kStore}, {Type::kDict, "update", 1, Kind::kStore},
    {Type::kDict, "copy", 0, Kind::kLoad},        {Type::kDict, "get", 1, Kind::kLoad},
};

Kind method_kind(const Node& n) {
  const Toy& receiver = n.operand(0);
  if (receiver.type == Type::kObject) return Kind::kEnter;
  for (const Method& m : kMethods) {
    if (m.type != receiver.type || m.name != n.method()) continue;
    if (n.operands.size() != m.arguments + 1) n.raise("TypeError: wrong number of arguments");
    // Keys are hashed, other containers read.
    const bool keyed = m.type == Type::kDict && m.arguments > 0 && m.name != "update";
    if (keyed && !is_atom(n.operand(1))) n.raise("TypeError: unhashable");
    if (m.name == "extend" || m.name == "update") n.operand(1);
    return m.kind;
  }
  n.raise(fmt::format("AttributeError: {}", n.method()));
}

Kind item_store_kind(const Node& n) {
  const Toy& container = n.operand(0);
  const Toy& key = n.operand(1);
  if (container.type == Type::kDict && is_atom(key)) return Kind::kStore;
  if (container.type == Type::kList && key.type == Type::kInt) return Kind::kStore;
  n.raise("TypeError: no such item");
}

Toy& method_of(const Node& n, std::string_view method, Reader& memory) {
  Toy* name = n.world.intern(method);
  Toy& receiver = n.operand(0);
  if (receiver.type == Type::kObject) {
    const Contents& c = memory.read(receiver, {Where::kAttr, reinterpret_cast<Object*>(name)});
    for (const auto& [key, value] : c.entries) {
      if (&toy(key) != name) continue;
      Value function = value;
      function.settle();
      if (!function.bound()) throw Need{Action::kOrdered};
      if (function.is_pending()) throw Need{.verdict = Action::kElement, .value = function};
      if (toy(function).type != Type::kFunction) n.raise("TypeError: not callable");
      return toy(function);
    }
  }
  n.raise(fmt::format("AttributeError: {}", method));
}

// Every mutable object that the values reach, each once, in an order that depends on the values alone.
class Reachable {
 public:
  std::vector<Value> found;

  void add(const Value& value) {
    if (!value.bound()) return;
    const Toy& t = toy(value);
    if (is_atom(t) || t.type == Type::kException || !seen_.insert(&t).second) return;
    if (t.type != Type::kFunction && t.type != Type::kIterator) found.push_back(value);
    for (const Value& v : t.contents.items) add(v);
    for (const auto& [key, v] : t.contents.entries) add(v);
  }

 private:
  std::set<const Toy*> seen_;
};

void mutate_one(World& w, const Value& value, std::size_t choice, Value with) {
  Contents& c = toy(value).contents;
  switch (toy(value).type) {
    case Type::kList:
      if (choice % 3 == 0 && !c.items.empty())
        c.items.pop_back();
      else if (choice % 3 == 1 && !c.items.empty())
        c.items[choice % c.items.size()] = std::move(with);
      else if (c.items.size() < 20)
        c.items.push_back(std::move(with));
      return;
    case Type::kCell:
      c.items = {std::move(with)};
      return;
    default: {
      const bool dict = toy(value).type == Type::kDict;
      const Value key =
          dict ? w.integer(static_cast<std::int64_t>(choice % 3)) : w.interned(choice % 2 == 0 ? "x" : "y");
      for (auto& [k, v] : c.entries) {
        if (!equal(k, key)) continue;
        v = std::move(with);
        return;
      }
      c.entries.emplace_back(key, std::move(with));
    }
  }
}

// What it does is a function of what it can reach.
Value mutate(World& w, std::span<const Value> arguments) {
  Reachable reachable;
  for (const Value& v : arguments) reachable.add(v);
  const std::size_t own = reachable.found.size();
  reachable.add(w.globals);
  Committed memory;
  std::size_t hash = 5381;
  for (const Value& v : arguments)
    if (v.bound())
      for (const char ch : describe(v, memory)) hash = hash * 33 + static_cast<unsigned char>(ch);
  hash ^= hash >> 17;
  const std::vector<Value>& all = reachable.found;
  const Value with =
      hash % 4 == 0 ? all[(hash >> 8) % all.size()] : w.integer(static_cast<std::int64_t>(hash % 6));
  const std::size_t among = own > 0 && hash % 5 != 0 ? own : all.size();
  mutate_one(w, all[(hash >> 4) % among], hash >> 12, with);
  return (hash >> 20) % 2 == 0 ? all[(hash >> 16) % all.size()]
                               : w.integer(static_cast<std::int64_t>(hash % 7));
}

}  // namespace

Kind kind(const Node& n, Reader&) {
  switch (n.node.op) {
    case ir::Op::kStoreGlobal:
    case ir::Op::kDeleteGlobal:
      return Kind::kStore;
    case ir::Op::kStoreCell:
    case ir::Op::kDeleteCell:
      n.operand(0);
      return Kind::kStore;
    case ir::Op::kStoreAttr:
    case ir::Op::kDeleteAttr:
      if (n.operand(0).type != Type::kObject) n.raise("AttributeError: no attributes");
      return Kind::kStore;
    case ir::Op::kStoreItem:
    case ir::Op::kDeleteItem:
      return item_store_kind(n);
    case ir::Op::kAppend:
      if (n.operand(0).type != Type::kList) n.raise("TypeError: not a list");
      return Kind::kStore;
    case ir::Op::kInplace:
      if (n.operand(0).type != Type::kList) return Kind::kLoad;
      n.operand(1);
      return Kind::kStore;
    case ir::Op::kCall:
      return call_kind(n);
    case ir::Op::kCallMethod:
      return method_kind(n);
    case ir::Op::kSpecial:
      return Kind::kEnter;
    case ir::Op::kStatement:
      return Kind::kUnknown;
    default:
      return Kind::kLoad;
  }
}

Value perform(const Node& n) {
  const std::span<const Value> arguments = n.operands.subspan(1);
  const auto builtin = static_cast<Builtin>(n.operand(0).number);
  if (builtin == Builtin::kStamp) return n.world.integer(static_cast<std::int64_t>(n.world.log.size()));
  if (builtin == Builtin::kMutate) return mutate(n.world, arguments);
  XCS_CHECK(builtin == Builtin::kPrint, n.operand(0).text);
  Committed memory;
  std::string line;
  for (const Value& v : arguments) line += describe(v, memory) + " ";
  n.world.log.push_back(std::move(line));
  return n.world.none();
}

std::vector<Value> perform_statement(const Node& n) {
  const ir::Statement& s = n.program.statements[n.node.index];
  const Value result = mutate(n.world, n.operands);
  std::vector<Value> outputs;
  for (std::size_t i = 0; i < s.outputs.size(); ++i)
    outputs.push_back(i < n.operands.size() ? n.operands[i] : result);
  return outputs;
}

Enter enter(const Node& n, Reader& memory) {
  std::vector<Value> slots(n.operands.begin(), n.operands.end());
  Toy* function = nullptr;
  if (n.node.op == ir::Op::kCall) {
    function = &n.operand(0);
    slots.erase(slots.begin());
  } else {
    function = &method_of(n, n.node.op == ir::Op::kSpecial ? n.name() : n.method(), memory);
  }
  if (slots.size() != function->program->parameters.count())
    n.raise(fmt::format("TypeError: {} arguments for {}", slots.size(), function->text));
  // A function's cells never change; what is in them is read when the function reads it.
  std::ranges::copy(function->contents.items, std::back_inserter(slots));
  return {function->program, std::move(slots)};
}

namespace {

bool atomic(const Value& v) { return v.ready() ? is_atom(toy(v)) : (v.flags() & kAtom) != 0; }

Flags fragment_flags(const Node& n) {
  const std::string& text = n.program.fragments[n.node.index].text;
  if (text[0] == '[' || text[0] == '{') return kFresh | kData;
  if (text != "a + b" && text != "a += b") return kAtomic;
  return std::ranges::all_of(n.operands, atomic) ? kAtomic : kUnknown;
}

Flags call_flags(const Node& n) {
  if (!n.operands[0].ready() || toy(n.operands[0]).type != Type::kBuiltin) return kUnknown;
  switch (static_cast<Builtin>(toy(n.operands[0]).number)) {
    case Builtin::kAskDict:
      return kFresh | kData;
    case Builtin::kNew:
    case Builtin::kCopy:
      return kFresh;
    case Builtin::kMutate:
      return kUnknown;
    default:
      return kAtomic;
  }
}

}  // namespace

Flags flags(const Node& n) {
  switch (n.node.op) {
    case ir::Op::kConst:
    case ir::Op::kContains:
    case ir::Op::kTruth:
    case ir::Op::kMatchException:
      return kAtomic;
    case ir::Op::kMakeCell:
    case ir::Op::kMakeFunction:
    case ir::Op::kIter:
      return kFresh;
    case ir::Op::kEval:
    case ir::Op::kInplace:
      return fragment_flags(n);
    case ir::Op::kCall:
      return call_flags(n);
    case ir::Op::kCallMethod: {
      const bool data = n.operands[0].ready() ? toy(n.operands[0]).type != Type::kObject
                                              : (n.operands[0].flags() & kData) != 0;
      return data && n.method() == "copy" ? kFresh : kUnknown;  // an object's own `copy` is another matter
    }
    default:
      return kUnknown;
  }
}

}  // namespace xcs::window::toy
