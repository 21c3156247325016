#include "window/waits.h"

#include <algorithm>

namespace xcs::window {

std::uint32_t Waits::index(const ir::Program& program, const ir::Node& node) {
  auto [found, added] = site_of_.try_emplace(&node, static_cast<std::uint32_t>(sites_.size()));
  if (added) {
    sites_.emplace_back();
    sites_.back().site.program = &program;
    sites_.back().site.node = &node;
  }
  return found->second;
}

Waits::Row Waits::row(std::uint32_t site, ReasonCode reason, const ir::Program* program,
                      const ir::Node* blamed) {
  std::vector<Row>& rows = sites_[site].rows;
  for (const Row r : rows)
    if (rows_[r].wait.reason == reason && rows_[r].wait.node == blamed) return r;
  const auto made = static_cast<Row>(rows_.size());
  rows.push_back(made);
  rows_.push_back({.wait = {.reason = reason, .program = program, .node = blamed}, .site = site});
  return made;
}

Waits::Row Waits::own(const ir::Program& program, const ir::Node& node, ReasonCode reason) {
  return row(index(program, node), reason, &program, &node);
}

Waits::Row Waits::because_of(const ir::Program& program, const ir::Node& node, Row blamed) {
  const Wait wait = rows_[blamed].wait;
  return row(index(program, node), wait.reason, wait.program, wait.node);
}

bool Waits::is_missed(Row row) const {
  const auto code = static_cast<explain::Reason>(rows_[row].wait.reason);
  return code != explain::Reason::kNone && explain::info(code).kind == explain::ReasonKind::kMissed;
}

void Waits::hold(Row row, std::uint64_t now_ns) {
  if (rows_[row].holding++ == 0) rows_[row].since_ns = now_ns;
}

void Waits::release(Row row, std::uint64_t now_ns) {
  if (--rows_[row].holding == 0) rows_[row].wait.lost_ns += now_ns - rows_[row].since_ns;
}

void Waits::lose(Row row, std::uint64_t from_ns, std::uint64_t until_ns) {
  Record& r = rows_[row];
  if (r.holding != 0) from_ns = std::min(from_ns, r.since_ns), until_ns = std::min(until_ns, r.since_ns);
  if (from_ns == until_ns) return;
  if (from_ns >= r.lost_until_ns) {
    r.wait.lost_ns += until_ns - from_ns;
    r.lost_from_ns = from_ns;
    r.lost_until_ns = until_ns;
    return;
  }
  if (until_ns > r.lost_until_ns) r.wait.lost_ns += until_ns - std::exchange(r.lost_until_ns, until_ns);
  if (from_ns < r.lost_from_ns && until_ns > r.lost_from_ns)
    r.wait.lost_ns += std::exchange(r.lost_from_ns, from_ns) - from_ns;
}

std::vector<Site> Waits::sites() const {
  std::vector<Site> made;
  for (const Entered& entered : sites_) {
    made.push_back(entered.site);
    for (const Row r : entered.rows) made.back().waits.push_back(rows_[r].wait);
  }
  return made;
}

}  // namespace xcs::window
