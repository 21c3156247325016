#include "executor.h"

#include <unistd.h>

#include <atomic>

#include "exec/worker_pool.h"
#include "gil.h"

namespace xcs::python {
namespace {

// Jobs that wait for jobs make room for themselves, so this bounds threads that do the user's work.
constexpr std::size_t kMostThreads = 4096;

// How soon a signal's handler runs while a run waits.
constexpr std::chrono::milliseconds kSignalPeriod{5};

// The pool of this process. A process made by fork has none of its parent's threads and begins with a new
// one; the parent's, whose locks may be held by threads that are not there, is left alone.
exec::WorkerPool*& pool_slot() {
  static exec::WorkerPool* pool = nullptr;
  static pid_t owner = 0;
  if (owner != getpid()) {
    owner = getpid();
    pool = nullptr;
  }
  return pool;
}

// The Python thread state of a worker, kept from job to job so that thread-local state of libraries lasts.
class ThreadState {
 public:
  ThreadState() : gil_(PyGILState_Ensure()), saved_(PyEval_SaveThread()) {}
  ~ThreadState() {
    PyEval_RestoreThread(saved_);
    PyGILState_Release(gil_);
  }
  ThreadState(const ThreadState&) = delete;
  ThreadState& operator=(const ThreadState&) = delete;

  PyThreadState* saved() const { return saved_; }

 private:
  PyGILState_STATE gil_;
  PyThreadState* saved_;
};

// Workers hold the GIL while they run a job.
class WorkerGil final : public exec::Hold {
 public:
  void acquire() override {
    static thread_local ThreadState state;
    PyEval_RestoreThread(state.saved());
  }
  void release() override { PyEval_SaveThread(); }
};

// An interrupt comes before the calls that have finished: there may be no other in flight.
void check_signals(std::vector<window::Completion>& completions) {
  if (PyErr_CheckSignals() == 0) return;
  completions.insert(completions.begin(), {0, true, steal_value(take_error())});
}

exec::WorkerPool& pool() {
  exec::WorkerPool*& slot = pool_slot();
  if (slot == nullptr) slot = new exec::WorkerPool(kMostThreads, new WorkerGil);
  return *slot;
}

}  // namespace

PythonCall::PythonCall(nb::object callee, std::vector<Value> positional,
                       std::vector<std::pair<nb::object, Value>> keywords, const Value& handled)
    : callee_(std::move(callee)), context_(checked(PyContext_CopyCurrent())), positional_(positional.size()) {
  if (handled.ready()) handled_ = nb::borrow(object_of(handled));
  for (const Value& v : positional) arguments_.push_back(nb::borrow(object_of(v)));
  if (keywords.empty()) return;
  keyword_names_ = checked(PyTuple_New(static_cast<Py_ssize_t>(keywords.size())));
  for (std::size_t i = 0; i < keywords.size(); ++i) {
    PyTuple_SET_ITEM(keyword_names_.ptr(), i, keywords[i].first.release().ptr());
    arguments_.push_back(nb::borrow(object_of(keywords[i].second)));
  }
}

std::pair<nb::object, bool> PythonCall::run() {
  const SpendsOnThread here(spender_.within(path.steps));
  std::vector<PyObject*> args;
  for (const nb::object& a : arguments_) args.push_back(a.ptr());
  PyObject* result = nullptr;
  if (PyContext_Enter(context_.ptr()) == 0) {
    result = PyObject_Vectorcall(callee_.ptr(), args.data(), positional_, keyword_names_.ptr());
    if (result != nullptr) {
      if (PyContext_Exit(context_.ptr()) != 0) Py_CLEAR(result);
    } else {
      nb::object error = take_error();
      if (PyContext_Exit(context_.ptr()) == 0) set_error(error.ptr());
    }
  }
  if (result != nullptr) return {nb::steal(result), false};
  nb::object error = take_error();
  // Raised on the calling thread, it would have had the exception being handled there as its context.
  PyObject* context = PyException_GetContext(error.ptr());
  if (context == nullptr && handled_ && !handled_.is(error))
    PyException_SetContext(error.ptr(), nb::object(handled_).release().ptr());
  Py_XDECREF(context);
  return {std::move(error), true};
}

struct PythonExecutor::Job {
  enum State : std::uint8_t { kInLine, kRunning, kCancelled };

  window::Ticket ticket = 0;
  std::unique_ptr<PythonCall> call;
  std::atomic<State> state = kInLine;
  bool raised = false;  // with result, set before the job is pushed to the queue
  nb::object result;

