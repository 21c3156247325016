#pragma once

#include <simdjson.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>

#include "sim/answer.h"
#include "sim/answer_source.h"
#include "sim/api_request.h"
#include "sim/books.h"
#include "sim/latency.h"
#include "sim/limiter.h"
#include "sim/sim_options.h"

namespace xcs::sim {

// Answers that are a pure function of the request, with latencies, faults and limits.
class Generator final : public AnswerSource {
 public:
  // Both stay in place for as long as this lives.
  Generator(const SimOptions& options, Books& books) : options_(options), books_(books) {}

  Script answer(const Arrival& arrival) override;
  void restart() override { admitted_ = 0; }

 private:
  struct Exchange;  // one request on its way to a script

  Script serve_models(Exchange& exchange);
  Script serve_api(Exchange& exchange, Endpoint endpoint);
  Script serve(Exchange& exchange, const ApiRequest& request);
  Script play(Exchange& exchange, const ApiRequest& request, std::span<const Answer> answers,
              const Fate& fate);
  static Script play_whole(Exchange& exchange, const ApiRequest& request, std::span<const Answer> answers,
                           const Fate& fate);
  static Script play_stream(Exchange& exchange, const ApiRequest& request, std::span<const Answer> answers,
                            const Fate& fate);

  std::optional<ApiError> check_key(const Exchange& exchange) const;
  std::expected<ApiRequest, ApiError> read(const Exchange& exchange, Endpoint endpoint);
  Fate draw(const ApiRequest& request, std::uint64_t ordinal);
  std::optional<Refusal> admit(Exchange& exchange, const ApiRequest& request, std::int64_t produced);
  Script refuse(Exchange& exchange, const ApiRequest& request, const Refusal& refusal);
  Limiter& limiter_for(const Exchange& exchange, std::string_view model);

  const SimOptions& options_;
  Books& books_;
  simdjson::dom::parser parser_;
  std::unordered_map<std::uint64_t, Limiter> limiters_;  // by key and model
  std::uint64_t admitted_ = 0;                           // requests that no limit kept out
};

}  // namespace xcs::sim
