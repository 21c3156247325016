// Loads and pure operations.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "window/testing/toy_operations.h"

namespace xcs::window::toy {

Toy& Node::operand(std::size_t i) const {
  if (operands[i].is_pending()) throw Need{Action::kOperand, static_cast<std::uint32_t>(i)};
  return toy(operands[i]);
}

namespace {

// Something taken out of memory, which may be pending. Unbound content comes from a store whose own operand
// turned out to be unbound: it has failed, and nothing after it will be kept.
Value element(Value value) {
  value.settle();
  if (!value.bound()) throw Need{Action::kOrdered};
  return value;
}

Value force(Value value) {
  value = element(std::move(value));
  if (value.is_pending()) throw Need{.verdict = Action::kElement, .value = value};
  return value;
}

const Value* find(const Contents& contents, const Value& key) {
  for (const auto& [k, v] : contents.entries)
    if (equal(k, key)) return &v;
  return nullptr;
}

const Value* find_name(const Contents& contents, const Toy* name) {
  for (const auto& [k, v] : contents.entries)
    if (&toy(k) == name) return &v;
  return nullptr;
}

Object* address(const Toy& t) { return reinterpret_cast<Object*>(const_cast<Toy*>(&t)); }

std::int64_t number(const Node& n, std::size_t i) {
  const Toy& t = n.operand(i);
  if (t.type != Type::kInt) n.raise("TypeError: not a number");
  return t.number;
}

const Toy& hashable(const Node& n, std::size_t i) {
  const Toy& t = n.operand(i);
  if (!is_atom(t)) n.raise("TypeError: unhashable");
  return t;
}

Value add(const Node& n, Reader& memory) {
  Toy &a = n.operand(0), &b = n.operand(1);
  if (a.type == Type::kInt && b.type == Type::kInt) return n.world.integer((a.number + b.number) % 1'000'003);
  if (a.type == Type::kString && b.type == Type::kString)
    return n.world.string((a.text + b.text).substr(0, 200));
  if (a.type != Type::kList || b.type != Type::kList) n.raise("TypeError: cannot add");
  std::vector<Value> items;
  for (Toy* part : {&a, &b})
    for (const Value& v : memory.read(*part, {}).items) items.push_back(force(v));
  if (items.size() > 60) n.raise("MemoryError: list too long");
  return n.world.list(std::move(items));
}

bool less(const Node& n) {
  const Toy &a = n.operand(0), &b = n.operand(1);
  if (a.type != b.type || !is_atom(a)) n.raise("TypeError: cannot compare");
  return std::tie(a.number, a.text) < std::tie(b.number, b.text);
}

Value display(const Node& n) {
  const std::string_view text = n.program.fragments[n.node.index].text;
  std::vector<Value> items;
  for (std::size_t i = 0; i < n.operands.size(); ++i) {
    n.operand(i);
    items.push_back(n.operands[i]);
  }
  if (text[0] == '[') return n.world.list(std::move(items));
  XCS_CHECK(items.size() % 2 == 0, text);
  std::vector<std::pair<Value, Value>> entries;
  for (std::size_t i = 0; i < items.size(); i += 2) {
    hashable(n, i);
    entries.emplace_back(items[i], items[i + 1]);
  }
  return n.world.dict(std::move(entries));
}

// Fragments are told apart by their text; operands count, their names do not.
Value fragment(const Node& n, Reader& memory) {
  World& w = n.world;
  const std::string& text = n.program.fragments[n.node.index].text;
  if (text[0] == '[' || text[0] == '{') return display(n);
  if (text[0] == '\'') return w.string(text.substr(1, text.size() - 2));
  if (text == "None") return w.none();
  if (text == "f'{a}'") return w.string(describe((n.operand(0), n.operands[0]), memory));
  if (text == "a + b" || text == "a += b") return add(n, memory);
  if (text == "a - b") return w.integer(number(n, 0) - number(n, 1));
  if (text == "a * b") return w.integer(number(n, 0) * number(n, 1) % 1'000'003);
  if (text == "a % b") {
    const std::int64_t a = number(n, 0), b = number(n, 1);
    if (b == 0) n.raise("ZeroDivisionError: modulo by zero");
    return w.integer(a % b);
  }
  if (text == "a < b") return w.integer(less(n));
  if (text == "a == b") return w.integer((n.operand(0), n.operand(1), equal(n.operands[0], n.operands[1])));
  if (text == "a is b") return w.integer((n.operand(0), n.operand(1), equal(n.operands[0], n.operands[1])));
  XCS_CHECK(false, text);
  return {};
}

Value load_global(const Node& n, Reader& memory) {
  Toy* name = n.world.intern(n.name());
  const Contents& globals = memory.read(toy(n.world.globals), {Where::kAttr, address(*name)});
  if (const Value* v = find_name(globals, name)) return element(*v);
  const auto* found = std::ranges::find(kBuiltinNames, n.name());
  if (found == std::end(kBuiltinNames)) n.raise(fmt::format("NameError: {}", n.name()));
  return n.world.builtin(n.name());
}

Value load_cell(const Node& n, Reader& memory) {
  const Contents& cell = memory.read(n.operand(0), {Where::kAttr, nullptr});
  if (cell.items.empty()) n.raise(fmt::format("NameError: {} is not set", n.name()));
  return element(cell.items[0]);
}

Value load_attr(const Node& n, Reader& memory) {
  Toy& object = n.operand(0);
  if (object.type != Type::kObject) n.raise(fmt::format("AttributeError: {}", n.name()));
  Toy* name = n.world.intern(n.name());
  const Value* v = find_name(memory.read(object, {Where::kAttr, address(*name)}), name);
  if (v == nullptr) n.raise(fmt::format("AttributeError: {}", n.name()));
  return element(*v);
}

Value load_item(const Node& n, Reader& memory) {
  Toy& object = n.operand(0);
  if (object.type == Type::kDict) {
    const Where where{Where::kItem, address(hashable(n, 1))};
    const Value* v = find(memory.read(object, where), n.operands[1]);
    if (v == nullptr) n.raise("KeyError: " + describe(n.operands[1], memory));
    return element(*v);
  }
  if (object.type != Type::kList) n.raise("TypeError: not subscriptable");
  std::int64_t i = number(n, 1);
  // A negative index names an item by the length, which is kAll for lists.
  const Where where = i < 0 ? Where{} : Where{Where::kItem, n.operands[1].object()};
  const std::vector<Value>& items = memory.read(object, where).items;
  if (i < 0) i += static_cast<std::int64_t>(items.size());
  if (i < 0 || i >= static_cast<std::int64_t>(items.size())) n.raise("IndexError: index out of range");
  return element(items[static_cast<std::size_t>(i)]);
}

bool contains(const Node& n, Reader& memory) {
  Toy& container = n.operand(1);
  n.operand(0);
  if (container.type == Type::kDict) {
    const Where where{Where::kItem, address(hashable(n, 0))};
    return find(memory.read(container, where), n.operands[0]) != nullptr;
  }
  if (container.type != Type::kList) n.raise("TypeError: not a container");
  const std::vector<Value>& items = memory.read(container, {}).items;
  return std::ranges::any_of(items, [&](const Value& v) { return equal(force(v), n.operands[0]); });
}

Value length(const Node& n, std::size_t operand, Reader& memory) {
  Toy& t = n.operand(operand);
  if (t.type == Type::kString) return n.world.integer(static_cast<std::int64_t>(t.text.size()));
  if (t.type != Type::kList && t.type != Type::kDict) n.raise("TypeError: no length");
  const Contents& c = memory.read(t, {Where::kKeys, nullptr});
  return n.world.integer(static_cast<std::int64_t>(c.items.size() + c.entries.size()));
}

Value copy(const Node& n, std::size_t operand, Reader& memory) {
  Toy& t = n.operand(operand);
  if (t.type != Type::kList && t.type != Type::kDict) n.raise("TypeError: cannot be copied");
  Contents c = memory.read(t, {});
  for (Value& v : c.items) v = force(v);
  for (auto& [key, v] : c.entries) v = force(v);
  return t.type == Type::kList ? n.world.list(std::move(c.items)) : n.world.dict(std::move(c.entries));
}

Value join(const Node& n, Reader& memory) {
  Toy& t = n.operand(1);
  if (t.type != Type::kList) n.raise("TypeError: not a list");
  std::string out;
  for (const Value& v : memory.read(t, {}).items) out += describe(force(v), memory) + ",";
  return n.world.string(out.substr(0, 200));
}

Value call(const Node& n, Reader& memory) {
  if (n.operands.size() < 2 && static_cast<Builtin>(n.operand(0).number) != Builtin::kNew)
    n.raise("TypeError: too few arguments");
  switch (static_cast<Builtin>(n.operand(0).number)) {
    case Builtin::kLen:
      return length(n, 1, memory);
    case Builtin::kCopy:
      return copy(n, 1, memory);
    case Builtin::kJoin:
      return join(n, memory);
    case Builtin::kRange:
      return n.world.range(std::clamp<std::int64_t>(number(n, 1), 0, 8));
    case Builtin::kNew:
      return n.world.object();
    case Builtin::kDigest: {
      std::size_t sum = 7;
      for (std::size_t i = 1; i < n.operands.size(); ++i) {
        n.operand(i);
        for (const char c : describe(n.operands[i], memory))
          sum = (sum * 31 + static_cast<unsigned char>(c)) % 1009;
      }
      return n.world.integer(static_cast<std::int64_t>(sum % 10));
    }
    default:
      XCS_CHECK(false, n.operand(0).text);
  }
  return {};
}

Value call_method(const Node& n, Reader& memory) {
  if (n.method() == "copy") return copy(n, 0, memory);
  XCS_CHECK(n.method() == "get", n.method());
  const Where where{Where::kItem, address(hashable(n, 1))};
  const Value* v = find(memory.read(n.operand(0), where), n.operands[1]);
  return v == nullptr ? n.world.none() : element(*v);
}

Value iterate(const Node& n, Reader& memory) {
  Toy& t = n.operand(0);
  if (t.type == Type::kList || t.type == Type::kRange) return n.world.iterator(n.operands[0]);
  if (t.type != Type::kDict) n.raise("TypeError: cannot be iterated over");
  std::vector<Value> keys;
  for (const auto& [key, value] : memory.read(t, {Where::kKeys, nullptr}).entries) keys.push_back(key);
  return n.world.iterator(n.world.list(std::move(keys)));
}

bool matches(const Node& n) {
  const Toy &exception = n.operand(0), &type = n.operand(1);
  if (type.type != Type::kString) n.raise("TypeError: not a class of exceptions");
  return type.text == "any" || exception.text.starts_with(type.text + ":");
}

[[noreturn]] void raise(const Node& n, Reader& memory) {
  if (n.node.op == ir::Op::kReraise) {
    if (!n.world.handled.bound()) n.raise("RuntimeError: nothing to raise again");
    throw Raised{n.world.handled};
  }
  const Toy& t = n.operand(0);
  if (t.type == Type::kException) throw Raised{n.operands[0]};
  Value exception = n.world.exception("Error: " + describe(n.operands[0], memory));
  if (n.operands.size() == 2) toy(exception).cause = (n.operand(1), n.operands[1]);
  throw Raised{exception};
}

}  // namespace

bool truth(const Node& n, Reader& memory) {
  Toy& t = n.operand(0);
  switch (t.type) {
    case Type::kNone:
      return false;
    case Type::kInt:
      return t.number != 0;
    case Type::kString:
      return !t.text.empty();
    case Type::kList:
    case Type::kDict: {
      const Contents& c = memory.read(t, {Where::kKeys, nullptr});
      return !c.items.empty() || !c.entries.empty();
    }
    default:
      return true;
  }
}

Value evaluate(const Node& n, Reader& memory) {
  const bool negated = n.node.index == 1;
  switch (n.node.op) {
    case ir::Op::kConst:
      return n.world.integer(n.program.constants[n.node.index]);
    case ir::Op::kEval:
    case ir::Op::kInplace:
      return fragment(n, memory);
    case ir::Op::kMakeCell:
      return n.world.cell(n.operands.empty() ? Value() : (n.operand(0), n.operands[0]));
    case ir::Op::kMakeFunction: {
      for (std::size_t i = 0; i < n.operands.size(); ++i) n.operand(i);
      const auto& program = n.world.programs.at(n.program.functions[n.node.index].name);
      return n.world.function(program, {n.operands.begin(), n.operands.end()});
    }
    case ir::Op::kLoadGlobal:
      return load_global(n, memory);
    case ir::Op::kLoadCell:
      return load_cell(n, memory);
    case ir::Op::kLoadAttr:
      return load_attr(n, memory);
    case ir::Op::kLoadItem:
      return load_item(n, memory);
    case ir::Op::kContains:
      return n.world.integer(contains(n, memory) != negated);
    case ir::Op::kTruth:
      return n.world.integer(truth(n, memory) != negated);
    case ir::Op::kMatchException:
      return n.world.integer(matches(n));
    case ir::Op::kIter:
      return iterate(n, memory);
    case ir::Op::kCall:
      return call(n, memory);
    case ir::Op::kCallMethod:
      return call_method(n, memory);
    case ir::Op::kRaise:
    case ir::Op::kReraise:
      raise(n, memory);
    default:
      XCS_CHECK(false, static_cast<int>(n.node.op));
  }
  return {};
}

std::vector<Value> unpack(const Node& n, Reader& memory) {
  Toy& t = n.operand(0);
  if (t.type != Type::kList) n.raise("TypeError: cannot be unpacked");
  const ir::Unpack& shape = n.program.unpacks[n.node.index];
  const std::vector<Value>& items = memory.read(t, {}).items;
  const bool starred = shape.star != ir::kNone;
  const std::size_t fixed = shape.dests.size() - (starred ? 1 : 0);
  if (items.size() < fixed || (!starred && items.size() > fixed))
    n.raise(fmt::format("ValueError: {} values for {} targets", items.size(), fixed));
  const std::size_t rest = items.size() - fixed;
  std::vector<Value> values;
  for (std::size_t i = 0, from = 0; i < shape.dests.size(); ++i) {
    if (i != shape.star) {
      values.push_back(element(items[from++]));
      continue;
    }
    std::vector<Value> taken;
    for (std::size_t k = 0; k < rest; ++k) taken.push_back(force(items[from++]));
    values.push_back(n.world.list(std::move(taken)));
  }
  return values;
}

Value next_item(World& world, Toy& iterator, Reader& memory) {
  Toy& source = toy(iterator.contents.items[0]);
  if (source.type == Type::kRange)
    return iterator.number < source.number ? world.integer(iterator.number) : Value();
  // Iterating is live: the item at the position as it is now, and the end as it is now, which is kAll for
  // lists.
  const Value position = world.integer(iterator.number);
  const std::vector<Value>& items = memory.read(source, {Where::kItem, position.object()}).items;
  if (iterator.number >= static_cast<std::int64_t>(items.size())) return Value();
  return element(items[static_cast<std::size_t>(iterator.number)]);
}

}  // namespace xcs::window::toy
