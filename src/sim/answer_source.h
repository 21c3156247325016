#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/arrival.h"
#include "sim/script.h"

namespace xcs::sim {

// Where a server's answers come from. Everything is called on the server's one thread.
class AnswerSource {
 public:
  virtual ~AnswerSource() = default;

  // The answer to a request. An answer that the counters take for one of a model is begun in the books.
  virtual Script answer(const Arrival& arrival) = 0;

  // The counters start anew, and with them whatever depends on which requests came before.
  virtual void restart() {}

  // Readable, in the sense of poll, when take_news() has something to do; -1: never.
  virtual int news_descriptor() const { return -1; }

  // Lets answers grow that are still coming in. Returns the callers (HttpRequest::caller) of those that have.
  virtual std::vector<std::uint64_t> take_news() { return {}; }

  // The server ends: what is still coming in is given up. Comes before the sessions end.
  virtual void close() {}

  // Why the source can no longer do what it is for; none while it can.
  virtual std::optional<std::string> problem() const { return std::nullopt; }
};

}  // namespace xcs::sim
