#include "sim/sim_service.h"

#include <utility>

#include "sim/draw.h"
#include "sim/generator.h"
#include "sim/json_text.h"
#include "sim/recorder.h"
#include "sim/recording.h"
#include "sim/replay.h"

namespace xcs::sim {

Result<std::unique_ptr<SimService>> SimService::make(SimOptions options) {
  std::unique_ptr<SimService> service(new SimService(std::move(options)));
  if (Result<void> opened = service->open_source(); !opened) return std::unexpected(opened.error());
  return service;
}

Result<void> SimService::open_source() {
  if (options_.record) {
    auto recorder = Recorder::open(*options_.record, options_.upstream, books_, warnings_);
    if (!recorder) return std::unexpected(recorder.error());
    source_ = *std::move(recorder);
  } else if (options_.replay) {
    auto recording = read_recording(*options_.replay);
    if (!recording) return std::unexpected(recording.error());
    if (!recording->warning.empty()) warnings_.push_back(recording->warning);
    source_ =
        std::make_unique<Replay>(*options_.replay, std::move(recording->exchanges), options_.speed, books_);
  } else {
    source_ = std::make_unique<Generator>(options_, books_);
  }
  return {};
}

Script SimService::handle(const HttpRequest& request, TimePoint now) {
  ++arrivals_;
  const bool anthropic = request.target.starts_with("/v1/messages") || !request.anthropic_version.empty();
  Arrival arrival{request, now, arrivals_, anthropic ? Provider::kAnthropic : Provider::kOpenAi, "req_"};
  append_hex(arrival.request_id, mix(options_.seed + arrivals_));
  if (arrival.path() == "/sim/stats") return serve_stats(arrival);
  count(arrival);
  Script script = source_->answer(arrival);
  if (script.head) ++stats().by_status[script.head->status];
  return script;
}

void SimService::count(const Arrival& arrival) {
  SimStats& counters = stats();
  ++counters.requests;
  if (arrival.http.http2) ++counters.http2_requests;
  if (names_models(arrival.path())) {
    ++counters.models;
    return;
  }
  const auto endpoint = endpoint_of(arrival.path());
  if (!endpoint) {
    ++counters.unknown_paths;
    return;
  }
  switch (*endpoint) {
    case Endpoint::kChatCompletions:
      ++counters.chat_completions;
      break;
    case Endpoint::kResponses:
      ++counters.responses;
      break;
    case Endpoint::kMessages:
      ++counters.messages;
      break;
    case Endpoint::kEmbeddings:
      ++counters.embeddings;
      break;
  }
}

Script SimService::serve_stats(const Arrival& arrival) {
  if (arrival.http.method == "DELETE") {
    books_.clear();
    source_->restart();
  } else if (arrival.http.method != "GET") {
    return error_reply(
        arrival, {.status = 405, .message = "The counters can be read with GET and cleared with DELETE."});
  }
  return json_reply(arrival, 200, stats_json(stats()));
}

Script SimService::refuse(int status, std::string_view reason) {
  ++stats().requests;
  ++stats().by_status[status];
  const ApiError error{status, std::string(reason), "", "", ""};
  return whole_response({status, "application/json", "", false}, error_body(Provider::kOpenAi, error, ""),
                        {});
}

void SimService::end(const Script& script, bool complete) {
  books_.end(script, complete);
  if (script.feed) script.feed->abandoned = true;
}

std::optional<double> SimService::next_read_rate() {
  const Weather& weather = options_.weather;
  if (weather.slow_read_rate == 0) return std::nullopt;
  Draw draw(mix(options_.seed) + ++connections_);
  if (!draw.chance(weather.slow_read_rate)) return std::nullopt;
  ++stats().connections_slow;
  return weather.slow_read_bytes;
}

}  // namespace xcs::sim
