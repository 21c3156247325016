// One model call, over all its attempts.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/mutex.h"
#include "llm/chat.h"
#include "llm/meter.h"
#include "llm/stream.h"
#include "llm/turns.h"
#include "llm/wire_request.h"
#include "net/transport.h"

namespace xcs::llm {

using OnAnswer = std::move_only_function<void(Result<ChatAnswer>)>;
using OnDelta = std::move_only_function<void(std::string_view text)>;

// Where the one or two requests of a call meet: the first answer counts. Its functions run on the transport's
// thread, but for take_handles and keep.
class Race {
 public:
  // The call is counted on the meter, if there is one.
  Race(OnAnswer done, int runners, std::shared_ptr<Meter> meter)
      : done_(std::move(done)), runners_(runners), meter_(std::move(meter)) {}

  bool over() const { return over_; }
  // The first answer, or the error when nobody else runs any more, ends the race; the other request is
  // cancelled.
  void finish(Result<ChatAnswer> answer);
  // A request that will not be sent leaves the race.
  void withdraw();

  // Counts on the meter, if there is one.
  void count(const Spend& spend);

  // When the first request was sent; nothing before.
  std::optional<TimePoint> sent_at;
  // Whether a second one has been.
  bool hedged = false;

  // Any thread: holds on to a request until the race is over.
  void keep(net::Handle handle);
  std::vector<net::Handle> take_handles();

 private:
  void end(Result<ChatAnswer> answer);

  OnAnswer done_;
  int runners_;
  const std::shared_ptr<Meter> meter_;
  bool over_ = false;
  std::optional<Error> error_;  // of a request that failed while another ran
  Mutex mutex_;
  std::vector<net::Handle> handles_ XCS_GUARDED_BY(mutex_);
  bool closed_ XCS_GUARDED_BY(mutex_) = false;
};

// One request of a call, repeated after failures that pass. Lives in the handler, on the transport's thread.
class Call {
 public:
  struct Parts {
    WireRequest wire;
    std::unique_ptr<Turns> turns;
    int max_retries = 0;
    std::uint64_t seed = 0;
    bool hedge = false;  // the second request of its race
  };
  Call(Parts parts, OnDelta delta, std::shared_ptr<Race> race);

  Result<Duration> on_turn();
  std::optional<Duration> on_done(Result<net::Response> response);
  Result<void> on_piece(std::string_view piece);

 private:
  Result<Duration> hedge_turn();
  void on_answer(ChatAnswer& answer);
  Result<ChatAnswer> read(Result<net::Response>& response);
  std::optional<Duration> delay_after(const Error& error, const net::Headers& headers);

  const Parts parts_;
  std::minstd_rand random_;
  OnDelta delta_;
  const std::shared_ptr<Race> race_;
  std::optional<AnswerStream> stream_;  // of the present attempt
  bool granted_ = false;                // a hedge, that it may be sent
  int refusals_ = 0;                    // attempts refused for rate
  int failures_ = 0;                    // attempts that failed otherwise
  bool delivered_ = false;              // some text has reached delta_
};

}  // namespace xcs::llm
