// What waited in a run, for which reason, because of which node, and what that cost.
//
// Note [who is to blame]
// A wait is the waiting node's own, or for another node: the one whose result is not there yet because that
// node runs in order, or whose stores are in the way. The time waited stands with the node that waited. The
// time lost stands with the node to blame, and counts each moment once, however many nodes it kept waiting:
// losses of one node for one reason never add up to more than the run took.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "explain/reasons.h"
#include "window/run.h"

namespace xcs::window {

class Waits {
 public:
  // A node that waits for a reason, and the node to blame for it.
  using Row = std::uint32_t;
  static constexpr Row kNone = ~Row{0};

  Site& site(const ir::Program& program, const ir::Node& node) { return sites_[index(program, node)].site; }

  // The row of a node that is itself to blame.
  Row own(const ir::Program& program, const ir::Node& node, ReasonCode reason);
  // The row of a node that waits because of what `blamed` stands for, for its reason.
  Row because_of(const ir::Program& program, const ir::Node& node, Row blamed);

  // The row of the node to blame.
  Row root(Row row) {
    const Wait wait = rows_[row].wait;
    return own(*wait.program, *wait.node, wait.reason);
  }
  bool is_missed(Row row) const;

  void begin(Row row) { ++rows_[row].wait.times; }
  void end(Row row, std::uint64_t began_ns, std::uint64_t now_ns) {
    rows_[row].wait.wait_ns += now_ns - began_ns;
  }

  // From here on, until as many calls of release(), time is lost because of the row. REQUIRES: it is its own
  void hold(Row row, std::uint64_t now_ns);
  void release(Row row, std::uint64_t now_ns);
  // Time found to be lost afterwards. What overlaps with the last such times counts once.
  void lose(Row row, std::uint64_t from_ns, std::uint64_t until_ns);

  // In the order in which their nodes first waited or issued.
  std::vector<Site> sites() const;

 private:
  struct Record {
    Wait wait;
    std::uint32_t site;
    std::uint32_t holding = 0;
    std::uint64_t since_ns = 0;
    std::uint64_t lost_from_ns = 0, lost_until_ns = 0;  // the last stretch of lose()
  };
  struct Entered {
    Site site;
    std::vector<Row> rows;
  };
  std::uint32_t index(const ir::Program& program, const ir::Node& node);
  Row row(std::uint32_t site, ReasonCode reason, const ir::Program* program, const ir::Node* blamed);

  std::vector<Entered> sites_;
  std::vector<Record> rows_;
  std::unordered_map<const ir::Node*, std::uint32_t> site_of_;
};

}  // namespace xcs::window
