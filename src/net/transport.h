// HTTP as the layers above see it: requests go out, handlers hear of the outcome, handles cancel.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace xcs::net {

// Header fields in the order they were added, kept as one block of text.
class Headers {
 public:
  void add(std::string_view name, std::string_view value);
  void clear() { block_.clear(); }
  bool empty() const { return block_.empty(); }
  std::size_t size() const { return block_.size(); }  // in bytes

  // The value of the first field with this name, compared without case; nullopt when there is none.
  // The view lives until the next change.
  std::optional<std::string_view> find(std::string_view name) const;

  // Calls f("Name: value") for each field.
  template <class F>
  void for_each_line(F f) const;

 private:
  std::string block_;  // "Name: value\n" repeated
};

// How long each part of an attempt may take. Waiting in the queue for a free slot is never counted.
struct Timeouts {
  Duration connect = std::chrono::seconds(10);      // name lookup, TCP, proxy and TLS
  Duration first_byte = std::chrono::seconds(600);  // from the connection until the answer begins
  Duration idle = std::chrono::seconds(300);        // between two pieces of the answer
  Duration total = std::chrono::seconds(600);       // from leaving the queue until the answer is complete
};

struct Request {
  std::string method = "POST";
  std::string url = {};
  Headers headers = {};
  std::string body = {};
  Timeouts timeouts = {};
  std::size_t max_response_bytes = std::size_t{64} << 20;  // after decompression, streamed or not
  // Requests with the same number, other than 0, and an on_turn wait in one line.
  std::uint64_t lane = 0;
};

struct Response {
  int status = 0;
  Headers headers;
  std::string body;  // empty when the handler took it piece by piece
};

// Who hears of a request. The functions run on the transport's thread and must not block.
struct Handler {
  // Called once per attempt: with the response, whatever its status, or with the reason why there is none.
  // Returns nullopt when the matter is settled, or a delay after which the same request is sent again.
  // After an error of kind cancelled or internal nothing is sent again, whatever it returns. Never throws.
  std::move_only_function<std::optional<Duration>(Result<Response>)> on_done;
  // When set, receives the status and the headers of a 2xx response before the first piece of its body, as
  // a response without one. Never throws.
  std::move_only_function<void(const Response& head)> on_head = {};
  // When set, receives the body of a 2xx response piece by piece instead of Response::body; other
  // responses are collected as usual. Returns an error to give up: on_done receives it. Never throws.
  std::move_only_function<Result<void>(std::string_view piece)> on_piece = {};
  // When set, receives the status and the headers of every response, whatever its status, as soon as they
  // have come; on_piece, which has to be set, too, then receives the body of every response. Never throws.
  std::move_only_function<void(const Response& head)> on_any_head = {};
  // When set, asked before each attempt, at the head of the request's lane. Returns zero to let it go, or how
  // long it has to wait: it is asked again after that, or sooner, when a request of the lane has ended. An
  // error settles the request: on_done receives it. Never throws.
  std::move_only_function<Result<Duration>()> on_turn = {};
};

// A request under way. Destroying it cancels the request, at any time and from any thread: when the
// destructor returns, nothing of the handler runs or will run, and the handler is destroyed. From
// another thread it waits for a handler function that is running at that moment, so the caller must not
// hold a lock that the handler takes. A handler may destroy its own operation. An operation that is
// complete, or whose transport is gone, is inert.
class Operation {
 public:
  virtual ~Operation() = default;
  // Cancels the request as destroying it does, but leaves the handler to be destroyed soon, on the
  // transport's thread: for who has many to cancel and wants to be done.
  virtual void abandon() {}
};
using Handle = std::unique_ptr<Operation>;

// Sends requests. `start` may be called from any thread and never blocks; on_done may run before it
// returns. Destroying the transport settles what is still under way with a cancelled error.
class Transport {
 public:
  virtual ~Transport() = default;
  [[nodiscard]] virtual Handle start(Request request, Handler handler) = 0;
};

template <class F>
void Headers::for_each_line(F f) const {
  std::string_view rest = block_;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    f(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
}

}  // namespace xcs::net
