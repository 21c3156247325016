// Carries out the independent calls of one run: model calls on the reactor, others on the worker pool.
#pragma once

#include <memory>
#include <unordered_map>
#include <variant>
#include <vector>

#include "exec/completion_queue.h"
#include "llm.h"
#include "objects.h"
#include "window/run.h"

namespace xcs::python {

// A call of a blocking Python callable.
class PythonCall final : public window::Call {
 public:
  // REQUIRES: all values are ready
  PythonCall(nb::object callee, std::vector<Value> positional, std::vector<std::pair<nb::object, Value>> keywords,
             const Value& handled);

  // Calls it on this thread, which holds the GIL, inside the context in which it was issued. Returns the result or
  // the exception, and whether it is the exception.
  std::pair<nb::object, bool> run();

 private:
  nb::object callee_, context_, handled_, keyword_names_;
  std::vector<nb::object> arguments_;
  std::size_t positional_;
};

class PythonExecutor final : public window::Executor {
 public:
  PythonExecutor();
  ~PythonExecutor() override;

  void start(window::Ticket ticket, std::unique_ptr<window::Call> call) override;
  void cancel(window::Ticket ticket) override;
  std::vector<window::Completion> wait() override;
  std::vector<window::Completion> poll() override;
  void drain() override;

  // From now on, whatever finishes also adds to the counter of the event descriptor.
  void notify(int descriptor) { queue_.notify(descriptor); }
  // Whether nothing is running, as far as poll() has seen.
  bool idle() const { return running_ == 0 && sent_.empty(); }

 private:
  struct Job;
  struct Answered {
    window::Ticket ticket = 0;
    Result<llm::ChatAnswer> answer;
  };
  using Finished = std::variant<std::shared_ptr<Job>, Answered>;
  // A model call on the reactor. Destroying it cancels the transfer.
  struct Sent {
    std::unique_ptr<ModelCall> call;
    net::Handle transfer;
  };

  void send(window::Ticket ticket, std::unique_ptr<ModelCall> call);
  void submit(window::Ticket ticket, std::unique_ptr<PythonCall> call);
  std::vector<window::Completion> deliver(std::vector<Finished> finished);
  void deliver_job(Job& job, std::vector<window::Completion>& completions);
  void deliver_answer(const Answered& answered, std::vector<window::Completion>& completions);

  exec::CompletionQueue<Finished> queue_;
  std::unordered_map<window::Ticket, Sent> sent_;                  // neither delivered nor cancelled
  std::unordered_map<window::Ticket, std::shared_ptr<Job>> jobs_;  // started, neither delivered nor cancelled
  std::size_t running_ = 0;  // handed to the pool and not come back, cancelled ones too
};

// Ends the pool's threads; called when the interpreter exits.
void stop_workers();

}  // namespace xcs::python
