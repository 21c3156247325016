// What the model calls of one run take, by place and model, and the bounds they share.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
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
  ir::Position position = {};
};

// Options of a run that concern its model calls.
struct CallOptions {
  std::optional<double> budget = std::nullopt;  // dollars
  int in_flight = 0;  // calls in flight that the user asked for; 0: left to the default
  std::optional<llm::Hedge> hedge = std::nullopt;
};

class Recorder;

// Used with the GIL. Shared by a run and what it has started, which may go on when the run has ended.
class Ledger : public std::enable_shared_from_this<Ledger> {
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

  // What keeps the run's answers; null: nothing does, or the run is over.
  Recorder* recorder() const { return recorder_; }
  void set_recorder(Recorder* recorder) { recorder_ = recorder; }

 private:
  const std::shared_ptr<llm::Meter>& meter_of(const Place& place, const std::string& model);

  Recorder* recorder_ = nullptr;
  CallOptions options_;
  std::shared_ptr<llm::Budget> budget_;
  std::vector<Entry> entries_;  // in the order in which they were first met
  std::map<std::tuple<const ir::Program*, std::int32_t, std::int32_t, std::string>, std::size_t> found_;
  std::map<std::string, std::optional<llm::Price>> prices_;
  const std::uint64_t number_ =
      ++last_number_;  // of two runs, one within the other, the inner one's is higher
  static std::uint64_t last_number_;

  friend class Spender;  // asks for the number
};

// Note [who pays]
// Calls that a run starts by itself are entered in its ledger. So are those that the program's own code makes
// while it runs for a node, wherever they are made from: on the run's thread, on a worker's, or in a task.
class Spender {
 public:
  Spender() = default;
  Spender(Ledger* ledger, const Place& place);

  // Whose calls are being made here, by the thread and by the context; nobody's when no run is about. Of two,
  // the one of the inner run.
  static Spender here();
  // The same, by the context alone.
  static Spender in_context();

  void enter(llm::ChatRequest& request) const {
    if (ledger_ != nullptr) ledger_->enter(request, place_);
  }
  Recorder* recorder() const { return ledger_ == nullptr ? nullptr : ledger_->recorder(); }
  const Place& place() const { return place_; }

  // The path of the issued call within which calls are made; empty: the run's own code makes them.
  const std::string& within() const { return within_; }
  Spender within(const std::string& path) const;

  // Calls f in a context in which calls are this spender's.
  nb::object call(const nb::object& f, const nb::args& arguments) const;

  // From now on, calls made in this context, and in those copied from it, are this spender's.
  void take_context() const;

 private:
  friend class SpendsOnThread;
  std::shared_ptr<Ledger> ledger_;  // null: nobody
  Place place_;
  std::string within_;
};

// While it lives, calls made by this thread are those of a place in a run; null: nobody's.
class SpendsOnThread {
 public:
  SpendsOnThread(Ledger* ledger, const Place& place);
  explicit SpendsOnThread(const Spender& spender) : SpendsOnThread(spender.ledger_.get(), spender.place_) {
    within_ = spender.within_;
  }
  ~SpendsOnThread();
  SpendsOnThread(const SpendsOnThread&) = delete;
  SpendsOnThread& operator=(const SpendsOnThread&) = delete;

 private:
  friend class Spender;
  Ledger* const ledger_;
  const Place place_;
  std::string within_;
  const SpendsOnThread* const outer_;
};

void bind_ledger(nb::module_& m);

}  // namespace xcs::python
