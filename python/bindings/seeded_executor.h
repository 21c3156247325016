// Carries out independent calls on the run's own thread, in an order drawn from a seed.
#pragma once

#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "executor.h"

namespace xcs::python {

// The seed that the context variable `completion_seed` holds, if it holds one.
std::optional<std::uint64_t> completion_seed();

// Note [seeded completion]
// What a call answers may depend only on its arguments as they are at its place in the program. So that a
// check can find out whether they are, and whether the order in which calls complete shows, this executor
// makes each call at a moment drawn from the seed: when it is issued, or any time until it is delivered; and
// delivers the calls in flight in any order. A call that is cancelled is made or not. Equal seeds give equal
// runs.
class SeededExecutor final : public window::Executor {
 public:
  explicit SeededExecutor(std::uint64_t seed) : random_(seed) {}
  ~SeededExecutor() override = default;

  void start(window::Ticket ticket, std::unique_ptr<window::Call> call) override;
  void cancel(window::Ticket ticket) override;
  std::vector<window::Completion> wait() override;
  // It is asked when code has been fetched for long, while all of them have completed.
  std::vector<window::Completion> poll() override;
  void drain() override;

 private:
  struct Started {
    window::Ticket ticket = 0;
    std::unique_ptr<PythonCall> call;  // null once it has been made
    nb::object result;
    bool raised = false;
  };

  bool draw(unsigned one_in) { return random_() % one_in == 0; }
  static void make(Started& started);
  window::Completion take_any();

  std::mt19937_64 random_;
  std::vector<Started> started_;    // neither delivered nor cancelled
  std::vector<Started> cancelled_;  // not made yet
};

void bind_completion_seed(nb::module_& m);

}  // namespace xcs::python
