// What the model calls of one run take, by place and model, and the bounds they share.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ir/ir.h"
#include "llm/chat.h"
#include "llm/meter.h"
#include "objects.h"

namespace xcs::python {

// Where a call stands. Programs are never freed.
struct Place {
  const ir::Program* program = nullptr;
  const ir::Node* node = nullptr;
};

// Options of a run that concern its model calls.
struct CallOptions {
  std::optional<double> budget = std::nullopt;  // dollars
  int in_flight = 0;  // calls in flight that the user asked for; 0: left to the default
  std::optional<llm::Hedge> hedge = std::nullopt;
};

class Ledger {
 public:
  // What one place has taken with one model.
  struct Entry {
    Place place;
    std::string model;
    std::shared_ptr<llm::Meter> meter;
  };

  void set_options(const CallOptions& options);

  // Makes the request take part: it is counted, bounded by the budget, and hedged if the run is. Throws
  // nb::python_error when a price cannot be read.
  void enter(llm::ChatRequest& request, const Place& place);

  const std::vector<Entry>& entries() const { return entries_; }

 private:
  const std::shared_ptr<llm::Meter>& meter_of(const Place& place, const std::string& model);

  CallOptions options_;
  std::shared_ptr<llm::Budget> budget_;
  std::vector<Entry> entries_;  // in the order in which they were first met
  std::map<std::pair<const ir::Node*, std::string>, std::size_t> found_;
  std::map<std::string, std::optional<llm::Price>> prices_;
};

}  // namespace xcs::python
