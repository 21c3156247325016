// What the dry run knows of values, and of one that may be either of two.
#include <algorithm>
#include <utility>

#include "window/dry_run.h"

namespace xcs::window {

KnownRef DryRun::known_of(const Value& value) {
  if (!value.bound()) return nullptr;
  if (leads_out(value)) return nullptr;
  if (value.is_pending()) return known_of_pending(value);
  return machine_.host_.describe(value, *this);
}

Summary::Fact DryRun::fact_of(const Value& value) {
  if (leads_out(value)) return {Flags(value.flags() & kMaybeUnbound), nullptr};
  Summary::Fact fact{Flags(flags_of(value) & (kTypes | kMaybeUnbound)), known_of(value)};
  if (value.bound()) fact.flags |= window::flags_of(fact.known);
  return fact;
}

bool DryRun::any_leads_out(std::span<const Value> values) const {
  return !leading_out_.empty() && std::ranges::any_of(values, [&](const Value& v) { return leads_out(v); });
}

void DryRun::note_leading_out(const Value& value) {
  if (value.is_pending() && own_.contains(value.cell()) && (value.flags() & kAtom) == 0)
    leading_out_.insert(value.cell());
}

Value DryRun::unknown(Flags flags, KnownRef known) {
  Value v = Value::pending(new Cell(flags, std::move(known)));
  own_.insert(v.cell());
  unknowns_.push_back(v);  // keeps the cell's address its own
  return v;
}

Flags DryRun::flags_of(const Value& value) {
  if (!value.bound()) return kMaybeUnbound;
  return value.is_pending() ? value.flags() : machine_.host_.known(value);
}

Value DryRun::join(const Value& a, const Value& b) {
  if (a.object() == b.object()) return a;
  const Flags fa = flags_of(a);
  const Flags fb = flags_of(b);
  Flags flags = fa & fb & (kTypes | kFresh);
  if (!a.bound()) flags = fb & kTypes;
  if (!b.bound()) flags = fa & kTypes;
  if (a.is_pending() && escaped_.contains(a.cell())) flags &= kTypes;
  if (b.is_pending() && escaped_.contains(b.cell())) flags &= kTypes;
  // Fresh only as long as both are values that do not exist yet.
  if (!a.is_pending() || !own_.contains(a.cell()) || !b.is_pending() || !own_.contains(b.cell()))
    flags &= kTypes;
  flags |= (fa | fb) & kMaybeUnbound;
  if (leads_out(a) || leads_out(b)) {
    const Value both = unknown(flags);
    note_leading_out(both);
    return both;
  }
  KnownRef known = !a.bound()   ? known_of(b)
                   : !b.bound() ? known_of(a)
                                : window::join(known_of(a), known_of(b));
  flags |= window::flags_of(known);
  return unknown(flags, std::move(known));
}

void DryRun::join(Env& into, const Env& env) {
  for (std::size_t i = 0; i < into.size(); ++i) into[i] = join(into[i], env[i]);
}

void DryRun::join(std::optional<Env>& into, std::optional<Env> env) {
  if (into && env) {
    join(*into, *env);
  } else if (env) {
    into = std::move(env);
  }
}

void DryRun::join(std::optional<Value>& into, std::optional<Value> value) {
  if (!value) return;
  into = into ? join(*into, *value) : *value;
}

void DryRun::join(Flow& into, Flow flow) {
  join(into.fell, std::move(flow.fell));
  join(into.broke, std::move(flow.broke));
  join(into.continued, std::move(flow.continued));
  join(into.returned, std::move(flow.returned));
}

}  // namespace xcs::window
