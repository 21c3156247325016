#include "window/known.h"

#include <algorithm>

namespace xcs::window {

namespace {

constexpr std::size_t kMostObjects = 32;  // that one value may be before nothing is said about it
constexpr std::size_t kMostClasses = 4;   // likewise, of classes that one may be an instance of
constexpr int kDeepest = 6;               // containers in containers

bool may_be_more(const Known& known) {
  return known.data || may_be_container(known) || !known.instances.empty();
}

const KnownRef& anything() {
  static const auto* any = [] {
    auto known = std::make_shared<Known>();
    known->any = true;
    known->plain = false;
    return new KnownRef(std::move(known));
  }();
  return *any;
}

KnownRef or_anything(KnownRef known) {
  if (known == nullptr) return anything();
  return known;
}

KnownRef items_of_parts(const std::vector<KnownRef>& parts);

KnownRef joined(const KnownRef& a, const KnownRef& b, int depth);

// What the containers of both hold. REQUIRES: one of them may be a container
KnownRef joined_items(const Known& a, const Known& b, int depth) {
  KnownRef x = a.items != nullptr ? a.items : items_of_parts(a.parts);
  KnownRef y = b.items != nullptr ? b.items : items_of_parts(b.parts);
  if (!may_be_container(a)) return y;
  if (!may_be_container(b)) return x;
  return or_anything(joined(x, y, depth + 1));
}

KnownRef items_of_parts(const std::vector<KnownRef>& parts) {
  if (parts.empty()) return nullptr;
  KnownRef all = parts.front();
  for (const KnownRef& part : parts) all = join(all, part);
  return or_anything(std::move(all));
}

// What an instance of one class is that is one of two.
void join_into(Instance& into, const Instance& other, int depth) {
  std::vector<std::pair<Value, KnownRef>> all;
  auto a = into.attributes.begin();
  auto b = other.attributes.begin();
  while (a != into.attributes.end() || b != other.attributes.end()) {
    const bool only_b = a == into.attributes.end();
    const bool only_a = b == other.attributes.end();
    if (!only_a && !only_b && a->first.object() == b->first.object()) {
      all.emplace_back(a->first, or_anything(joined(a->second, b->second, depth + 1)));
      ++a, ++b;
    } else if (only_b || (!only_a && b->first.object() < a->first.object())) {
      all.push_back(*b++);
    } else {
      all.push_back(*a++);
    }
  }
  into.attributes = std::move(all);
  if (into.parts.size() != other.parts.size()) into.parts.clear();
  for (std::size_t i = 0; i < into.parts.size(); ++i)
    into.parts[i] = or_anything(joined(into.parts[i], other.parts[i], depth + 1));
}

// `both`, which is what `a` is, may also be the constant of `b`.
void join_constant(Known& both, const Known& a, const Known& b) {
  if (!both.constant.bound()) {
    both.constant = b.constant;
  } else if (b.constant.bound() && b.constant.object() != a.constant.object()) {
    both.constant = Value();
    both.data = true;
  }
}

// Likewise, one of the objects of `b`, or an instance as one of them.
void join_objects(Known& both, const Known& a, const Known& b, int depth) {
  for (const Value& object : b.objects) {
    const bool listed =
        std::ranges::any_of(a.objects, [&](const Value& v) { return v.object() == object.object(); });
    if (!listed) both.objects.push_back(object);
  }
  for (const Instance& instance : b.instances) {
    const auto same_class = std::ranges::find_if(
        both.instances, [&](const Instance& i) { return i.type.object() == instance.type.object(); });
    if (same_class == both.instances.end()) {
      both.instances.push_back(instance);
    } else {
      join_into(*same_class, instance, depth);
    }
  }
}

// Likewise, a container of what `b` holds.
void join_contents(Known& both, const Known& a, const Known& b, int depth) {
  if (!a.parts.empty() && a.parts.size() == b.parts.size() && a.items == nullptr && b.items == nullptr) {
    for (std::size_t i = 0; i < a.parts.size(); ++i)
      both.parts[i] = or_anything(joined(a.parts[i], b.parts[i], depth + 1));
  } else if (!a.parts.empty() && !may_be_container(b)) {
    // the parts of `a` stay
  } else if (!b.parts.empty() && !may_be_container(a)) {
    both.parts = b.parts;
  } else if (may_be_container(a) || may_be_container(b)) {
    both.parts.clear();
    both.items = joined_items(a, b, depth);
  }
}

KnownRef joined(const KnownRef& a, const KnownRef& b, int depth) {
  if (a == nullptr || b == nullptr || a->any || b->any) return nullptr;
  if (a == b) return a;
  if (depth > kDeepest) return is_data(a) && is_data(b) ? known_data() : nullptr;
  auto both = std::make_shared<Known>(*a);
  both->data = a->data || b->data;
  both->changeable = a->changeable || b->changeable;
  both->plain = a->plain && b->plain;
  if (a->receiver.object() != b->receiver.object()) both->receiver = Value();
  join_constant(*both, *a, *b);
  join_objects(*both, *a, *b, depth);
  if (both->objects.size() > kMostObjects || both->instances.size() > kMostClasses) return nullptr;
  join_contents(*both, *a, *b, depth);
  return both;
}

const KnownRef* unlisted(bool changeable) {
  auto known = std::make_shared<Known>();
  known->data = true;
  known->changeable = changeable;
  return new KnownRef(std::move(known));
}

}  // namespace

KnownRef known_nothing() {
  static const auto* nothing = new KnownRef(std::make_shared<Known>());
  return *nothing;
}

KnownRef known_data() {
  static const KnownRef* data = unlisted(true);
  return *data;
}

KnownRef known_atom() {
  static const KnownRef* atom = unlisted(false);
  return *atom;
}

bool is_atom(const KnownRef& known) {
  return known != nullptr && !known->any && known->objects.empty() && !known->changeable &&
         known->instances.empty() && !may_be_container(*known);
}

Flags flags_of(const KnownRef& known) {
  if (!is_data(known) || may_be_container(*known)) return kUnknown;
  return is_atom(known) ? kData | kAtom : kData;
}

KnownRef known_of_pending(const Value& value) {
  if (value.known() != nullptr || (value.flags() & (kData | kAtom)) == 0) return value.known();
  return (value.flags() & kAtom) != 0 ? known_atom() : known_data();
}

KnownRef known_constant(Value value) {
  auto known = std::make_shared<Known>();
  known->constant = std::move(value);
  return known;
}

KnownRef known_object(Value value, bool plain) {
  auto known = std::make_shared<Known>();
  known->plain = plain;
  known->objects.push_back(std::move(value));
  return known;
}

KnownRef known_attribute(Value receiver, const KnownRef& what) {
  auto known = std::make_shared<Known>(what != nullptr ? *what : *anything());
  known->receiver = std::move(receiver);
  return known;
}

KnownRef known_generator(std::shared_ptr<const Enter> begins) {
  auto known = std::make_shared<Known>(*anything());
  known->begins = std::move(begins);
  return known;
}

KnownRef known_container(KnownRef items) {
  auto known = std::make_shared<Known>();
  known->items = or_anything(std::move(items));
  known->plain = known->items->plain;
  return known;
}

KnownRef known_tuple(std::vector<KnownRef> parts) {
  auto known = std::make_shared<Known>();
  for (KnownRef& part : parts) {
    part = or_anything(std::move(part));
    known->plain = known->plain && part->plain;
  }
  known->parts = std::move(parts);
  return known;
}

KnownRef known_instance(Instance instance, bool plain) {
  auto known = std::make_shared<Known>();
  known->plain = plain;
  for (auto& [name, value] : instance.attributes) value = or_anything(std::move(value));
  for (KnownRef& part : instance.parts) part = or_anything(std::move(part));
  std::ranges::sort(instance.attributes, {}, [](const auto& attribute) { return attribute.first.object(); });
  known->instances.push_back(std::move(instance));
  return known;
}

KnownRef held(const KnownRef& inside) { return inside == nullptr || inside->any ? nullptr : inside; }

KnownRef join(const KnownRef& a, const KnownRef& b) { return joined(a, b, 0); }

namespace {

bool same(const Instance& a, const Instance& b) {
  return a.type.object() == b.type.object() && a.parts.size() == b.parts.size() &&
         std::ranges::equal(a.attributes, b.attributes, [](const auto& x, const auto& y) {
           return x.first.object() == y.first.object() && window::same(x.second, y.second);
         });
}

}  // namespace

bool same(const KnownRef& a, const KnownRef& b) {
  if (a == b) return true;
  if (a == nullptr || b == nullptr) return false;
  if (a->any != b->any || a->data != b->data || a->changeable != b->changeable || a->plain != b->plain ||
      a->constant.object() != b->constant.object() || a->objects.size() != b->objects.size() ||
      a->parts.size() != b->parts.size() || a->receiver.object() != b->receiver.object() ||
      a->begins != b->begins || !same(a->items, b->items) ||
      !std::ranges::equal(a->instances, b->instances,
                          [](const Instance& x, const Instance& y) { return same(x, y); }))
    return false;
  for (std::size_t i = 0; i < a->objects.size(); ++i)
    if (a->objects[i].object() != b->objects[i].object()) return false;
  for (std::size_t i = 0; i < a->parts.size(); ++i)
    if (!same(a->parts[i], b->parts[i])) return false;
  return true;
}

KnownRef without_objects(const KnownRef& known) {
  if (known->objects.empty()) return known;
  auto rest = std::make_shared<Known>(*known);
  rest->objects.clear();
  return rest;
}

bool is_data(const KnownRef& known) {
  return known != nullptr && !known->any && known->objects.empty() && known->instances.empty() &&
         (known->items == nullptr || is_data(known->items)) &&
         std::ranges::all_of(known->parts, [](const KnownRef& part) { return is_data(part); });
}

KnownRef part_of(const KnownRef& known, std::size_t i, std::size_t count, std::size_t star) {
  if (known == nullptr) return nullptr;
  const Instance* tuple = certain_instance(known);
  const std::vector<KnownRef>& parts = tuple == nullptr ? known->parts : tuple->parts;
  if (star < count) {
    const KnownRef items = known->items != nullptr ? known->items : items_of_parts(parts);
    return i == star ? known_container(items) : held(items);
  }
  return held(parts.size() == count ? parts[i] : known->items);
}

bool is_known_object(const Known& known) {
  return !known.any && !known.constant.bound() && !may_be_more(known) && !known.objects.empty();
}

Value certain(const KnownRef& known) {
  if (known == nullptr || may_be_more(*known)) return {};
  if (known->objects.empty()) return known->constant;
  return known->objects.size() == 1 && !known->constant.bound() ? known->objects[0] : Value();
}

const Instance* certain_instance(const KnownRef& known) {
  const bool one = known != nullptr && !known->any && !known->data && !known->constant.bound() &&
                   known->objects.empty() && !may_be_container(*known) && known->instances.size() == 1;
  return one ? &known->instances.front() : nullptr;
}

KnownRef attribute_of(const Instance& instance, const Object* name) {
  for (const auto& [own, known] : instance.attributes)
    if (own.object() == name) return held(known);
  return known_nothing();
}

}  // namespace xcs::window
