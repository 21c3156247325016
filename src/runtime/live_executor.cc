#include "runtime/live_executor.h"

#include <chrono>
#include <stdexcept>
#include <utility>

#include "runtime/door.h"

namespace xcs::runtime {

namespace {

// A wait that ends without a completion is begun again.
constexpr std::chrono::hours kLong(1);

}  // namespace

detail::Ref<detail::Box> NativeOperation::run() {
  throw std::logic_error("a native call does not run on a thread");
}

void LiveExecutor::start(window::Ticket ticket, std::unique_ptr<window::Call> call) {
  Running& running = running_[ticket];
  running.operation = std::move(static_cast<IndependentCall&>(*call).operation);
  if (auto* native = dynamic_cast<NativeOperation*>(running.operation.get())) {
    auto done = [this, ticket](detail::Ref<detail::Box> result, std::exception_ptr exception) {
      done_.push({ticket, std::move(result), std::move(exception)});
    };
    running.request = native->start(services_.client(), std::move(done));
  } else {
    services_.workers().submit([this, ticket, &running] { work(ticket, running); });
  }
}

void LiveExecutor::work(window::Ticket ticket, Running& running) {
  Done done;
  done.ticket = ticket;
  try {
    if (!running.cancelled) done.result = running.operation->run();
  } catch (...) {
    done.exception = std::current_exception();
  }
  done_.push(std::move(done));
}

void LiveExecutor::cancel(window::Ticket ticket) {
  auto found = running_.find(ticket);
  if (found == running_.end()) return;
  Running& running = found->second;
  if (dynamic_cast<NativeOperation*>(running.operation.get()) != nullptr) {
    running_.erase(found);
  } else {
    running.cancelled = true;
  }
}

std::vector<window::Completion> LiveExecutor::settle(std::vector<Done> all) {
  std::vector<window::Completion> completions;
  for (Done& done : all) {
    auto found = running_.find(done.ticket);
    if (found == running_.end()) continue;  // a native call that was complete when it was cancelled
    const Running& running = found->second;
    if (!running.cancelled)
      completions.push_back(
          completion_of(done.ticket, *running.operation, std::move(done.result), done.exception));
    running_.erase(found);
  }
  return completions;
}

std::vector<window::Completion> LiveExecutor::wait() {
  while (true) {
    std::vector<window::Completion> completions = settle(done_.wait_for(kLong));
    if (!completions.empty()) return completions;
  }
}

std::vector<window::Completion> LiveExecutor::poll() { return settle(done_.poll()); }

void LiveExecutor::drain() {
  std::vector<window::Ticket> left;
  left.reserve(running_.size());
  for (const auto& [ticket, running] : running_) left.push_back(ticket);
  for (const window::Ticket ticket : left) cancel(ticket);
  while (!running_.empty()) settle(done_.wait_for(kLong));
}

}  // namespace xcs::runtime
