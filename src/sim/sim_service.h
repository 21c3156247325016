#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "sim/answer_source.h"
#include "sim/books.h"
#include "sim/http_parser.h"
#include "sim/script.h"
#include "sim/sim_options.h"
#include "sim/sim_stats.h"

namespace xcs::sim {

// The provider without its sockets: turns requests into scripts and keeps the books. Used by one thread at a
// time.
class SimService {
 public:
  // Its answers are generated, unless the options name a recording to make or to play. Fails with
  // "sim.recording".
  static Result<std::unique_ptr<SimService>> make(SimOptions options);
  SimService(const SimService&) = delete;
  SimService& operator=(const SimService&) = delete;

  // The whole answer to `request`, which was completely read at `now`, or its beginning, if the script has a
  // feed. The caller says end() once it is over.
  Script handle(const HttpRequest& request, TimePoint now);

  // The answer to bytes that are no HTTP request; it closes the connection.
  Script refuse(int status, std::string_view reason);

  // A script is over; `complete` is false if the client left before its answer was complete.
  void end(const Script& script, bool complete);

  // How many bytes a second may be read from the next connection; none: as many as come.
  std::optional<double> next_read_rate();

  SimStats& stats() { return books_.stats(); }

  // See AnswerSource.
  int news_descriptor() const { return source_->news_descriptor(); }
  std::vector<std::uint64_t> take_news() { return source_->take_news(); }
  void close() { source_->close(); }
  std::optional<std::string> problem() const { return source_->problem(); }

  // What the user should know of, a sentence each.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  explicit SimService(SimOptions options) : options_(std::move(options)) {}

  Result<void> open_source();
  void count(const Arrival& arrival);
  Script serve_stats(const Arrival& arrival);

  const SimOptions options_;
  Books books_;
  std::unique_ptr<AnswerSource> source_;  // refers to books_
  std::vector<std::string> warnings_;
  std::uint64_t arrivals_ = 0;
  std::uint64_t connections_ = 0;  // that asked for their read rate
};

}  // namespace xcs::sim
