// Frames whose code is the host's own: functions of the host language that stop where they need a value.
//
// Note [native frames]
// A frame of a lowered program is walked by fetch(). A native frame walks itself: its code enters child
// frames and calls operations while it runs on the stack, and comes back when it waits or has ended. Its
// items stand in program order all the same, so that issue and commit are those of every other frame. The
// first time that it waits, control returns to the code that entered it; from then on the machine resumes it,
// and its items still stand at its own place.
//
// Note [held failures]
// Native code asks for a value where it needs it, and meets a failure there. So the failure of a call is kept
// in its result, and the entry stays failed until somebody has handled it: until then nothing after it
// commits. A failure that nobody can handle any more ends the run once everything before it is complete; when
// nothing is left to do, so does the first failure in program order. Which one that is does not depend on the
// order of completions: native code may only depend on the values it asked for.
#pragma once

#include <deque>
#include <unordered_map>

#include "window/machine.h"
#include "window/native_host.h"

namespace xcs::window {

// The code of one native frame; owned by whoever wrote it, which ends with finish(), finish_failed() or
// discard().
class NativeCode {
 public:
  // Runs until it waits or has ended. The first time, it begins.
  virtual void resume() = 0;
  // It will not be resumed: the run is over. Must not throw nor call the machine.
  virtual void discard() = 0;

 protected:
  ~NativeCode() = default;
};

// A machine all of whose frames are native. An exception and the failed result that holds it are one object,
// a different one for every failed entry.
class NativeMachine final : public Machine {
 public:
  NativeMachine(NativeHost& host, Executor& executor, const Options& options);

  // The outermost frame; the first step() resumes it.
  void begin(NativeCode& code);

  // The frame whose code runs now, or null while none does. The functions below act on it.
  Frame* running() const { return running_; }
  // A child of the running frame, which it replaces as such.
  Frame& enter(NativeCode& code);
  // Whether the window has no room for another frame at this place. Then the code may defer().
  bool full();
  // Instead of going on at once, the running frame begins when there is room.
  void defer();
  // The running frame goes on when `pending` is there. Its code comes back before anything else of the
  // machine runs.
  void wait(const Value& pending);
  // A value was looked at: what the frame does from now on comes after it.
  void depend_on(const Value& value);
  // The running frame has ended.
  void finish(Value result);
  void finish_failed(Value failure);

  // One node at this place: what host.attempt() makes of `operands`. The answer may be pending, or be a
  // failure.
  Value call(std::vector<Value> operands);
  // Waits for every call in flight, so that the next line finds them done.
  void wait_for_calls();
  // The failure has been handled: its entry counts as complete.
  void handled(const Value& failure);

 private:
  Frame* advance_native(Frame& frame) override;
  void fail(Entry& entry, Value failure) override;
  bool decide() override;
  void stuck() override;

  void leave(Frame& frame);
  void pass_native(Frame& frame);
  bool begin_deferred();
  Entry* oldest_entry();
  void end_with(const Value& failure);

  NativeHost& native_host_;
  Frame* running_ = nullptr;
  std::deque<Frame*> deferred_;
  std::unordered_map<const Object*, Entry*> failures_;  // not handled
};

}  // namespace xcs::window
