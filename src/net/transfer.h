// One request on its way through the loop.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "net/gate.h"
#include "net/timer_heap.h"
#include "net/transport.h"

namespace xcs::net {

class Easy;
class Multi;

// The handle and the loop share a transfer: each lives on its own thread and either may let go first.
// `handler` is guarded by `gate`, whose runner is the loop's thread; everything else belongs to the loop's
// thread.
struct Transfer final : Timer {
  enum class Phase {
    kInLine,      // waits in its lane
    kQueued,      // waits for a slot
    kConnecting,  // has a slot; no usable connection yet
    kWaiting,     // may send; nothing of the answer has arrived
    kReceiving,   // the answer has begun
    kDelayed,     // waits to be sent again
  };

  Transfer(Request r, Handler h);
  ~Transfer();

  bool in_flight() const { return easy != nullptr; }

  Request request;
  const bool streams;        // whether the handler takes pieces
  const bool takes_any;      // whether it takes every answer so, whatever the status
  const bool waits_in_lane;  // whether the handler decides when it may be sent
  Gate gate;
  Handler handler;

  Phase phase = Phase::kInLine;
  TimePoint started{};     // when this attempt left the queue
  TimePoint progressed{};  // when this phase began; in kReceiving, when the last piece arrived
  bool held = false;       // among the loop's transfers, at `slot`
  std::size_t slot = 0;
  Multi* multi = nullptr;
  std::unique_ptr<Easy> easy;
  Response response;
  std::size_t body_bytes = 0;    // of the answer so far, decompressed
  std::optional<Error> failure;  // why this library ended the attempt
  bool head_told = false;        // to the handler that takes it
  bool leads = false;            // others wait for its name lookup
  bool opened_socket = false;    // this attempt needed a new connection
  bool ended = false;            // libcurl has said that it is over
  bool starved = false;          // there was no file descriptor for it
};

// When the transfer, in its present phase, has waited too long. A limit over a year counts as a year.
TimePoint deadline(const Transfer& transfer);

// The earliest that any of the transfer's limits can have passed, counted from `started`.
TimePoint first_deadline(const Transfer& transfer);

}  // namespace xcs::net
