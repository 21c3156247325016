// The dry run of try statements: what a handler may find, wherever in the body something raised.
#include <utility>

#include "ir/facts.h"
#include "window/dry_run.h"

namespace xcs::window {

DryRun::Flow DryRun::attempt_try(const ir::Program& program, const ir::Node& n, const Env& env) {
  const ir::Try& t = program.tries[n.index];
  tried_.push_back({activation_, {}});
  Flow body = region(program, t.body, env);
  return after_body(program, t, env, std::move(body));
}

// A try statement that control is in: what its variables were where something may still raise is noted there.
void DryRun::begin_try(const Frame& frame, int activation) {
  Tried tried{activation, {}};
  int budget = 64;
  const std::vector<ir::SlotId>& slots = machine_.assigned(frame);
  gather_snapshots(frame, slots, tried, budget);
  if (budget < 0)
    for (ir::SlotId slot : slots) tried.seen[slot] = unknown(kMaybeUnbound);
  const Env& now = current_env(frame);
  tried_.push_back(std::move(tried));
  const int here = std::exchange(activation_, activation);
  for (ir::SlotId slot : slots) note_assigned(now, slot);
  activation_ = here;
}

void DryRun::gather_snapshots(const Frame& frame, const std::vector<ir::SlotId>& slots, Tried& tried,
                              int& budget) {
  for (const Item* item : frame.items.all()) {
    if (item->done) continue;
    if (--budget < 0) return;
    const auto* inner = item->is_frame ? static_cast<const Frame*>(item) : nullptr;
    if (inner != nullptr && inner->kind != Frame::kActivation) {
      if (inner->passed)
        for (ir::SlotId slot : machine_.assigned(*inner)) tried.seen[slot] = unknown(kMaybeUnbound);
      gather_snapshots(*inner, slots, tried, budget);
      continue;
    }
    if (inner != nullptr && !inner->passed && item->snapshot == nullptr) continue;  // control is in it
    for (ir::SlotId slot : slots) {
      const Value& v = item->snapshot != nullptr ? (*item->snapshot)[slot] : unknown(kMaybeUnbound);
      see(tried, slot, v);
    }
  }
}

void DryRun::see(Tried& tried, ir::SlotId slot, const Value& value) {
  const auto [found, added] = tried.seen.try_emplace(slot, value);
  if (!added) found->second = join(found->second, value);
}

// A statement around it has seen what it has.
void DryRun::end_try() {
  const Tried inner = std::move(tried_.back());
  tried_.pop_back();
  if (inner.raises_objects) note_raised_objects();  // it may be raised again
  if (tried_.empty() || tried_.back().activation != inner.activation) return;
  for (const auto& [slot, value] : inner.seen) see(tried_.back(), slot, value);
}

// Note [raised objects]
// What a call raises is part of its answer, and what the interpreter raises is new: a handler reads data.
// What a statement raises may also be, or hold, any object of the program. What is read out of it is
// followed, and a store through that may go anywhere; so may one through a variable or a place that keeps it,
// of which nothing is known.
void DryRun::note_raised(const Value& exception) {
  const bool data = exception.is_pending() && (exception.flags() & kData) != 0;
  if (!data || leads_out(exception)) note_raised_objects();
}

// It matters to what is walked after the statement's body alone, so that another turn of a loop finds no
// more.
void DryRun::note_raised_objects() {
  (tried_.empty() ? summary_.footprint.raises_objects : tried_.back().raises_objects) = true;
}

void DryRun::note_assigned(const Env& env, ir::SlotId slot) {
  if (tried_.empty() || tried_.back().activation != activation_) return;
  see(tried_.back(), slot, env[slot]);
}

void DryRun::note_assigned(const ir::Program& program, const ir::Node& n, const Env& env) {
  if (tried_.empty()) return;
  for (ir::SlotId slot : ir::slots_assigned(program, n)) note_assigned(env, slot);
}

// The variables at an unknown point of the body, or with `anywhere` of the statement.
Env DryRun::forgotten(const ir::Program& program, const ir::Try& t, const Env& start, bool anywhere) {
  Env env = start;
  const Tried& tried = tried_.back();
  auto forget = [&](ir::RegionId region) {
    if (region == ir::kNone) return;
    for (ir::SlotId slot : program.regions[region].assigned)
      if (const auto seen = tried.seen.find(slot); seen != tried.seen.end())
        env[slot] = join(start[slot], seen->second);
  };
  forget(t.body);
  if (anywhere) forget(t.orelse);
  for (const ir::Handler& h : t.handlers) {
    forget(h.test);
    if (anywhere) forget(h.body);
  }
  return env;
}

DryRun::Flow DryRun::after_body(const ir::Program& program, const ir::Try& t, const Env& start, Flow body) {
  Flow flow = std::move(body);
  if (flow.fell && t.orelse != ir::kNone) {
    Env env = std::move(*flow.fell);
    flow.fell.reset();
    join(flow, region(program, t.orelse, std::move(env)));
  }
  const Env raised = forgotten(program, t, start, false);
  for (const ir::Handler& h : t.handlers) {
    Env env = raised;
    if (t.exception != ir::kNone) {
      env[t.exception] = unknown(kData);
      if (tried_.back().raises_objects) note_leading_out(env[t.exception]);
    }
    Flow tested = region(program, h.test, std::move(env));
    if (tested.fell) join(flow, region(program, h.body, std::move(*tested.fell)));
  }
  return finally(program, t, start, std::move(flow));
}

DryRun::Flow DryRun::finally(const ir::Program& program, const ir::Try& t, const Env& start, Flow flow) {
  if (t.final_region == ir::kNone) {
    end_try();
    return flow;
  }
  const Env anywhere = forgotten(program, t, start, true);
  end_try();
  Flow after = region(program, t.final_region, anywhere);
  join(flow.returned, std::move(after.returned));
  join(flow.broke, std::move(after.broke));
  join(flow.continued, std::move(after.continued));
  if (flow.fell && after.fell) {
    // What the final region assigns is what it assigned; the rest is as before it.
    for (ir::SlotId slot : program.regions[t.final_region].assigned) (*flow.fell)[slot] = (*after.fell)[slot];
  }
  return flow;
}

}  // namespace xcs::window
