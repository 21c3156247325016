#include "sim/sim_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sim/anthropic_format.h"
#include "sim/draw.h"
#include "sim/json_text.h"
#include "sim/limit_headers.h"
#include "sim/openai_format.h"

namespace xcs::sim {

namespace {

constexpr std::chrono::nanoseconds kAtOnce{0};

std::string_view presented_key(const HttpRequest& http) {
  if (!http.x_api_key.empty()) return http.x_api_key;
  constexpr std::string_view kScheme = "bearer ";
  if (!equals_ignoring_case(http.authorization.substr(0, kScheme.size()), kScheme)) return {};
  return http.authorization.substr(kScheme.size());
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

ApiError fault_error(Provider provider, Fault fault) {
  if (fault == Fault::kServerError) {
    return {500,
            provider == Provider::kOpenAi
                ? "The server had an error while processing your request. Sorry about that!"
                : "Internal server error",
            "", "", ""};
  }
  if (provider == Provider::kAnthropic) return {529, "Overloaded", "", "", ""};
  return {503, "The server is currently overloaded with other requests. Sorry about that!", "",
          "server_is_overloaded", ""};
}

ApiError limit_error(Provider provider, const Refusal& refusal, std::string_view model, std::int64_t limit) {
  const bool tokens = refusal.kind == LimitKind::kTokens;
  ApiError error{429, "", "", "", ""};
  if (provider == Provider::kAnthropic) {
    error.message = fmt::format("This request would exceed the rate limit of {} {} per minute for {}.", limit,
                                tokens ? "tokens" : "requests", model);
    return error;
  }
  error.type = tokens ? "tokens" : "requests";
  error.code = "rate_limit_exceeded";
  error.message = refusal.retry_after
                      ? fmt::format("Rate limit reached for {} on {}: Limit {}. Please try again in {}.",
                                    model, tokens ? "tokens per min (TPM)" : "requests per min (RPM)", limit,
                                    go_duration(*refusal.retry_after))
                      : fmt::format(
                            "Request too large for {} on tokens per min (TPM): Limit {}. The input or output "
                            "tokens must be reduced in order to run successfully.",
                            model, limit);
  return error;
}

ApiError concurrency_error(Provider provider, std::int64_t limit) {
  if (provider == Provider::kAnthropic) {
    return {429, fmt::format("Number of concurrent connections has exceeded your rate limit of {}.", limit),
            "", "", ""};
  }
  return {429, fmt::format("Too many requests in flight: Limit {}.", limit), "requests",
          "rate_limit_exceeded", ""};
}

// Where in `count` events a stream breaks off: after the first, before the last.
std::size_t break_point(std::size_t count, double position) {
  return 1 + static_cast<std::size_t>(static_cast<double>(count - 2) * position);
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
  if (path == "/v1/models" || path.starts_with("/v1/models/")) return serve_models(exchange, path);
  if (path == "/v1/chat/completions") return serve_api(exchange, Endpoint::kChatCompletions);
  if (path == "/v1/messages") return serve_api(exchange, Endpoint::kMessages);
  if (path == "/v1/embeddings") return serve_api(exchange, Endpoint::kEmbeddings);
  ++stats_.unknown_paths;
  const std::string where = is_ascii(path) ? std::string(path) : "a path that is not ASCII";
  return fail(exchange, {404, fmt::format("Invalid URL ({} {})", exchange.http.method, where), "", "", ""});
}

Script SimService::serve_stats(Exchange& exchange) {
  exchange.counted = false;
  if (exchange.http.method == "DELETE") {
    stats_.clear();
    seen_.clear();
  } else if (exchange.http.method != "GET") {
    return fail(exchange, {405, "The counters can be read with GET and cleared with DELETE.", "", "", ""});
  }
  return finish(exchange, 200, stats_json(stats_), kAtOnce);
}

Script SimService::serve_models(Exchange& exchange, std::string_view path) {
  ++stats_.models;
  if (auto error = check_key(exchange)) return fail(exchange, *error);
  if (exchange.http.method != "GET")
    return fail(exchange, {405, "Models can only be read, with GET.", "", "", ""});
  const bool anthropic = exchange.provider == Provider::kAnthropic;
  constexpr std::string_view kPrefix = "/v1/models/";
  if (path.size() <= kPrefix.size()) {
    return finish(exchange, 200, anthropic ? anthropic_model_list_body() : model_list_body(), kAtOnce);
  }
  const std::string_view id = path.substr(kPrefix.size());
  if (!is_ascii(id))
    return fail(exchange, {404, "The model does not exist.", "", "model_not_found", "model"});
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
    return fail(exchange, {405, fmt::format("Not allowed to {} here; use POST.", exchange.http.method), "",
                           "method_not_supported", ""});
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
    return ApiError{401, key.empty() ? "x-api-key header is required" : "invalid x-api-key", "", "", ""};
  }
  if (key.empty()) {
    return ApiError{401,
                    "You didn't provide an API key. Provide it in an Authorization header using Bearer auth "
                    "(i.e. Authorization: Bearer YOUR_KEY).",
                    "", "", ""};
  }
  return ApiError{401, "Incorrect API key provided.", "", "invalid_api_key", ""};
}

std::expected<ApiRequest, ApiError> SimService::read(const Exchange& exchange, Endpoint endpoint) {
  simdjson::dom::element body;
  const std::string_view text = exchange.http.body;
  if (const auto error = parser_.parse(text.data(), text.size()).get(body)) {
    const std::string_view what = exchange.provider == Provider::kOpenAi
                                      ? "We could not parse the JSON body of your request. "
                                      : "The request body is not valid JSON: ";
    return std::unexpected(
        ApiError{400, fmt::format("{}({})", what, simdjson::error_message(error)), "", "", ""});
  }
  switch (endpoint) {
    case Endpoint::kMessages:
      return read_message(body, exchange.http.anthropic_version);
    case Endpoint::kEmbeddings:
      return read_embedding(body);
    case Endpoint::kResponses:
    case Endpoint::kChatCompletions:
      break;
  }
  return read_chat_completion(body);
}

Script SimService::answer(Exchange& exchange, const ApiRequest& request) {
  const std::uint64_t ordinal = next_ordinal(request.hash);
  std::vector<Answer> answers;
  std::int64_t produced = 0;
  if (request.endpoint != Endpoint::kEmbeddings) {
    for (std::int64_t choice = 0; choice < request.choices; ++choice) {
      answers.push_back(make_answer(request, choice, options_.stateful ? arrivals_ : 0));
      produced += answers.back().tokens;
    }
  }
  const auto refused = admit(exchange, request, produced);
  if (refused) return fail(exchange, *refused);
  stats_.peak_in_flight = std::max(stats_.peak_in_flight, ++stats_.in_flight);
  const Fate fate = draw_fate(options_.weather, options_.seed, request.hash, ordinal);
  Script script;
  if (fate.fault == Fault::kBlackHole) {
    ++stats_.black_holes;
    script = black_hole();
  } else if (fate.fault == Fault::kServerError || fate.fault == Fault::kOverloaded) {
    script = fail(exchange, fault_error(exchange.provider, fate.fault), fate.first_byte);
  } else if (request.stream) {
    script = answer_stream(exchange, request, answers, fate);
  } else if (fate.fault == Fault::kReset) {
    ++stats_.resets;
    script = reset_after(fate.first_byte);
  } else {
    script = answer_ok(exchange, request, answers, fate);
  }
  script.in_flight = true;
  return script;
}

Script SimService::answer_ok(Exchange& exchange, const ApiRequest& request, std::span<const Answer> answers,
                             const Fate& fate) {
  std::int64_t tokens = 0;
  for (const Answer& answer : answers) tokens += answer.tokens;
  stats_.prompt_tokens += static_cast<std::uint64_t>(request.prompt_tokens);
  stats_.completion_tokens += static_cast<std::uint64_t>(tokens);
  const auto due = fate.first_byte + tokens * fate.per_token;
  switch (request.endpoint) {
    case Endpoint::kMessages:
      return finish(exchange, 200, message_body(request, answers.front()), due);
    case Endpoint::kEmbeddings:
      return finish(exchange, 200, embedding_body(request), due);
    case Endpoint::kResponses:
    case Endpoint::kChatCompletions:
      break;
  }
  return finish(exchange, 200, chat_completion_body(request, answers), due);
}

Script SimService::answer_stream(Exchange& exchange, const ApiRequest& request,
                                 std::span<const Answer> answers, const Fate& fate) {
  const bool messages = request.endpoint == Endpoint::kMessages;
  EventStream stream =
      messages ? message_stream(request, answers.front()) : chat_completion_stream(request, answers);
  for (const Answer& answer : answers) stats_.completion_tokens += static_cast<std::uint64_t>(answer.tokens);
  stats_.prompt_tokens += static_cast<std::uint64_t>(request.prompt_tokens);
  ++stats_.by_status[200];
  const ResponseHead head{200, "text/event-stream; charset=utf-8",
                          response_headers(exchange, fate.first_byte), exchange.http.keep_alive};
  if (fate.fault == Fault::kStreamError || fate.fault == Fault::kReset) {
    stream.truncate(break_point(stream.events().size(), fate.position));
  }
  if (fate.fault == Fault::kStreamError) {
    ++stats_.stream_errors;
    const ApiError error = fault_error(exchange.provider, Fault::kServerError);
    stream.add(messages ? "error" : "", error_body(exchange.provider, error, exchange.request_id),
               stream.events().back().tokens);
  }
  if (fate.fault != Fault::kReset) return streamed_response(head, stream, fate);
  ++stats_.resets;
  return torn_response(head, stream, fate);
}

// OpenAI reserves the most a request may produce; Anthropic looks at the input alone and charges what is
// produced.
std::optional<ApiError> SimService::admit(Exchange& exchange, const ApiRequest& request,
                                          std::int64_t produced) {
  const Limits& limits = options_.limits;
  if (limits.concurrency && stats_.in_flight >= static_cast<std::uint64_t>(*limits.concurrency)) {
    ++stats_.refused_concurrency;
    return concurrency_error(exchange.provider, *limits.concurrency);
  }
  if (!limits.any_rate()) return std::nullopt;
  const bool openai = exchange.provider == Provider::kOpenAi;
  const std::int64_t reserved = request.prompt_tokens + request.max_tokens.value_or(produced);
  const std::int64_t required = openai ? reserved : request.prompt_tokens;
  const std::int64_t charge = openai ? reserved : request.prompt_tokens + produced;
  Limiter& limiter = limiter_for(exchange, request.model);
  const auto refusal = limiter.admit(required, charge, exchange.now);
  exchange.extra_headers =
      limit_headers(exchange.provider, limiter, exchange.now, std::chrono::system_clock::now());
  if (!refusal) return std::nullopt;
  const bool tokens = refusal->kind == LimitKind::kTokens;
  ++(tokens ? stats_.refused_tokens : stats_.refused_requests);
  if (refusal->retry_after) exchange.extra_headers += retry_headers(exchange.provider, *refusal->retry_after);
  const Bucket& bucket = tokens ? *limiter.tokens() : *limiter.requests();
  return limit_error(exchange.provider, *refusal, request.model, bucket.per_minute());
}

Limiter& SimService::limiter_for(const Exchange& exchange, std::string_view model) {
  const std::uint64_t group = hash_bytes(model, hash_bytes(presented_key(exchange.http), 0));
  return limiters_.try_emplace(group, options_.limits, exchange.now).first->second;
}

std::uint64_t SimService::next_ordinal(std::uint64_t hash) {
  const std::uint64_t ordinal = seen_[hash]++;
  if (ordinal > 0) ++stats_.duplicates;
  return ordinal;
}

Script SimService::fail(Exchange& exchange, const ApiError& error, std::chrono::nanoseconds due) {
  return finish(exchange, error.status, error_body(exchange.provider, error, exchange.request_id), due);
}

Script SimService::finish(Exchange& exchange, int status, std::string_view body,
                          std::chrono::nanoseconds due) {
  if (exchange.counted) ++stats_.by_status[status];
  return whole_response(
      {status, "application/json", response_headers(exchange, due), exchange.http.keep_alive}, body, due);
}

std::string SimService::response_headers(const Exchange& exchange, std::chrono::nanoseconds due) const {
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

void SimService::end(bool complete) {
  --stats_.in_flight;
  if (!complete) ++stats_.abandoned;
}

}  // namespace xcs::sim
