// Waiting without the GIL.
#pragma once

#include <Python.h>

namespace xcs::python {

// Note [waiting at exit]
// A thread that asks for the GIL when the interpreter has begun to finalize is ended by CPython in the middle
// of C++ frames, which ends the process. So threads that still wait when the interpreter exits (daemon
// threads) never ask again: they stay asleep until the process is gone.

// Gives the GIL up for as long as it lives. REQUIRES: the GIL
class WithoutGil {
 public:
  WithoutGil() : state_(PyEval_SaveThread()) {}
  ~WithoutGil();
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

 private:
  PyThreadState* state_;
};

// From now on no other thread than this one comes back from WithoutGil; see Note [waiting at exit]. Called
// when the interpreter exits. REQUIRES: the GIL
void stop_waiters();

}  // namespace xcs::python
