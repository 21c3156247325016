// One call of a jitted function: fetch, issue, commit.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "window/host.h"

namespace xcs::window {

// Names one issued call within its run; never used again in that run.
using Ticket = std::uint64_t;

struct Completion {
  Ticket ticket = 0;
  bool raised = false;
  Value value;                    // the result, or the exception
  std::uint64_t nanoseconds = 0;  // how long it ran; 0: the time from start() to its delivery counts
};

// Carries out independent calls. One executor serves one run, on the run's thread.
class Executor {
 public:
  virtual ~Executor() = default;
  // Starts `call`, which the executor owns from now on. Does not block.
  virtual void start(Ticket ticket, std::unique_ptr<Call> call) = 0;
  // The call's completion is no longer wanted and will not be delivered. It may still be running until
  // drain().
  virtual void cancel(Ticket ticket) = 0;
  // As cancel for each of them.
  virtual void cancel_all(std::span<const Ticket> tickets) {
    for (const Ticket ticket : tickets) cancel(ticket);
  }
  // Waits until at least one started call is complete and returns those that are. An interrupt of the wait
  // (the user's Ctrl-C) is a completion with ticket 0 that raised: it becomes the exception of the oldest
  // call in flight. REQUIRES: a started call that is neither cancelled nor delivered.
  virtual std::vector<Completion> wait() = 0;
  // Those complete by now, without waiting.
  virtual std::vector<Completion> poll() = 0;
  // Waits until nothing of this run is running any more.
  virtual void drain() = 0;
};

struct Options {
  std::uint32_t max_in_flight = 1024;  // calls started and not complete; >= 1
  std::uint32_t window = 100'000;      // entries not committed before fetching pauses; >= 1
  bool forward = true;                 // replay pending stores; off: loads that meet one wait
  bool summaries = true;               // resolve what blocked frames may store; off: anything
  std::uint32_t speculate = 0;         // turns of a loop that are begun after one that may leave it
  bool paths = false;                  // give each issued call its path
};

// Why a node waited; see Note [who is to blame].
struct Wait {
  ReasonCode reason = 0;
  const ir::Program* program = nullptr;  // of the node to blame: the one that waited, or what it waited for
  const ir::Node* node = nullptr;
  std::uint64_t times = 0;
  std::uint64_t wait_ns = 0;  // all waits added up
  std::uint64_t lost_ns =
      0;  // of the node to blame: for how long something was held up that could have gone on
};

// What one node did during the run, for reports. Indexed by (program, node).
struct Site {
  const ir::Program* program = nullptr;
  const ir::Node* node = nullptr;
  std::uint64_t issued = 0;      // independent calls started from here
  std::uint64_t early = 0;       // of these, while another call was in flight
  std::uint64_t in_order = 0;    // times it ran only when everything before it was complete
  std::vector<Wait> waits = {};  // by reason and node to blame, in the order they first occurred
};

struct Counters {
  std::uint64_t calls = 0;      // independent calls issued
  std::uint64_t cancelled = 0;  // of these, discarded before their result was used
  // The longest chain of calls of which each started only when the one before was complete, by number.
  std::uint32_t rounds = 0;
  // The longest chain of calls of which each needs the answer of the one before, by the time they took, to
  // the microsecond: what waits for memory or for its turn does not add to it.
  std::uint64_t critical_path_ns = 0;
  std::uint64_t speculated = 0;  // of the calls, issued on a guess about control
  std::uint64_t wasted = 0;      // of these, in code that turned out not to be reached
  std::uint32_t most_in_flight = 0;
  std::uint64_t entries = 0;       // nodes that entered the window
  std::uint64_t frames = 0;        // frames that blocked
  std::uint64_t forwards = 0;      // loads that looked through pending stores
  std::uint64_t most_entries = 0;  // largest window
};

struct Outcome {
  bool raised = false;
  Value value;  // the result, or the exception
};

// Why a run has come back.
enum class Stop : std::uint8_t {
  kComplete,
  kWaits,   // for calls in flight
  kYields,  // its function is a generator that hands out yielded(); everything before that is complete
};

// Runs `enter` to its end: its answer is what running it line by line would have given. Either call() does so
// on the calling thread, which waits while there is nothing else to do; or, after begin(), whoever has other
// things to do meanwhile calls advance() whenever the executor has completions. When call() or take() returns
// or throws, no call is in flight. A run throws only what the executor or the host threw.
class Run {
 public:
  Run(Host& host, Executor& executor, const Options& options);
  ~Run();  // cancels and drains what is in flight
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  Outcome call(Enter enter);

  void begin(Enter enter);
  // Takes what the executor has by now and does all there is to do.
  Stop advance();
  // As advance(), but waits for calls in flight: never kWaits.
  Stop run_on();
  const Value& yielded() const;
  // The generator goes on: the yield gives `sent`, or raises. REQUIRES: it has come back with kYields
  void resume(Value sent);
  void resume_raising(Value exception);
  // The oldest call in flight, or 0. Sequential execution would be there.
  Ticket oldest() const;
  // The oldest call in flight is cancelled, and fails with `exception`. REQUIRES: oldest() != 0
  void interrupt(Value exception);
  // Nothing more is wanted of the run: cancels what is in flight, without waiting for it.
  void abandon();
  Outcome take();  // REQUIRES: it is complete

  const Counters& counters() const;
  std::vector<Site> sites() const;  // those that issued or waited, in the order they first did

  // One step of the run, for tests that stop a run at every possible point: fetches, commits or waits once.
  // Returns whether the run is complete.
  bool step();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xcs::window