  // On a worker's thread, which holds the GIL.
  void run() {
    State in_line = kInLine;
    if (state.compare_exchange_strong(in_line, kRunning)) std::tie(result, raised) = call->run();
    call.reset();
  }
};

PythonExecutor::PythonExecutor(Recorder* recorder)
    : recorder_(recorder),
      models_([this](ModelCalls::Answered answered) { queue_.push(std::move(answered)); }) {
  ledger().set_recorder(recorder);
}

PythonExecutor::~PythonExecutor() {
  ledger().set_recorder(nullptr);
  models_.clear();
  sent_adopted_.clear();
  drain();
}

void PythonExecutor::start(window::Ticket ticket, std::unique_ptr<window::Call> call) {
  if (find(ticket, static_cast<const HostCall&>(*call))) return;
  if (dynamic_cast<ModelCall*>(call.get()) != nullptr)
    models_.start(ticket, std::unique_ptr<ModelCall>(static_cast<ModelCall*>(call.release())));
  else if (dynamic_cast<AdoptedCall*>(call.get()) != nullptr)
    send(ticket, std::unique_ptr<AdoptedCall>(static_cast<AdoptedCall*>(call.release())));
  else
    submit(ticket, std::unique_ptr<PythonCall>(static_cast<PythonCall*>(call.release())));
}

bool PythonExecutor::find(window::Ticket ticket, const HostCall& call) {
  if (recorder_ == nullptr) return false;
  std::optional<nb::object> answer = recorder_->find(ticket, call);
  if (!answer) return false;
  ready_.push_back({ticket, false, steal_value(std::move(*answer))});
  return true;
}

void PythonExecutor::send(window::Ticket ticket, std::unique_ptr<AdoptedCall> call) {
  SentAdopted& sent = sent_adopted_[ticket];
  sent.call = std::move(call);
  std::optional<net::Handle> transfer =
      sent.call->send(models_.ledger(), [this, ticket](Result<net::Response> response, Duration took) {
        queue_.push(Responded{ticket, std::move(response), took});
      });
  if (transfer) {
    sent.transfer = *std::move(transfer);
    return;
  }
  auto [object, raised] = sent.call->take();
  sent_adopted_.erase(ticket);
  if (interrupts(object, raised)) return;
  finish({ticket, raised, steal_value(std::move(object))}, true);
}

void PythonExecutor::submit(window::Ticket ticket, std::unique_ptr<PythonCall> call) {
  auto job = std::make_shared<Job>();
  job->ticket = ticket;
  job->call = std::move(call);
  jobs_.emplace(ticket, job);
  ++running_;
  pool().submit([this, job = std::move(job)]() mutable {
    job->run();
    queue_.push(std::move(job));
  });
}

void PythonExecutor::cancel(window::Ticket ticket) { cancel_all({&ticket, 1}); }

// Of ten thousand, the requests are best destroyed by the thread that made them, and while nobody waits for
// it. With a recorder, what has finished by the time that nothing more can is kept: it has been paid for.
void PythonExecutor::cancel_all(std::span<const window::Ticket> tickets) {
  for (const window::Ticket ticket : tickets) {
    models_.abandon(ticket);
    const auto sent = sent_adopted_.find(ticket);
    if (sent != sent_adopted_.end() && sent->second.transfer) sent->second.transfer->abandon();
  }
  if (recorder_ != nullptr) ready_ = deliver(queue_.poll());
  for (const window::Ticket ticket : tickets) {
    storing_.erase(ticket);
    if (models_.cancel(ticket) || sent_adopted_.erase(ticket) != 0) {
      if (recorder_ != nullptr) recorder_->forget(ticket);
    } else {
      cancel_job(ticket);
    }
  }
}

void PythonExecutor::cancel_job(window::Ticket ticket) {
  const auto found = jobs_.find(ticket);
  if (found == jobs_.end()) return;
  Job::State in_line = Job::kInLine;
  found->second->state.compare_exchange_strong(in_line, Job::kCancelled);
  jobs_.erase(found);
}

std::vector<window::Completion> PythonExecutor::deliver(std::vector<Finished> finished) {
  for (Finished& f : finished) {
    if (auto* job = std::get_if<std::shared_ptr<Job>>(&f))
      deliver_job(**job);
    else if (const auto* answered = std::get_if<ModelCalls::Answered>(&f))
      deliver_answer(*answered);
    else if (const auto* responded = std::get_if<Responded>(&f))
      deliver_response(*responded);
    else
      deliver_stored(std::get<Stored>(f));
  }
  return std::exchange(ready_, {});
}

void PythonExecutor::deliver_job(Job& job) {
  --running_;
  const bool wanted = jobs_.erase(job.ticket) != 0;
  if (!job.result) {  // cancelled before it ran
    if (recorder_ != nullptr) recorder_->forget(job.ticket);
    return;
  }
  finish({job.ticket, job.raised, steal_value(std::move(job.result))}, wanted);
}

void PythonExecutor::complete(window::Completion completion) { finish(std::move(completion), true); }

void PythonExecutor::finish(window::Completion completion, bool wanted) {
  static auto* is_refusal = imported("xcs._journal", "is_refusal_object").release().ptr();
  const bool refused = recorder_ != nullptr && recorder_->has_cache() && !completion.raised &&
                       nb::cast<bool>(nb::handle(is_refusal)(nb::handle(object_of(completion.value))));
  keep(std::move(completion), wanted, refused);
}

void PythonExecutor::deliver_answer(const ModelCalls::Answered& answered) {
  std::optional<window::Completion> completion = models_.receive(answered);
  if (!completion || interrupts(nb::borrow(object_of(completion->value)), completion->raised)) return;
  static auto* is_refusal = imported("xcs._journal", "is_refusal").release().ptr();
  const bool refused =
      recorder_ != nullptr && recorder_->has_cache() && answered.answer &&
      nb::cast<bool>(nb::handle(is_refusal)(answered.answer->finish_reason, answered.answer->raw));
  keep(*std::move(completion), true, refused);
}

// Whether a signal struck while an answer was read, which is an interrupt then, and nothing that the call
// raised; see Note [interrupts]. The oldest call in flight, which gets it, is not after this one.
bool PythonExecutor::interrupts(const nb::object& exception, bool raised) {
  if (!raised || !raised_by_signal(exception.ptr())) return false;
  ready_.insert(ready_.begin(), {0, true, steal_value(nb::object(exception))});
  return true;
}

// The call has ended. Its result is delivered, if it is wanted, once it is durable.
void PythonExecutor::keep(window::Completion completion, bool wanted, bool refused) {
  const window::Ticket ticket = completion.ticket;
  if (recorder_ != nullptr && completion.raised) recorder_->forget(ticket);
  if (recorder_ != nullptr && !completion.raised &&
      recorder_->keep(
          ticket, object_of(completion.value), refused,
          [this, ticket](const std::optional<Error>& error) { queue_.push(Stored{ticket, error}); })) {
    ++writes_;
    if (wanted) storing_.emplace(ticket, std::move(completion));
  } else if (wanted) {
    ready_.push_back(std::move(completion));
  }
}

void PythonExecutor::deliver_response(const Responded& responded) {
  const auto sent = sent_adopted_.extract(responded.ticket);
  if (sent.empty()) return;
  auto [object, raised] = sent.mapped().call->receive(responded.response);
  if (interrupts(object, raised)) return;
  finish({responded.ticket, raised, steal_value(std::move(object)),
          static_cast<std::uint64_t>(responded.took.count())},
         true);
}

void PythonExecutor::deliver_stored(const Stored& stored) {
  --writes_;
  auto waiting = storing_.extract(stored.ticket);
  if (waiting.empty()) return;
  if (stored.error) {
    set_store_error(*stored.error);
    waiting.mapped() = {stored.ticket, true, steal_value(take_error())};
  }
  ready_.push_back(std::move(waiting.mapped()));
}

// Python callables on other threads get on only while this one lets go of the interpreter.
std::vector<window::Completion> PythonExecutor::poll() {
  constexpr std::chrono::milliseconds kTurn(5);  // as CPython's own
  if (running_ != 0 && std::chrono::steady_clock::now() - let_go_ > kTurn) {
    {
      const WithoutGil others;
      std::this_thread::yield();
    }
    let_go_ = std::chrono::steady_clock::now();
  }
  std::vector<window::Completion> completions = deliver(queue_.poll());
  check_signals(completions);
  return completions;
}

std::vector<window::Completion> PythonExecutor::wait() {
  const exec::WorkerPool::Blocked blocked(pool());
  models_.flush();
  while (true) {
    std::vector<Finished> finished;
    if (ready_.empty()) {
      const WithoutGil waiting;
      finished = queue_.wait_for(kSignalPeriod);
    }
    std::vector<window::Completion> completions = deliver(std::move(finished));
    check_signals(completions);
    if (!completions.empty()) return completions;
  }
}

void PythonExecutor::drain() {
  const exec::WorkerPool::Blocked blocked(pool());
  models_.flush();
  while (!idle()) {
    std::vector<Finished> finished;
    {
      const WithoutGil waiting;
      finished = queue_.wait_for(std::chrono::hours(1));
    }
    deliver(std::move(finished));
  }
}

void stop_workers() {
  exec::WorkerPool*& slot = pool_slot();
  exec::WorkerPool* stopped = std::exchange(slot, nullptr);
  const WithoutGil waiting;
  delete stopped;
}

}  // namespace xcs::python
