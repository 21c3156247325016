// Where programs run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "xcs/detail/engine.h"
#include "xcs/errors.h"
#include "xcs/value.h"

namespace xcs {

struct RuntimeOptions {
  // Independent calls that one run has in flight at most; others wait. At least 1.
  std::uint32_t max_in_flight = 1024;
  // Calls and frames of one run that have not been committed, beyond which no further frame begins. At
  // least 1.
  std::uint32_t window = 100'000;
  // Threads for the independent ops of all runs; made when needed. At least 1.
  std::size_t max_threads = 256;
  // Every call is complete before the next line runs: what a run has to agree with, and the way to debug it.
  bool sequential = false;
};

// What one run did.
struct RunStats {
  std::uint64_t calls = 0;      // independent calls
  std::uint64_t cancelled = 0;  // of these, given up because the run ended
  std::uint32_t rounds = 0;     // the longest chain of calls that had to wait for each other
  std::uint32_t most_in_flight = 0;
  std::uint64_t frames_waited = 0;  // frames that had to wait for a value
};

// Owns the threads that carry out calls: workers, and one for all native calls. Safe to use from several
// threads at once; each run belongs to the thread that called run(). The destructor waits for the threads to
// end; no run may be under way.
class Runtime {
 public:
  // Throws UsageError for an option out of its range.
  explicit Runtime(RuntimeOptions options = {});
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // Calls `function`, which returns a Value<T>, and returns the T when everything that the function started
  // is complete, with the effects in program order. Throws the first exception in program order that was not
  // handled; nothing after it in program order has been committed, and what was in flight has been cancelled.
  // Either way, nothing of the run is running any more. May be called inside an op or a frame, whose thread
  // it blocks.
  template <class F, class... A>
    requires AnyValue<std::invoke_result_t<F, A...>>
  auto run(F&& function, A&&... arguments) {
    using T = typename std::remove_cvref_t<std::invoke_result_t<F, A...>>::value_type;
    detail::Ref<detail::Box> box = run_to_end([&]() -> detail::Handle {
      return std::invoke(std::forward<F>(function), std::forward<A>(arguments)...).handle();
    });
    if constexpr (!std::is_void_v<T>) return T(std::move(static_cast<detail::BoxOf<T>&>(*box).value));
  }

  // Of the run that ended last; zeros before the first.
  RunStats last_run() const;

 private:
  class Impl;
  detail::Ref<detail::Box> run_to_end(std::move_only_function<detail::Handle()> body);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace xcs
