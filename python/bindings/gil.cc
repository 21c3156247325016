#include "gil.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace xcs::python {
namespace {

std::atomic<bool> stopped = false;
std::atomic<int> returning = 0;     // threads that may be asking for the GIL
thread_local bool is_last = false;  // on the thread that stopped the others

[[noreturn]] void sleep_until_exit() {
  while (true) pause();
}

}  // namespace

WithoutGil::~WithoutGil() {
  // A process made by fork has none of the threads that were counted.
  [[maybe_unused]] static const int registered = pthread_atfork(nullptr, nullptr, [] { returning = 0; });
  ++returning;
  if (stopped && !is_last) {
    --returning;
    sleep_until_exit();
  }
  PyEval_RestoreThread(state_);
  --returning;
}

void stop_waiters() {
  is_last = true;
  stopped = true;
  PyThreadState* state = PyEval_SaveThread();
  while (returning != 0) std::this_thread::yield();
  PyEval_RestoreThread(state);
}

}  // namespace xcs::python
