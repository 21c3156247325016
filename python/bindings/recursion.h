// The recursion limit, which entered functions count towards and the package's own code does not.
#pragma once

#include <Python.h>

namespace xcs::python {

// How many more functions the current thread may call within each other.
int recursion_remaining();

// While it lives, the thread has room for the package's own functions, however deep the program is in its
// own.
class RoomForOwnCode {
 public:
  RoomForOwnCode();
  ~RoomForOwnCode();
  RoomForOwnCode(const RoomForOwnCode&) = delete;
  RoomForOwnCode& operator=(const RoomForOwnCode&) = delete;

 private:
  const int levels_;
};

// One level of recursion, as long as it lives. When `entered` is false, a RecursionError is set: the limit is
// reached, or the thread's stack is nearly full.
class Level {
 public:
  Level();
  ~Level();
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;
  const bool entered;
};

}  // namespace xcs::python
