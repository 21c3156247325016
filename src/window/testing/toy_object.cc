#include "window/testing/toy_object.h"

#include <algorithm>

#include "base/check.h"

namespace xcs::window::toy {

namespace {

void retain(Object* object) { ++reinterpret_cast<Toy*>(object)->references; }

}  // namespace

void release(Object* object) {
  auto* t = reinterpret_cast<Toy*>(object);
  if (--t->references != 0) return;
  t->world.objects_.erase(t);
  delete t;
}

namespace {

constexpr ObjectOps kOps = {retain, release};

}  // namespace

Toy& toy(const Value& value) { return *reinterpret_cast<Toy*>(value.object()); }

bool is_atom(const Toy& object) { return object.type <= Type::kBuiltin; }

bool equal(const Value& a, const Value& b) {
  const Toy &x = toy(a), &y = toy(b);
  if (&x == &y) return true;
  return x.type == y.type && is_atom(x) && x.number == y.number && x.text == y.text;
}

World::World() {
  none_ = make(Type::kNone);
  globals = object();
}

World::~World() {
  leaked();
  // What is left is held by somebody who has outlived the world; it must not point back to it.
  for (Toy* t : objects_) t->references = 0;
  std::unordered_set<Toy*> rest = std::move(objects_);
  for (Toy* t : rest) delete t;
}

std::size_t World::leaked() {
  handled = Value();
  globals = Value();
  none_ = Value();
  names_.clear();
  std::vector<Value> held;
  for (Toy* t : objects_) held.push_back(Value::borrow(reinterpret_cast<Object*>(t), &kOps));
  for (const Value& v : held) {
    Toy& t = toy(v);
    t.contents = {};
    t.context = t.cause = Value();
  }
  held.clear();
  return objects_.size();
}

Value World::make(Type type) {
  auto* t = new Toy{.world = *this,
                    .type = type,
                    .text = {},
                    .contents = {},
                    .program = {},
                    .context = {},
                    .cause = {},
                    .trace = {}};
  objects_.insert(t);
  return Value::borrow(reinterpret_cast<Object*>(t), &kOps);
}

Value World::integer(std::int64_t number) {
  Value v = make(Type::kInt);
  toy(v).number = number;
  return v;
}

Value World::string(std::string text) {
  Value v = make(Type::kString);
  toy(v).text = std::move(text);
  return v;
}

Value World::range(std::int64_t length) {
  Value v = make(Type::kRange);
  toy(v).number = length;
  return v;
}

Value World::list(std::vector<Value> items) {
  Value v = make(Type::kList);
  toy(v).contents.items = std::move(items);
  return v;
}

Value World::dict(std::vector<std::pair<Value, Value>> entries) {
  Value v = make(Type::kDict);
  toy(v).contents.entries = std::move(entries);
  return v;
}

Value World::object() { return make(Type::kObject); }

Value World::cell(Value content) {
  Value v = make(Type::kCell);
  if (content.bound()) toy(v).contents.items.push_back(std::move(content));
  return v;
}

Value World::function(std::shared_ptr<const ir::Program> program, std::vector<Value> cells) {
  Value v = make(Type::kFunction);
  toy(v).text = program->name;
  toy(v).program = std::move(program);
  toy(v).contents.items = std::move(cells);
  return v;
}

Value World::builtin(std::string_view name) {
  const auto* found = std::ranges::find(kBuiltinNames, name);
  XCS_CHECK(found != std::end(kBuiltinNames), name);
  Value v = make(Type::kBuiltin);
  toy(v).number = found - std::begin(kBuiltinNames);
  toy(v).text = name;
  return v;
}

Value World::iterator(Value source) {
  Value v = make(Type::kIterator);
  toy(v).contents.items.push_back(std::move(source));
  return v;
}

Value World::exception(std::string text) {
  ++exceptions;
  Value v = make(Type::kException);
  toy(v).text = std::move(text);
  toy(v).context = handled;
  return v;
}

Value World::interned(std::string_view name) {
  auto found = names_.find(name);
  if (found == names_.end()) found = names_.emplace(name, string(std::string(name))).first;
  return found->second;
}

Toy* World::intern(std::string_view name) { return &toy(interned(name)); }

}  // namespace xcs::window::toy
