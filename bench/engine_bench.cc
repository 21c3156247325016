// What the engine itself costs per independent call from C++: calls of a function that does next to nothing,
// carried out at once on the run's own thread, so that neither threads nor a network are measured.
//
//   xcs_engine_bench [CALLS]
//
// Each figure is the median of seven runs; a run is CALLS calls (100000). Time is that of the thread on a
// processor, so that a busy machine changes it little. Bytes are what the run has allocated for each call
// when most of its calls are in flight.

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <numeric>
#include <string>
#include <vector>

#include "runtime/door.h"
#include "xcs/xcs.h"

namespace xcs {
namespace {

// Carries out each call when the run asks for completions; those started until then together.
class ImmediateExecutor final : public window::Executor {
 public:
  void start(window::Ticket ticket, std::unique_ptr<window::Call> call) override {
    started_.emplace_back(ticket, std::move(static_cast<runtime::IndependentCall&>(*call).operation));
  }
  void cancel(window::Ticket ticket) override {
    std::erase_if(started_, [&](const auto& started) { return started.first == ticket; });
  }
  std::vector<window::Completion> wait() override {
    if (started_.size() > most_) {
      most_ = started_.size();
      bytes_ = allocated();
    }
    std::vector<window::Completion> completions;
    completions.reserve(started_.size());
    for (auto& [ticket, operation] : std::exchange(started_, {})) {
      detail::Ref<detail::Box> result = operation->run();
      completions.push_back(runtime::completion_of(ticket, *operation, std::move(result), nullptr));
    }
    return completions;
  }
  std::vector<window::Completion> poll() override { return {}; }
  void drain() override {}
  // Calls that were in flight at one time, and the bytes for each.
  std::size_t most() const { return most_; }
  double bytes_per_call() const { return static_cast<double>(bytes_ - before_) / static_cast<double>(most_); }

 private:
  static std::size_t allocated() {
    const auto info = mallinfo2();
    return info.uordblks + info.hblkhd;
  }

  std::size_t before_ = allocated(), most_ = 0, bytes_ = 0;
  std::vector<std::pair<window::Ticket, detail::Ref<detail::Operation>>> started_;
};

const auto ask = op([](int n) { return n + 1; }, independent);

std::vector<int> numbers(int n) {
  std::vector<int> all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

Value<void> calls_alone(int n) { co_await all(map(numbers(n), ask)); }

Value<int> one_call(int n) { co_return co_await ask(n); }

Value<void> frames(int n) { co_await all(map(numbers(n), one_call)); }

Value<void> with_effects(int n) {
  for (const int i : numbers(n)) effect([](int) {}, ask(i));
  co_return;
}

Value<int> chain(int n) {
  for (int i = 0; i < n; ++i) co_await ask(i);
  co_return 0;
}
Value<void> chains(int n) {
  co_await all(map(numbers(100), [n](int) { return chain(n / 100); }));
}

double thread_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

struct Measurement {
  double nanoseconds_per_call = 0;
  std::uint64_t entries = 0;
  std::size_t most_in_flight = 0;
  double bytes_per_call = 0;
};

Measurement measure(Value<void> (*program)(int), int calls) {
  ImmediateExecutor executor;
  runtime::Door door(executor, {.window = {.max_in_flight = 1'000'000, .window = 1'000'000}});
  const double begin = thread_nanoseconds();
  door.begin([=] { return program(calls).handle(); });
  while (!door.step()) {
  }
  door.take();
  return {(thread_nanoseconds() - begin) / calls, door.counters().entries, executor.most(),
          executor.bytes_per_call()};
}

void report(const char* name, Value<void> (*program)(int), int calls) {
  std::array<Measurement, 7> runs;
  for (Measurement& run : runs) run = measure(program, calls);
  std::ranges::sort(runs, {}, &Measurement::nanoseconds_per_call);
  const Measurement& median = runs[runs.size() / 2];
  const double entries_per_second =
      static_cast<double>(median.entries) / (median.nanoseconds_per_call * calls / 1e9);
  fmt::print("{:<34} {:7.0f} ns per call   (fastest {:.0f}, slowest {:.0f})   {:4.1f} million entries/s   ",
             name, median.nanoseconds_per_call, runs.front().nanoseconds_per_call,
             runs.back().nanoseconds_per_call, entries_per_second / 1e6);
  fmt::print("{} in flight, {:.0f} bytes each\n", median.most_in_flight, median.bytes_per_call);
}

}  // namespace
}  // namespace xcs

int main(int argc, char** argv) {
  const int calls = argc > 1 ? std::stoi(argv[1]) : 100'000;
  xcs::report("calls in one frame", xcs::calls_alone, calls);
  xcs::report("a frame for each call", xcs::frames, calls);
  xcs::report("a call and an effect that needs it", xcs::with_effects, calls);
  xcs::report("100 chains of dependent calls", xcs::chains, calls);
  return 0;
}
