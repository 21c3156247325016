// Carries out the independent calls of one run: model calls on the reactor, others on the worker pool.
#pragma once

#include <memory>
#include <span>
#include <unordered_map>
#include <variant>
#include <vector>

#include "exec/completion_queue.h"
#include "http.h"
#include "model_calls.h"
#include "objects.h"
#include "recorder.h"
#include "window/run.h"

namespace xcs::python {

// A call of a blocking Python callable.
class PythonCall final : public HostCall {
 public:
  // REQUIRES: all values are ready
  PythonCall(nb::object callee, std::vector<Value> positional,
             std::vector<std::pair<nb::object, Value>> keywords, const Value& handled);

  // Calls it on this thread, which holds the GIL, inside the context in which it was issued. Returns the
  // result or the exception, and whether it is the exception.
  std::pair<nb::object, bool> run();

 private:
  nb::object callee_, context_, handled_, keyword_names_;
  const Spender spender_ = Spender::here();
  std::vector<nb::object> arguments_;
  std::size_t positional_;
};

class PythonExecutor final : public window::Executor {
 public:
  // The run keeps its calls with `recorder`, which outlives it; null when it does not.
  explicit PythonExecutor(Recorder* recorder);
  ~PythonExecutor() override;

  void start(window::Ticket ticket, std::unique_ptr<window::Call> call) override;
  void cancel(window::Ticket ticket) override;
  void cancel_all(std::span<const window::Ticket> tickets) override;
  std::vector<window::Completion> wait() override;
  std::vector<window::Completion> poll() override;
  void drain() override;

  // From now on, whatever finishes also adds to the counter of the event descriptor.
  void notify(int descriptor) { queue_.notify(descriptor); }
  // Whether nothing is running, as far as poll() has seen.
  bool idle() const { return running_ == 0 && writes_ == 0 && models_.idle() && sent_adopted_.empty(); }
  // Sends what waits to be merged with calls to come.
  void flush() { models_.flush(); }
  Ledger& ledger() { return models_.ledger(); }

  // For calls that somebody else carries out. Whether the call has been answered already; and its end, when
  // it has not: both are delivered by poll().
  bool find(window::Ticket ticket, const HostCall& call);
  void complete(window::Completion completion);
  // Whether poll() has something.
  bool has_ready() const { return !ready_.empty(); }

 private:
  struct Job;
  struct Responded {
    window::Ticket ticket = 0;
    Result<net::Response> response;
    Duration took;  // since it was first sent; zero: nobody measured
  };
  // The result of a call is durable, or is lost.
  struct Stored {
    window::Ticket ticket = 0;
    std::optional<Error> error;
  };
  using Finished = std::variant<std::shared_ptr<Job>, ModelCalls::Answered, Responded, Stored>;
  // A call of an adopted client on the reactor. Destroying it cancels the transfer.
  struct SentAdopted {
    std::unique_ptr<AdoptedCall> call;
    net::Handle transfer;
  };

  void send(window::Ticket ticket, std::unique_ptr<AdoptedCall> call);
  void submit(window::Ticket ticket, std::unique_ptr<PythonCall> call);
  void cancel_job(window::Ticket ticket);
  std::vector<window::Completion> deliver(std::vector<Finished> finished);
  void deliver_job(Job& job);
  void deliver_answer(const ModelCalls::Answered& answered);
  void deliver_response(const Responded& responded);
  void deliver_stored(const Stored& stored);
  bool interrupts(const nb::object& exception, bool raised);
  void finish(window::Completion completion, bool wanted);
  void keep(window::Completion completion, bool wanted, bool refused);

  Recorder* const recorder_;
  exec::CompletionQueue<Finished> queue_;
  std::vector<window::Completion> ready_;                           // to be delivered
  std::unordered_map<window::Ticket, window::Completion> storing_;  // wanted, but not durable yet
  std::size_t writes_ = 0;  // results handed to the recorder that are not durable yet, unwanted ones too
  ModelCalls models_;
  std::unordered_map<window::Ticket, SentAdopted> sent_adopted_;   // neither delivered nor cancelled
  std::unordered_map<window::Ticket, std::shared_ptr<Job>> jobs_;  // started, neither delivered nor cancelled
  std::chrono::steady_clock::time_point let_go_ = std::chrono::steady_clock::now();  // of the interpreter
  std::size_t running_ = 0;  // handed to the pool and not come back, cancelled ones too
};

// Ends the pool's threads; called when the interpreter exits.
void stop_workers();

}  // namespace xcs::python
