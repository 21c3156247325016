#include "sim/sim_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sim/anthropic_format.h"
#include "sim/api_format.h"
#include "sim/draw.h"
#include "sim/json_text.h"
#include "sim/limit_report.h"
#include "sim/openai_format.h"

namespace xcs::sim {

namespace {

constexpr std::chrono::nanoseconds kAtOnce{0};
constexpr std::chrono::milliseconds kFaultRetryAfter{50};

std::string_view presented_key(const HttpRequest& http) {
  if (!http.x_api_key.empty()) return http.x_api_key;
  constexpr std::string_view scheme = "bearer ";
  if (!equals_ignoring_case(http.authorization.substr(0, scheme.size()), scheme)) return {};
  return http.authorization.substr(scheme.size());
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Where in `count` events a stream breaks off: after the first, before the last.
std::size_t break_point(std::size_t count, double position) {
  return 1 + static_cast<std::size_t>(static_cast<double>(count - 2) * position);
}

std::vector<Answer> make_answers(const ApiRequest& request, std::uint64_t salt) {
  std::vector<Answer> answers;
  if (request.endpoint == Endpoint::kEmbeddings) return answers;
  for (std::int64_t choice = 0; choice < request.choices; ++choice) {
    answers.push_back(make_answer(request, choice, salt));
  }
  return answers;
}

std::chrono::nanoseconds stall_of(const Weather& weather) {
  return std::chrono::nanoseconds(static_cast<std::int64_t>(weather.stall_ms * 1e6));
}

}  // namespace

struct SimService::Exchange {
  const HttpRequest& http;
  TimePoint now;
  Provider provider;
  std::string request_id;
  std::string extra_headers;
  bool counted = true;
};

SimService::SimService(SimOptions options) : options_(std::move(options)) {}

Script SimService::handle(const HttpRequest& request, TimePoint now) {
  ++arrivals_;
  const bool anthropic = request.target.starts_with("/v1/messages") || !request.anthropic_version.empty();
  Exchange exchange{request, now, anthropic ? Provider::kAnthropic : Provider::kOpenAi, "req_", "", true};
  append_hex(exchange.request_id, mix(options_.seed + arrivals_));
  return route(exchange);
}

Script SimService::route(Exchange& exchange) {
  const std::string_view path = exchange.http.target.substr(0, exchange.http.target.find('?'));
  if (path == "/sim/stats") return serve_stats(exchange);
  ++stats_.requests;
  if (exchange.http.http2) ++stats_.http2_requests;
  if (path == "/v1/models" || path.starts_with("/v1/models/")) return serve_models(exchange, path);
  if (path == "/v1/chat/completions") return serve_api(exchange, Endpoint::kChatCompletions);
  if (path == "/v1/messages") return serve_api(exchange, Endpoint::kMessages);
  if (path == "/v1/responses") return serve_api(exchange, Endpoint::kResponses);
  if (path == "/v1/embeddings") return serve_api(exchange, Endpoint::kEmbeddings);
  ++stats_.unknown_paths;
  const std::string where = is_ascii(path) ? std::string(path) : "a path that is not ASCII";
  return fail(exchange,
              {.status = 404, .message = fmt::format("Invalid URL ({} {})", exchange.http.method, where)});
}

Script SimService::serve_stats(Exchange& exchange) {
  exchange.counted = false;
  if (exchange.http.method == "DELETE") {
    stats_.clear();
    seen_.clear();
    admitted_ = 0;
  } else if (exchange.http.method != "GET") {
    return fail(exchange,
                {.status = 405, .message = "The counters can be read with GET and cleared with DELETE."});
  }
  return finish(exchange, 200, stats_json(stats_), kAtOnce);
}

Script SimService::serve_models(Exchange& exchange, std::string_view path) {
  ++stats_.models;
  if (auto error = check_key(exchange)) return fail(exchange, *error);
  if (exchange.http.method != "GET")
    return fail(exchange, {.status = 405, .message = "Models can only be read, with GET."});
  const bool anthropic = exchange.provider == Provider::kAnthropic;
  constexpr std::string_view prefix = "/v1/models/";
  if (path.size() <= prefix.size()) {
    return finish(exchange, 200, anthropic ? anthropic_model_list_body() : model_list_body(), kAtOnce);
  }
  const std::string_view id = path.substr(prefix.size());
  if (!is_ascii(id))
    return fail(
        exchange,
        {.status = 404, .message = "The model does not exist.", .code = "model_not_found", .param = "model"});
  return finish(exchange, 200, anthropic ? anthropic_model_body(id) : model_body(id), kAtOnce);
}

Script SimService::serve_api(Exchange& exchange, Endpoint endpoint) {
  switch (endpoint) {
    case Endpoint::kChatCompletions:
      ++stats_.chat_completions;
      break;
    case Endpoint::kResponses:
      ++stats_.responses;
      break;
    case Endpoint::kMessages:
      ++stats_.messages;
      break;
    case Endpoint::kEmbeddings:
      ++stats_.embeddings;
      break;
  }
  if (exchange.http.method != "POST") {
    return fail(exchange, {.status = 405,
                           .message = fmt::format("Not allowed to {} here; use POST.", exchange.http.method),
                           .code = "method_not_supported"});
  }
  if (auto error = check_key(exchange)) return fail(exchange, *error);
  const auto request = read(exchange, endpoint);
  if (!request) return fail(exchange, request.error());
  return answer(exchange, *request);
}

std::optional<ApiError> SimService::check_key(const Exchange& exchange) const {
  if (!options_.api_key) return std::nullopt;
  const std::string_view key = presented_key(exchange.http);
  if (key == *options_.api_key) return std::nullopt;
  if (exchange.provider == Provider::kAnthropic) {
    return ApiError{.status = 401,
                    .message = key.empty() ? "x-api-key header is required" : "invalid x-api-key"};
  }
  if (key.empty()) {
    return ApiError{
        .status = 401,
        .message =
            "You didn't provide an API key. Provide it in an Authorization header using Bearer auth "
            "(i.e. Authorization: Bearer YOUR_KEY)."};
  }
  return ApiError{.status = 401, .message = "Incorrect API key provided.", .code = "invalid_api_key"};
}

std::expected<ApiRequest, ApiError> SimService::read(const Exchange& exchange, Endpoint endpoint) {
  simdjson::dom::element body;
  const std::string_view text = exchange.http.body;
  if (const auto error = parser_.parse(text.data(), text.size()).get(body)) {
    const std::string_view what = exchange.provider == Provider::kOpenAi
                                      ? "We could not parse the JSON body of your request. "
                                      : "The request body is not valid JSON: ";
    return std::unexpected(
        ApiError{.status = 400, .message = fmt::format("{}({})", what, simdjson::error_message(error))});
  }
  switch (endpoint) {
    case Endpoint::kMessages:
      return read_message(body, exchange.http.anthropic_version);
    case Endpoint::kEmbeddings:
      return read_embedding(body);
    case Endpoint::kResponses:
      return read_response(body);
    case Endpoint::kChatCompletions:
      break;
  }
  return read_chat_completion(body);
}

Script SimService::answer(Exchange& exchange, const ApiRequest& request) {
  const std::uint64_t ordinal = next_ordinal(request.hash);
  const std::vector<Answer> answers = make_answers(request, options_.stateful ? arrivals_ : 0);
  if (const auto refused = admit(exchange, request, total_tokens(answers)))
    return refuse(exchange, request, *refused);
  stats_.peak_in_flight = std::max(stats_.peak_in_flight, ++stats_.in_flight);
  const Fate fate = draw(request, ordinal);
  ++stats_.of(fate.fault);
  Script script = play(exchange, request, answers, fate);
  script.in_flight = true;
  script.hash = request.hash;
  if (options_.limits.any_told() && script.head) {
    limiter_for(exchange, request.model).tell(exchange.now + script.steps.back().due);
  }
  return script;
}

// A fault that the prompt asks for goes before one by the order of arrival, and that before chance.
Fate SimService::draw(const ApiRequest& request, std::uint64_t ordinal) {
  Fate fate = draw_fate(options_.weather, options_.seed, request.hash, ordinal);
  const Fault scheduled = scheduled_fault(options_.faults, ++admitted_);
  if (scheduled != Fault::kNone) fate.fault = scheduled;
  const Fault scripted = scripted_fault(request.prompt, ordinal);
  if (scripted != Fault::kNone) fate.fault = scripted;
  if (fate.fault == Fault::kStreamError && !request.stream) fate.fault = Fault::kNone;
  return fate;
}

Script SimService::play(Exchange& exchange, const ApiRequest& request, std::span<const Answer> answers,
                        const Fate& fate) {
  if (const auto error = fault_error(exchange.provider, fate.fault)) {
    if (fate.fault == Fault::kRateLimit)
      exchange.extra_headers += retry_headers(exchange.provider, kFaultRetryAfter);
    return fail(exchange, *error, fate.first_byte);
  }
  if (fate.fault == Fault::kBadGateway) return fail_with_page(exchange, 502, fate.first_byte);
  if (fate.fault == Fault::kBlackHole) return black_hole();
  if (fate.fault == Fault::kReset && !request.stream) return reset_after(fate.first_byte);
  stats_.prompt_tokens += static_cast<std::uint64_t>(request.prompt_tokens);
  stats_.completion_tokens += static_cast<std::uint64_t>(total_tokens(answers));
  Script script = request.stream ? play_stream(exchange, request, answers, fate)
                                 : play_whole(exchange, request, answers, fate);
  script.good = fate.fault != Fault::kMalformed && fate.fault != Fault::kStreamError;
  switch (fate.fault) {
    case Fault::kReset:
      return cut(std::move(script), fate.position, Ending::kReset);
    case Fault::kTruncated:
      return cut(std::move(script), fate.position, Ending::kClose);
    case Fault::kStall:
      return stalled(std::move(script), fate.position, stall_of(options_.weather));
    case Fault::kLate:
      return delayed(std::move(script), stall_of(options_.weather));
    case Fault::kTrickle:
      return trickled(std::move(script), stall_of(options_.weather));
    default:
      return script;
  }
}

Script SimService::play_whole(Exchange& exchange, const ApiRequest& request, std::span<const Answer> answers,
                              const Fate& fate) {
  std::string body = answer_body(request, answers);
  if (fate.fault == Fault::kMalformed) {
    body.resize(static_cast<std::size_t>(static_cast<double>(body.size()) * fate.position));
  }
  return finish(exchange, 200, std::move(body), fate.first_byte + total_tokens(answers) * fate.per_token);
}

Script SimService::play_stream(Exchange& exchange, const ApiRequest& request, std::span<const Answer> answers,
                               const Fate& fate) {
  EventStream stream = answer_events(request, answers);
  if (fate.fault == Fault::kStreamError || fate.fault == Fault::kMalformed) {
    stream.truncate(break_point(stream.events().size(), fate.position));
  }
  if (fate.fault == Fault::kStreamError) append_stream_error(stream, request.endpoint, exchange.request_id);
  if (fate.fault == Fault::kMalformed) stream.add("", R"({"id":)", stream.events().back().tokens);
  ++stats_.by_status[200];
  const ResponseHead head{200, "text/event-stream; charset=utf-8",
                          response_headers(exchange, fate.first_byte), exchange.http.keep_alive};
  return streamed_response(head, stream, fate);
}

// OpenAI reserves the most a request may produce; Anthropic looks at the input alone and charges what is
// produced.
std::optional<Refusal> SimService::admit(Exchange& exchange, const ApiRequest& request,
                                         std::int64_t produced) {
  const Limits& limits = options_.limits;
  if (limits.concurrency && stats_.in_flight >= static_cast<std::uint64_t>(*limits.concurrency)) {
    return Refusal{LimitKind::kConcurrency, *limits.concurrency, std::nullopt};
  }
  if (!limits.any_told() && !limits.requests_per_second && !limits.ramp_percent) return std::nullopt;
  const bool openai = exchange.provider == Provider::kOpenAi;
  const std::int64_t reserved = request.max_tokens.value_or(produced);
  Limiter& limiter = limiter_for(exchange, request.model);
  const auto refusal = limiter.admit({.prompt = request.prompt_tokens,
                                      .required_output = openai ? reserved : 0,
                                      .charged_output = openai ? reserved : produced},
                                     exchange.now);
  exchange.extra_headers =
      limit_headers(exchange.provider, limiter, exchange.now, std::chrono::system_clock::now());
  if (refusal && static_cast<std::size_t>(refusal->kind) < kToldKinds && limiter.told(exchange.now)) {
    ++stats_.refused_after_answer;
  }
  return refusal;
}

Script SimService::refuse(Exchange& exchange, const ApiRequest& request, const Refusal& refusal) {
  ++stats_.of(refusal.kind);
  if (refusal.retry_after) exchange.extra_headers += retry_headers(exchange.provider, *refusal.retry_after);
  return fail(exchange, limit_error(exchange.provider, refusal, request.model));
}

Limiter& SimService::limiter_for(const Exchange& exchange, std::string_view model) {
  const std::uint64_t group = hash_bytes(model, hash_bytes(presented_key(exchange.http), 0));
  return limiters_.try_emplace(group, options_.limits, exchange.now).first->second;
}

std::uint64_t SimService::next_ordinal(std::uint64_t hash) {
  Seen& seen = seen_[hash];
  if (seen.count > 0) ++stats_.duplicates;
  if (seen.answered) ++stats_.repeats;
  return seen.count++;
}

Script SimService::fail(Exchange& exchange, const ApiError& error, std::chrono::nanoseconds due) {
  return finish(exchange, error.status, error_body(exchange.provider, error, exchange.request_id), due);
}

// What a machine between the client and the provider answers.
Script SimService::fail_with_page(Exchange& exchange, int status, std::chrono::nanoseconds due) {
  ++stats_.by_status[status];
  const ResponseHead head{status, "text/html", "", exchange.http.keep_alive};
  return whole_response(
      head,
      fmt::format(
          "<html><head><title>{0} Bad Gateway</title></head><body><h1>{0} Bad Gateway</h1></body></html>\r\n",
          status),
      due);
}

Script SimService::finish(Exchange& exchange, int status, std::string body, std::chrono::nanoseconds due) {
  if (exchange.counted) ++stats_.by_status[status];
  return whole_response(
      {status, "application/json", response_headers(exchange, due), exchange.http.keep_alive},
      std::move(body), due);
}

std::string SimService::response_headers(const Exchange& exchange, std::chrono::nanoseconds due) {
  std::string out;
  if (exchange.provider == Provider::kAnthropic) {
    out += "request-id: ";
    out += exchange.request_id;
  } else {
    out += "x-request-id: ";
    out += exchange.request_id;
    out += "\r\nopenai-version: 2020-10-01\r\nopenai-processing-ms: ";
    append_number(out, std::chrono::duration_cast<std::chrono::milliseconds>(due).count());
  }
  out += "\r\n";
  out += exchange.extra_headers;
  return out;
}

Script SimService::refuse(int status, std::string_view reason) {
  ++stats_.requests;
  ++stats_.by_status[status];
  const ApiError error{status, std::string(reason), "", "", ""};
  return whole_response({status, "application/json", "", false}, error_body(Provider::kOpenAi, error, ""),
                        kAtOnce);
}

void SimService::end(const Script& script, bool complete) {
  if (!script.in_flight) return;
  --stats_.in_flight;
  if (!complete) ++stats_.abandoned;
  const bool well = complete && script.good && script.whole;
  if (well) seen_[script.hash].answered = true;
}

std::optional<double> SimService::next_read_rate() {
  const Weather& weather = options_.weather;
  if (weather.slow_read_rate == 0) return std::nullopt;
  Draw draw(mix(options_.seed) + ++connections_);
  if (!draw.chance(weather.slow_read_rate)) return std::nullopt;
  ++stats_.connections_slow;
  return weather.slow_read_bytes;
}

}  // namespace xcs::sim
