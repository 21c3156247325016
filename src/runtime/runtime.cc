#include "xcs/runtime.h"

#include <utility>

#include "base/mutex.h"
#include "runtime/door.h"
#include "runtime/live_executor.h"
#include "runtime/services.h"

namespace xcs {

namespace {

runtime::DoorOptions to_door_options(const RuntimeOptions& options) {
  if (options.max_in_flight < 1) throw UsageError("max_in_flight is 0; it must be at least 1");
  if (options.window < 1) throw UsageError("window is 0; it must be at least 1");
  if (options.max_threads < 1) throw UsageError("max_threads is 0; it must be at least 1");
  return {.window = {.max_in_flight = options.max_in_flight, .window = options.window},
          .sequential = options.sequential};
}

}  // namespace

class Runtime::Impl {
 public:
  explicit Impl(const RuntimeOptions& options)
      : door_options_(to_door_options(options)), services_(options.max_threads) {}

  detail::Ref<detail::Box> run(runtime::Door::Body body) {
    runtime::LiveExecutor executor(services_);
    runtime::Door door(executor, door_options_);
    door.begin(std::move(body));
    while (!door.step()) {
    }
    // Noted on the way out, whether take() returns or throws.
    struct Note {
      ~Note() { impl.note(door.counters()); }
      Impl& impl;
      runtime::Door& door;
    } const note{*this, door};
    return door.take();
  }

  RunStats last_run() const {
    const MutexLock lock(mutex_);
    return last_run_;
  }

 private:
  void note(const window::Counters& counters) {
    const MutexLock lock(mutex_);
    last_run_ = {.calls = counters.calls,
                 .cancelled = counters.cancelled,
                 .rounds = counters.rounds,
                 .most_in_flight = counters.most_in_flight,
                 .frames_waited = counters.frames};
  }

  const runtime::DoorOptions door_options_;
  runtime::Services services_;
  mutable Mutex mutex_;
  RunStats last_run_ XCS_GUARDED_BY(mutex_);
};

Runtime::Runtime(RuntimeOptions options) : impl_(std::make_unique<Impl>(options)) {}
Runtime::~Runtime() = default;

detail::Ref<detail::Box> Runtime::run_to_end(std::move_only_function<detail::Handle()> body) {
  return impl_->run(std::move(body));
}

RunStats Runtime::last_run() const { return impl_->last_run(); }

}  // namespace xcs
