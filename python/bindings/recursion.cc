#include "recursion.h"

#ifdef __linux__
#include <pthread.h>
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace xcs::python {
namespace {

constexpr int kOwnDepth = 900;  // about what there is of the default limit at the start of a program
constexpr std::size_t kLeast =
    512 * 1024;  // bytes of stack for a run, and for what it calls before the next one

// The lowest address of the thread's stack; 0 when it is not known.
std::uintptr_t stack_end() {
#ifdef __linux__
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 0;
  void* lowest = nullptr;
  std::size_t size = 0;
  pthread_attr_getstack(&attributes, &lowest, &size);
  pthread_attr_destroy(&attributes);
  return reinterpret_cast<std::uintptr_t>(lowest);
#else
  return 0;
#endif
}

bool stack_is_low() {
  thread_local const std::uintptr_t end = stack_end();
  const char here = 0;
  return end != 0 && reinterpret_cast<std::uintptr_t>(&here) - end < kLeast;
}

void add_room(int levels) {
  PyThreadState* state = PyThreadState_Get();
#if PY_VERSION_HEX >= 0x030C0000
  state->py_recursion_remaining += levels;
#elif PY_VERSION_HEX >= 0x030B0000
  state->recursion_remaining += levels;
#else
  state->recursion_depth -= levels;
#endif
}

#if PY_VERSION_HEX >= 0x030C0000
// Py_EnterRecursiveCall counts compiled code only, against a limit of its own.
bool enter_function() {
  if (recursion_remaining() <= 0) return false;
  add_room(-1);
  return true;
}
void leave_function() { add_room(1); }
#else
bool enter_function() { return Py_EnterRecursiveCall("") == 0; }
void leave_function() { Py_LeaveRecursiveCall(); }
#endif

bool enter() {
  if (!stack_is_low() && enter_function()) return true;
  if (PyErr_Occurred() == nullptr) PyErr_SetString(PyExc_RecursionError, "maximum recursion depth exceeded");
  return false;
}

}  // namespace

int recursion_remaining() {
  const PyThreadState* state = PyThreadState_Get();
#if PY_VERSION_HEX >= 0x030C0000
  return state->py_recursion_remaining;
#elif PY_VERSION_HEX >= 0x030B0000
  return state->recursion_remaining;
#else
  return Py_GetRecursionLimit() - state->recursion_depth;
#endif
}

RoomForOwnCode::RoomForOwnCode() : levels_(std::max(0, kOwnDepth - recursion_remaining())) {
  add_room(levels_);
}
RoomForOwnCode::~RoomForOwnCode() { add_room(-levels_); }

Level::Level() : entered(enter()) {}
Level::~Level() {
  if (entered) leave_function();
}

}  // namespace xcs::python
