// What a value reaches: copies, descriptions and answers made from them.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/check.h"
#include "window/testing/toy_operations.h"

namespace xcs::window::toy {
namespace {

constexpr std::size_t kLongest = 400;  // of a description; nested aliases could make it any length
constexpr int kDeepest = 6;

Value force(Value value) {
  value.settle();
  if (!value.bound()) throw Need{Action::kOrdered};
  if (value.is_pending()) throw Need{.verdict = Action::kElement, .value = value};
  return value;
}

Where all_of(const Toy& t) { return t.type == Type::kCell ? Where{Where::kAttr, nullptr} : Where{}; }

class Freezer {
 public:
  Freezer(World& world, Reader& memory) : world_(world), memory_(memory) {}

  Value freeze(const Value& given) {
    const Value value = force(given);
    Toy& t = toy(value);
    if (is_atom(t) || t.type == Type::kException) return value;
    if (const auto known = copies_.find(&t); known != copies_.end()) return known->second;
    Value copy = empty_copy(t);
    copies_.emplace(&t, copy);
    const Contents contents = memory_.read(t, all_of(t));
    for (const Value& v : contents.items) toy(copy).contents.items.push_back(freeze(v));
    for (const auto& [key, v] : contents.entries) toy(copy).contents.entries.emplace_back(key, freeze(v));
    return copy;
  }
  // Breaks the cycles of copies that will not be used.
  void drop() {
    for (auto& [original, copy] : copies_) toy(copy).contents = {};
  }

 private:
  Value empty_copy(const Toy& t) {
    switch (t.type) {
      case Type::kList:
        return world_.list({});
      case Type::kDict:
        return world_.dict({});
      case Type::kObject:
        return world_.object();
      case Type::kCell:
        return world_.cell({});
      case Type::kIterator: {
        Value copy = world_.iterator({});
        toy(copy).contents.items.clear();
        toy(copy).number = t.number;
        return copy;
      }
      default:
        return world_.function(t.program, {});
    }
  }

  World& world_;
  Reader& memory_;
  std::map<Toy*, Value> copies_;
};

class Describer {
 public:
  explicit Describer(Reader& memory) : memory_(memory) {}
  std::string text;

  void add(const Value& given, int depth) {
    if (text.size() > kLongest) return;
    const Value value = force(given);
    Toy& t = toy(value);
    if (is_atom(t) || t.type == Type::kException) return add_atom(t);
    if (depth > kDeepest || !above_.insert(&t).second) {
      text += "...";
      return;
    }
    const Contents& c = memory_.read(t, all_of(t));
    text += brackets(t.type)[0];
    if (t.type == Type::kFunction) text += t.text;
    for (const Value& v : c.items) {
      add(v, depth + 1);
      text += ' ';
    }
    for (const auto& [key, v] : c.entries) {
      add_atom(toy(key));
      text += ':';
      add(v, depth + 1);
      text += ' ';
    }
    text += brackets(t.type)[1];
    above_.erase(&t);
  }

 private:
  static std::string_view brackets(Type type) {
    switch (type) {
      case Type::kList:
        return "[]";
      case Type::kDict:
        return "{}";
      case Type::kObject:
        return "()";
      case Type::kCell:
        return "<>";
      default:
        return "##";
    }
  }
  void add_atom(const Toy& t) {
    if (t.type == Type::kNone) text += "None";
    if (t.type == Type::kInt) text += fmt::format("{}", t.number);
    if (t.type == Type::kRange) text += fmt::format("range({})", t.number);
    if (t.type == Type::kString || t.type == Type::kBuiltin) text += t.text;
    if (t.type == Type::kException) text += "!" + t.text;
  }

  Reader& memory_;
  std::set<const Toy*> above_;
};

std::size_t hash_of(Builtin builtin, std::span<const Value> arguments) {
  Committed memory;
  std::size_t hash = 14695981039346656037ULL + static_cast<std::size_t>(builtin);
  for (const Value& v : arguments)
    for (const char c : describe(v, memory) + ";")
      hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash ^ (hash >> 29);
}

}  // namespace

Value freeze(World& world, const Value& value, Reader& memory) {
  Freezer freezer(world, memory);
  try {
    return freezer.freeze(value);
  } catch (const Need&) {
    freezer.drop();
    throw;
  }
}

std::string describe(const Value& value, Reader& memory) {
  Describer d(memory);
  d.add(value, 0);
  return std::move(d.text);
}

Answer answer(World& world, Builtin builtin, std::span<const Value> arguments) {
  const std::size_t hash = hash_of(builtin, arguments);
  const auto small = [&](std::size_t below) {
    return world.integer(static_cast<std::int64_t>((hash >> 7) % below));
  };
  switch (builtin) {
    case Builtin::kAsk:
      return {false, small(5)};
    case Builtin::kAskText:
      return {false, world.string(fmt::format("t{}", hash % 1000))};
    case Builtin::kAskDict: {
      std::vector<Value> items(hash % 3, small(4));
      return {false,
              world.dict({{world.string("n"), small(4)}, {world.string("l"), world.list(std::move(items))}})};
    }
    default:
      XCS_CHECK(builtin == Builtin::kRisky, static_cast<int>(builtin));
  }
  if (hash % 3 == 0) return {true, world.exception(fmt::format("AskError: {}", hash % 50))};
  return {false, small(5)};
}

}  // namespace xcs::window::toy
