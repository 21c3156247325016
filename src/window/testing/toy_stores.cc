// Stores: changes of one object's contents, done at commit and replayed by loads that come earlier.
#include <algorithm>
#include <tuple>

#include "base/check.h"
#include "window/testing/toy_operations.h"

namespace xcs::window::toy {
namespace {

Object* address(const Value& v) { return v.object(); }

Value force(Value value) {
  value.settle();
  if (!value.bound()) throw Need{Action::kOrdered};
  if (value.is_pending()) throw Need{.verdict = Action::kElement, .value = value};
  return value;
}

using Entries = std::vector<std::pair<Value, Value>>;

Entries::iterator find(Entries& entries, const Value& key) {
  return std::ranges::find_if(entries, [&](const auto& e) { return equal(e.first, key); });
}

void set(Entries& entries, const Value& key, Value value) {
  const auto found = find(entries, key);
  if (found == entries.end())
    entries.emplace_back(key, std::move(value));
  else
    found->second = std::move(value);
}

Value take(const Node& n, Entries& entries, const Value& key, std::string_view otherwise) {
  const auto found = find(entries, key);
  if (found == entries.end()) n.raise(otherwise);
  Value value = std::move(found->second);
  entries.erase(found);
  return value;
}

std::size_t index(const Node& n, const Contents& contents) {
  std::int64_t i = n.operand(1).number;
  const auto size = static_cast<std::int64_t>(contents.items.size());
  if (i < 0) i += size;
  if (i < 0 || i >= size) n.raise("IndexError: index out of range");
  return static_cast<std::size_t>(i);
}

void sort(const Node& n, std::vector<Value>& items) {
  std::vector<Value> sorted;
  for (const Value& v : items) sorted.push_back(force(v));
  for (const Value& v : sorted)
    if (!is_atom(toy(v))) n.raise("TypeError: cannot compare");
  std::ranges::stable_sort(sorted, [](const Value& a, const Value& b) {
    const Toy &x = toy(a), &y = toy(b);
    return std::tie(x.type, x.number, x.text) < std::tie(y.type, y.number, y.text);
  });
  items = std::move(sorted);
}

// `other` may be the list itself.
void extend(const Node& n, Contents& contents, Reader& memory) {
  Toy& other = n.operand(1);
  if (other.type != Type::kList) n.raise("TypeError: not a list");
  std::vector<Value> more;
  for (const Value& v : memory.read(other, {}).items) more.push_back(force(v));
  if (contents.items.size() + more.size() > 60) n.raise("MemoryError: list too long");
  std::ranges::copy(more, std::back_inserter(contents.items));
}

Value list_method(const Node& n, std::string_view method, Contents& contents, Reader& memory) {
  std::vector<Value>& items = contents.items;
  if (method == "append") {
    items.push_back(n.operands[1]);
  } else if (method == "pop") {
    if (items.empty()) n.raise("IndexError: pop from empty list");
    Value last = force(items.back());
    items.pop_back();
    return last;
  } else if (method == "sort") {
    sort(n, items);
  } else if (method == "clear") {
    items.clear();
  } else {
    // A store announced before its target was there may find an object without such a method.
    if (method != "extend") n.raise("AttributeError: no such method");
    extend(n, contents, memory);
  }
  return n.world.none();
}

Value dict_method(const Node& n, std::string_view method, Contents& contents, Reader& memory) {
  if (method == "clear") {
    contents.entries.clear();
  } else if (method == "pop") {
    return take(n, contents.entries, n.operands[1], "KeyError: nothing to pop");
  } else if (method == "setdefault") {
    const auto found = find(contents.entries, n.operands[1]);
    if (found != contents.entries.end()) return found->second;
    contents.entries.emplace_back(n.operands[1], n.operands[2]);
    return n.operands[2];
  } else {
    if (method != "update") n.raise("AttributeError: no such method");
    Toy& other = n.operand(1);
    if (other.type != Type::kDict) n.raise("TypeError: not a dict");
    const Entries more = memory.read(other, {}).entries;
    for (const auto& [key, value] : more) set(contents.entries, key, force(value));
  }
  return n.world.none();
}

bool item_op(const Node& n) { return n.node.op == ir::Op::kStoreItem || n.node.op == ir::Op::kDeleteItem; }

// Whether the object is known to be a dict, or a list.
bool is(const Value& v, Type type) { return v.ready() && toy(v).type == type; }

std::vector<Where> item_places(const Value& object, const Value& key, bool keys_change) {
  if (!key.ready()) return {{}};
  // A list's items move when one goes, and a negative index depends on the length.
  if (is(object, Type::kList))
    return keys_change || toy(key).number < 0 ? std::vector<Where>{{}}
                                              : std::vector<Where>{{Where::kItem, address(key)}};
  if (is(object, Type::kDict)) return {{Where::kItem, address(key)}, {Where::kKeys, nullptr}};
  return {{}};
}

}  // namespace

Value target(const Node& n) {
  if (n.node.op == ir::Op::kStoreGlobal || n.node.op == ir::Op::kDeleteGlobal) return n.world.globals;
  return n.operands[0];
}

std::vector<Where> places(const Node& n) {
  switch (n.node.op) {
    case ir::Op::kStoreGlobal:
    case ir::Op::kDeleteGlobal:
    case ir::Op::kStoreAttr:
    case ir::Op::kDeleteAttr:
      return {{Where::kAttr, n.world.interned(n.name()).object()}};
    case ir::Op::kStoreCell:
    case ir::Op::kDeleteCell:
      return {{Where::kAttr, nullptr}};
    case ir::Op::kStoreItem:
      return item_places(n.operands[0], n.operands[1], false);
    case ir::Op::kDeleteItem:
      return item_places(n.operands[0], n.operands[1], true);
    case ir::Op::kCallMethod:
      if (is(n.operands[0], Type::kDict) && (n.method() == "pop" || n.method() == "setdefault"))
        return item_places(n.operands[0], n.operands[1], true);
      return {{}};
    default:
      return {{}};
  }
}

bool replayable(const Node& n) {
  if (n.node.op == ir::Op::kInplace) return false;
  if (item_op(n)) return n.operands[1].ready();
  if (n.node.op != ir::Op::kCallMethod) return true;
  if (n.method() == "extend" || n.method() == "update") return false;
  // What pop does to a dict depends on its key.
  return n.operands.size() < 2 || n.method() == "append" || n.operands[1].ready();
}

Value apply(const Node& n, Contents& contents, Reader& memory) {
  World& w = n.world;
  switch (n.node.op) {
    case ir::Op::kStoreGlobal:
      set(contents.entries, w.interned(n.name()), n.operands[0]);
      return {};
    case ir::Op::kDeleteGlobal:
      take(n, contents.entries, w.interned(n.name()), "NameError: nothing to delete");
      return {};
    case ir::Op::kStoreAttr:
      set(contents.entries, w.interned(n.name()), n.operands[1]);
      return {};
    case ir::Op::kDeleteAttr:
      take(n, contents.entries, w.interned(n.name()), "AttributeError: nothing to delete");
      return {};
    case ir::Op::kStoreCell:
      contents.items = {n.operands[1]};
      return {};
    case ir::Op::kDeleteCell:
      if (contents.items.empty()) n.raise("NameError: nothing to delete");
      contents.items.clear();
      return {};
    case ir::Op::kStoreItem:
      if (toy(n.operands[0]).type == Type::kDict)
        set(contents.entries, n.operands[1], n.operands[2]);
      else
        contents.items[index(n, contents)] = n.operands[2];
      return {};
    case ir::Op::kDeleteItem:
      if (toy(n.operands[0]).type == Type::kDict)
        take(n, contents.entries, n.operands[1], "KeyError: nothing to delete");
      else
        contents.items.erase(contents.items.begin() + static_cast<std::ptrdiff_t>(index(n, contents)));
      return {};
    case ir::Op::kAppend:
      return list_method(n, "append", contents, memory);
    case ir::Op::kInplace:
      extend(n, contents, memory);
      return n.operands[0];
    case ir::Op::kCallMethod:
      if (toy(n.operands[0]).type == Type::kList) return list_method(n, n.method(), contents, memory);
      return dict_method(n, n.method(), contents, memory);
    default:
      XCS_CHECK(false, static_cast<int>(n.node.op));
  }
  return {};
}

}  // namespace xcs::window::toy
