#include "run_report.h"

#include "explain/reasons.h"
#include "ir/ops.h"
#include "llm.h"

namespace xcs::python {
namespace {

nb::dict describe(const window::Site& site, const window::Wait& wait) {
  nb::dict d;
  d["reason"] = explain::info(static_cast<explain::Reason>(wait.reason)).code;
  d["times"] = wait.times;
  d["wait_ns"] = wait.wait_ns;
  d["lost_ns"] = wait.lost_ns;
  d["own"] = wait.node == site.node;
  d["file"] = wait.program->file;
  d["line"] = wait.node->position.line;
  return d;
}

nb::dict describe(const window::Site& site) {
  nb::dict d;
  const ir::Position& p = site.node->position;
  d["file"] = site.program->file;
  d["function"] = site.program->qualname;
  d["line"] = p.line;
  d["column"] = p.column;
  d["end_line"] = p.end_line;
  d["end_column"] = p.end_column;
  d["op"] = ir::info(site.node->op).word;
  d["issued"] = site.issued;
  d["early"] = site.early;
  d["in_order"] = site.in_order;
  nb::list waits;
  for (const window::Wait& wait : site.waits) waits.append(describe(site, wait));
  d["waits"] = waits;
  return d;
}

nb::dict describe(const Ledger::Entry& entry) {
  const llm::Spend spent = entry.meter->total();
  nb::dict d;
  d["file"] = entry.place.program->file;
  d["function"] = entry.place.program->qualname;
  d["line"] = entry.place.position.line;
  d["model"] = entry.model;
  d["calls"] = spent.calls;
  d["failed"] = spent.failed;
  d["attempts"] = spent.attempts;
  d["lost"] = spent.lost;
  d["input_tokens"] = spent.usage.input_tokens;
  d["output_tokens"] = spent.usage.output_tokens;
  d["cached_input_tokens"] = spent.usage.cached_input_tokens;
  d["cache_write_tokens"] = spent.usage.cache_write_tokens;
  d["reasoning_tokens"] = spent.usage.reasoning_tokens;
  d["hedges"] = spent.hedges;
  d["hedges_won"] = spent.hedges_won;
  d["hedge_saved_ns"] = spent.hedge_saved.count();
  const llm::Usage& h = spent.hedge_usage;
  d["hedge_tokens"] =
      nb::make_tuple(h.input_tokens, h.output_tokens, h.cached_input_tokens, h.cache_write_tokens);
  return d;
}

}  // namespace

nb::dict RunReport::to_python() const {
  if (counters_.cancelled != 0) catch_up_with_models();  // the meters count what was given up when it is gone
  nb::dict d;
  d["calls"] = counters_.calls;
  d["cancelled"] = counters_.cancelled;
  d["speculated"] = counters_.speculated;
  d["wasted"] = counters_.wasted;
  d["rounds"] = counters_.rounds;
  d["critical_path_ns"] = counters_.critical_path_ns;
  d["most_in_flight"] = counters_.most_in_flight;
  d["entries"] = counters_.entries;
  d["frames"] = counters_.frames;
  d["forwards"] = counters_.forwards;
  d["most_entries"] = counters_.most_entries;
  d["wall_ns"] = wall_ns_;
  d["record"] = record_;
  nb::list sites;
  for (const window::Site& site : sites_) sites.append(describe(site));
  d["sites"] = sites;
  nb::list spent;
  for (const Ledger::Entry& entry : spent_) spent.append(describe(entry));
  d["spent"] = spent;
  return d;
}

}  // namespace xcs::python
