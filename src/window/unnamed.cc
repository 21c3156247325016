#include "window/unnamed.h"

#include <algorithm>

namespace xcs::window {

namespace {

bool join_into(KnownRef& all, const KnownRef& known) {
  KnownRef both = join(all, known);
  if (same(both, all)) return false;
  all = std::move(both);
  return true;
}

bool may_be_instance(const Value& target) {
  if (!target.is_pending()) return true;
  const KnownRef known = known_of_pending(target);
  return known == nullptr || known->any || !known->instances.empty();
}

}  // namespace

bool Unnamed::add(const Effect::Store& store) {
  if (store.where.kind == Where::kAttr)
    return join_into(attributes_.try_emplace(store.where.key, known_nothing()).first->second, store.known);
  const bool items = join_into(items_, store.known);
  if (store.where.kind != Where::kAll || !may_be_instance(store.target)) return items;
  return join_into(any_attribute_, store.known) || items;
}

bool Unnamed::add(const Unnamed& other) {
  bool news = join_into(items_, other.items_);
  news = join_into(any_attribute_, other.any_attribute_) || news;
  for (const auto& [attribute, known] : other.attributes_)
    news = join_into(attributes_.try_emplace(attribute, known_nothing()).first->second, known) || news;
  return news;
}

bool Unnamed::plain() const {
  auto is_plain = [](const KnownRef& known) { return known != nullptr && known->plain; };
  return is_plain(items_) && is_plain(any_attribute_) &&
         std::ranges::all_of(attributes_, [&](const auto& attribute) { return is_plain(attribute.second); });
}

KnownRef Unnamed::of(const Object* attribute) const {
  if (attribute == nullptr) return items_;
  const auto found = attributes_.find(attribute);
  return found == attributes_.end() ? any_attribute_ : join(any_attribute_, found->second);
}

KnownRef Unnamed::of(const Where& where) const {
  if (where.kind == Where::kAttr && where.key != nullptr) return of(where.key);
  KnownRef all = join(items_, any_attribute_);
  if (where.kind == Where::kAll || where.kind == Where::kAttr)
    for (const auto& [attribute, known] : attributes_) all = join(all, known);
  return all;
}

}  // namespace xcs::window
