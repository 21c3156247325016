#pragma once

#include <simdjson.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sim/answer.h"
#include "sim/http_parser.h"
#include "sim/script.h"
#include "sim/sim_options.h"
#include "sim/sim_stats.h"

namespace xcs::sim {

// The provider without its sockets: turns requests into scripts and keeps the books. Used by one thread at a
// time.
class SimService {
 public:
  explicit SimService(SimOptions options);

  // The whole answer to `request`, which was completely read at `now`. The caller says end() once it is over.
  Script handle(const HttpRequest& request, TimePoint now);

  // The answer to bytes that are no HTTP request; it closes the connection.
  Script refuse(int status, std::string_view reason);

  // A script is over; `complete` is false if the client left before its answer was complete.
  void end(const Script& script, bool complete);

  // How many bytes a second may be read from the next connection; none: as many as come.
  std::optional<double> next_read_rate();

  SimStats& stats() { return stats_; }

 private:
  struct Exchange;  // one request on its way to a script

  Script route(Exchange& exchange);
  Script serve_stats(Exchange& exchange);
  Script serve_models(Exchange& exchange, std::string_view path);
  Script serve_api(Exchange& exchange, Endpoint endpoint);
  Script answer(Exchange& exchange, const ApiRequest& request);
  Script play(Exchange& exchange, const ApiRequest& request, std::span<const Answer> answers,
              const Fate& fate);
  Script play_whole(Exchange& exchange, const ApiRequest& request, std::span<const Answer> answers,
                    const Fate& fate);
  Script play_stream(Exchange& exchange, const ApiRequest& request, std::span<const Answer> answers,
                     const Fate& fate);
  Script fail(Exchange& exchange, const ApiError& error, std::chrono::nanoseconds due = {});
  Script fail_with_page(Exchange& exchange, int status, std::chrono::nanoseconds due);
  Script finish(Exchange& exchange, int status, std::string body, std::chrono::nanoseconds due);

  std::optional<ApiError> check_key(const Exchange& exchange) const;
  std::expected<ApiRequest, ApiError> read(const Exchange& exchange, Endpoint endpoint);
  Fate draw(const ApiRequest& request, std::uint64_t ordinal);
  std::optional<Refusal> admit(Exchange& exchange, const ApiRequest& request, std::int64_t produced);
  Script refuse(Exchange& exchange, const ApiRequest& request, const Refusal& refusal);
  Limiter& limiter_for(const Exchange& exchange, std::string_view model);
  std::uint64_t next_ordinal(std::uint64_t hash);
  static std::string response_headers(const Exchange& exchange, std::chrono::nanoseconds due);

  SimOptions options_;
  SimStats stats_;
  simdjson::dom::parser parser_;
  struct Seen {
    std::uint64_t count = 0;
    bool answered = false;  // well and in full
  };
  std::unordered_map<std::uint64_t, Seen> seen_;         // canonical requests
  std::unordered_map<std::uint64_t, Limiter> limiters_;  // by key and model
  std::uint64_t arrivals_ = 0;
  std::uint64_t admitted_ = 0;     // requests that no limit kept out
  std::uint64_t connections_ = 0;  // that asked for their read rate
};

}  // namespace xcs::sim
