// Runs of C++ programs in virtual time, with completion orders drawn from a seed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "runtime/door.h"
#include "xcs/xcs.h"

namespace xcs::testing {

// Every call takes a random time, or the time that `latency` gives to its place in the order of starting. No
// thread.
class ManualExecutor final : public window::Executor {
 public:
  explicit ManualExecutor(std::uint64_t seed) : random_(seed) {}

  std::function<std::uint64_t(window::Ticket)> latency;

  void start(window::Ticket ticket, std::unique_ptr<window::Call> call) override {
    const std::uint64_t takes = latency ? latency(ticket) : 1 + random_() % 100;
    running_.emplace(std::pair(now_ + takes, ticket),
                     std::move(static_cast<runtime::IndependentCall&>(*call).operation));
  }
  void cancel(window::Ticket ticket) override {
    std::erase_if(running_, [&](const auto& running) { return running.first.second == ticket; });
  }
  std::vector<window::Completion> wait() override {
    auto [when, operation] = std::move(*running_.begin());
    running_.erase(running_.begin());
    now_ = when.first;
    detail::Ref<detail::Box> result;
    std::exception_ptr exception;
    try {
      result = operation->run();
    } catch (...) {
      exception = std::current_exception();
    }
    std::vector<window::Completion> completions;
    completions.push_back(runtime::completion_of(when.second, *operation, std::move(result), exception));
    return completions;
  }
  std::vector<window::Completion> poll() override { return {}; }
  void drain() override { drained_with = running_.size(); }

  std::uint64_t now() const { return now_; }
  std::size_t running() const { return running_.size(); }
  // How many calls were neither complete nor cancelled when the run asked to wait for all.
  std::optional<std::size_t> drained_with;

 private:
  std::mt19937_64 random_;
  std::uint64_t now_ = 0;
  std::map<std::pair<std::uint64_t, window::Ticket>, detail::Ref<detail::Operation>> running_;
};

// One program on its way, to be stepped through.
struct ManualRun {
  explicit ManualRun(std::uint64_t seed = 0, const runtime::DoorOptions& options = {})
      : executor(seed), door(std::in_place, executor, options) {}

  template <class F, class... A>
  void begin(F function, A... arguments) {
    door->begin([=] { return function(arguments...).handle(); });
  }
  // To the end; the result, or the exception that ended the run.
  template <class F, class... A>
  auto operator()(F function, A... arguments) {
    using T = typename decltype(function(arguments...))::value_type;
    begin(std::move(function), std::move(arguments)...);
    while (!door->step()) {
    }
    detail::Ref<detail::Box> box = door->take();
    return static_cast<detail::BoxOf<detail::Stored<T>>&>(*box).value;
  }
  const window::Counters& counters() const { return door->counters(); }

  ManualExecutor executor;
  std::optional<runtime::Door> door;
};

}  // namespace xcs::testing
