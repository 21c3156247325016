// What all runs of a runtime share: the worker threads and, from the first native call on, the reactor.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>

#include "exec/worker_pool.h"
#include "llm/client.h"
#include "net/reactor.h"

namespace xcs::runtime {

// Safe from any thread.
class Services {
 public:
  explicit Services(std::size_t max_threads) : workers_(max_threads) {}

  exec::WorkerPool& workers() { return workers_; }
  llm::Client& client() {
    std::call_once(started_, [this] {
      reactor_ = std::make_unique<net::Reactor>();
      client_ = std::make_unique<llm::Client>(*reactor_);
    });
    return *client_;
  }

 private:
  exec::WorkerPool workers_;
  std::once_flag started_;
  std::unique_ptr<net::Reactor> reactor_;
  std::unique_ptr<llm::Client> client_;
};

}  // namespace xcs::runtime
