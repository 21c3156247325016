// What happened in one run, kept until somebody asks.
#pragma once

#include <cstdint>
#include <vector>

#include "ledger.h"
#include "objects.h"
#include "window/run.h"

namespace xcs::python {

class RunReport {
 public:
  RunReport(const window::Counters& counters, std::vector<window::Site> sites,
            std::vector<Ledger::Entry> spent, std::int64_t wall_ns, nb::object record)
      : counters_(counters),
        sites_(std::move(sites)),
        spent_(std::move(spent)),
        wall_ns_(wall_ns),
        record_(std::move(record)) {}

  // A dict: the counters by name, "wall_ns", "record" (of Recorder, else empty), "spent", what model calls
  // took, by place and model, and "sites", a list of dicts with the place (file, function, line, column,
  // end_line, end_column), the operation, its counters, and "waits": a list of dicts with the reason's code,
  // the counters, whether the node is itself to blame
  // ("own"), and the place of the node to blame.
  nb::dict to_python() const;

 private:
  window::Counters counters_;
  std::vector<window::Site> sites_;  // their programs are never freed
  std::vector<Ledger::Entry> spent_;
  std::int64_t wall_ns_;
  nb::object record_;
};

}  // namespace xcs::python
