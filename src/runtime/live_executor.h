// Carries out the calls of one run: on worker threads, or on the reactor.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "exec/completion_queue.h"
#include "net/transport.h"
#include "runtime/services.h"
#include "window/run.h"
#include "xcs/detail/engine.h"

namespace xcs::runtime {

// A call that needs no thread.
class NativeOperation : public detail::Operation {
 public:
  using Done = std::move_only_function<void(detail::Ref<detail::Box> result, std::exception_ptr exception)>;

  NativeOperation() : Operation(Effect::kIndependent) {}
  // REQUIRES: its operands are there. Never blocks. `done` is called once, from any thread, perhaps before
  // start returns, unless the handle is destroyed before; destroying it cancels.
  virtual net::Handle start(llm::Client& client, Done done) = 0;
  detail::Ref<detail::Box> run() final;
};

// The services outlive it.
class LiveExecutor final : public window::Executor {
 public:
  explicit LiveExecutor(Services& services) : services_(services) {}
  ~LiveExecutor() override { drain(); }

  void start(window::Ticket ticket, std::unique_ptr<window::Call> call) override;
  void cancel(window::Ticket ticket) override;
  std::vector<window::Completion> wait() override;
  std::vector<window::Completion> poll() override;
  void drain() override;

 private:
  struct Running {
    detail::Ref<detail::Operation> operation;
    net::Handle request;                  // of a native call
    std::atomic<bool> cancelled = false;  // read by the worker before it begins
  };
  struct Done {
    window::Ticket ticket = 0;
    detail::Ref<detail::Box> result;
    std::exception_ptr exception;
  };

  void work(window::Ticket ticket, Running& running);
  std::vector<window::Completion> settle(std::vector<Done> all);

  Services& services_;
  std::unordered_map<window::Ticket, Running>
      running_;  // the run's thread only; workers keep pointers into it
  exec::CompletionQueue<Done> done_;
};

}  // namespace xcs::runtime
