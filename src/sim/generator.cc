#include "sim/generator.h"

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

constexpr std::chrono::milliseconds kFaultRetryAfter{50};

std::string_view presented_key(const HttpRequest& http) {
  if (!http.x_api_key.empty()) return http.x_api_key;
  constexpr std::string_view kScheme = "bearer ";
  if (!equals_ignoring_case(http.authorization.substr(0, kScheme.size()), kScheme)) return {};
  return http.authorization.substr(kScheme.size());
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

// What a machine between the client and the provider answers.
Script bad_gateway(const Arrival& arrival, std::chrono::nanoseconds due) {
  return whole_response(
      {502, "text/html", "", arrival.http.keep_alive},
      "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body>"
      "</html>\r\n",
      due);
}

std::chrono::nanoseconds stall_of(const Weather& weather) {
  return std::chrono::nanoseconds(static_cast<std::int64_t>(weather.stall_ms * 1e6));
}

}  // namespace

struct Generator::Exchange {
  const Arrival& arrival;
  std::string extra_headers = {};

  Provider provider() const { return arrival.provider; }
  Script reply(std::string body, std::chrono::nanoseconds due = {}) const {
    return json_reply(arrival, 200, std::move(body), due, extra_headers);
  }
  Script fail(const ApiError& error, std::chrono::nanoseconds due = {}) const {
    return error_reply(arrival, error, due, extra_headers);
  }
};

Script Generator::answer(const Arrival& arrival) {
  Exchange exchange{arrival};
  if (const auto endpoint = endpoint_of(arrival.path())) return serve_api(exchange, *endpoint);
  if (names_models(arrival.path())) return serve_models(exchange);
  const std::string_view path = arrival.path();
  const std::string where = is_ascii(path) ? std::string(path) : "a path that is not ASCII";
  return exchange.fail(
      {.status = 404, .message = fmt::format("Invalid URL ({} {})", arrival.http.method, where)});
}

Script Generator::serve_models(Exchange& exchange) {
  const std::string_view path = exchange.arrival.path();
  if (auto error = check_key(exchange)) return exchange.fail(*error);
  if (exchange.arrival.http.method != "GET")
    return exchange.fail({.status = 405, .message = "Models can only be read, with GET."});
  const bool anthropic = exchange.provider() == Provider::kAnthropic;
  constexpr std::string_view kPrefix = "/v1/models/";
  if (path.size() <= kPrefix.size()) {
    return exchange.reply(anthropic ? anthropic_model_list_body() : model_list_body());
  }
  const std::string_view id = path.substr(kPrefix.size());
  if (!is_ascii(id))
    return exchange.fail(
        {.status = 404, .message = "The model does not exist.", .code = "model_not_found", .param = "model"});
  return exchange.reply(anthropic ? anthropic_model_body(id) : model_body(id));
}

Script Generator::serve_api(Exchange& exchange, Endpoint endpoint) {
  if (exchange.arrival.http.method != "POST") {
    return exchange.fail(
        {.status = 405,
         .message = fmt::format("Not allowed to {} here; use POST.", exchange.arrival.http.method),
         .code = "method_not_supported"});
  }
  if (auto error = check_key(exchange)) return exchange.fail(*error);
  const auto request = read(exchange, endpoint);
  if (!request) return exchange.fail(request.error());
  return serve(exchange, *request);
}

std::optional<ApiError> Generator::check_key(const Exchange& exchange) const {
  if (!options_.api_key) return std::nullopt;
  const std::string_view key = presented_key(exchange.arrival.http);
  if (key == *options_.api_key) return std::nullopt;
  if (exchange.provider() == Provider::kAnthropic) {
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

std::expected<ApiRequest, ApiError> Generator::read(const Exchange& exchange, Endpoint endpoint) {
  simdjson::dom::element body;
  const std::string_view text = exchange.arrival.http.body;
  if (const auto error = parser_.parse(text.data(), text.size()).get(body)) {
    const std::string_view what = exchange.provider() == Provider::kOpenAi
                                      ? "We could not parse the JSON body of your request. "
                                      : "The request body is not valid JSON: ";
    return std::unexpected(
        ApiError{.status = 400, .message = fmt::format("{}({})", what, simdjson::error_message(error))});
  }
  switch (endpoint) {
    case Endpoint::kMessages:
      return read_message(body, exchange.arrival.http.anthropic_version);
    case Endpoint::kEmbeddings:
      return read_embedding(body);
    case Endpoint::kResponses:
      return read_response(body);
    case Endpoint::kChatCompletions:
      break;
  }
  return read_chat_completion(body);
}

Script Generator::serve(Exchange& exchange, const ApiRequest& request) {
  const std::uint64_t ordinal = books_.note(request.hash);
  const std::vector<Answer> answers = make_answers(request, options_.stateful ? exchange.arrival.number : 0);
  if (const auto refused = admit(exchange, request, total_tokens(answers)))
    return refuse(exchange, request, *refused);
  const Fate fate = draw(request, ordinal);
  ++books_.stats().of(fate.fault);
  Script script = play(exchange, request, answers, fate);
  books_.begin(script, request.hash);
  if (options_.limits.any_told() && script.head) {
    limiter_for(exchange, request.model).tell(exchange.arrival.now + script.steps.back().due);
  }
  return script;
}

// A fault that the prompt asks for goes before one by the order of arrival, and that before chance.
Fate Generator::draw(const ApiRequest& request, std::uint64_t ordinal) {
  Fate fate = draw_fate(options_.weather, options_.seed, request.hash, ordinal);
  const Fault scheduled = scheduled_fault(options_.faults, ++admitted_);
  if (scheduled != Fault::kNone) fate.fault = scheduled;
  const Fault scripted = scripted_fault(request.prompt, ordinal);
  if (scripted != Fault::kNone) fate.fault = scripted;
  if (fate.fault == Fault::kStreamError && !request.stream) fate.fault = Fault::kNone;
  return fate;
}

Script Generator::play(Exchange& exchange, const ApiRequest& request, std::span<const Answer> answers,
                       const Fate& fate) {
  if (const auto error = fault_error(exchange.provider(), fate.fault)) {
    if (fate.fault == Fault::kRateLimit)
      exchange.extra_headers += retry_headers(exchange.provider(), kFaultRetryAfter);
    return exchange.fail(*error, fate.first_byte);
  }
  if (fate.fault == Fault::kBadGateway) return bad_gateway(exchange.arrival, fate.first_byte);
  if (fate.fault == Fault::kBlackHole) return black_hole();
  if (fate.fault == Fault::kReset && !request.stream) return reset_after(fate.first_byte);
  books_.stats().prompt_tokens += static_cast<std::uint64_t>(request.prompt_tokens);
  books_.stats().completion_tokens += static_cast<std::uint64_t>(total_tokens(answers));
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

Script Generator::play_whole(Exchange& exchange, const ApiRequest& request, std::span<const Answer> answers,
                             const Fate& fate) {
  std::string body = answer_body(request, answers);
  if (fate.fault == Fault::kMalformed) {
    body.resize(static_cast<std::size_t>(static_cast<double>(body.size()) * fate.position));
  }
  return exchange.reply(std::move(body), fate.first_byte + total_tokens(answers) * fate.per_token);
}

Script Generator::play_stream(Exchange& exchange, const ApiRequest& request, std::span<const Answer> answers,
                              const Fate& fate) {
  EventStream stream = answer_events(request, answers);
  if (fate.fault == Fault::kStreamError || fate.fault == Fault::kMalformed) {
    stream.truncate(break_point(stream.events().size(), fate.position));
  }
  if (fate.fault == Fault::kStreamError)
    append_stream_error(stream, request.endpoint, exchange.arrival.request_id);
  if (fate.fault == Fault::kMalformed) stream.add("", R"({"id":)", stream.events().back().tokens);
  const ResponseHead head{200, "text/event-stream; charset=utf-8",
                          reply_headers(exchange.arrival, fate.first_byte, exchange.extra_headers),
                          exchange.arrival.http.keep_alive};
  return streamed_response(head, stream, fate);
}

// OpenAI reserves the most a request may produce; Anthropic looks at the input alone and charges what is
// produced.
std::optional<Refusal> Generator::admit(Exchange& exchange, const ApiRequest& request,
                                        std::int64_t produced) {
  const Limits& limits = options_.limits;
  if (limits.concurrency && books_.stats().in_flight >= static_cast<std::uint64_t>(*limits.concurrency)) {
    return Refusal{LimitKind::kConcurrency, *limits.concurrency, std::nullopt};
  }
  if (!limits.any_told() && !limits.requests_per_second && !limits.ramp_percent) return std::nullopt;
  const bool openai = exchange.provider() == Provider::kOpenAi;
  const std::int64_t reserved = request.max_tokens.value_or(produced);
  Limiter& limiter = limiter_for(exchange, request.model);
  const auto refusal = limiter.admit({.prompt = request.prompt_tokens,
                                      .required_output = openai ? reserved : 0,
                                      .charged_output = openai ? reserved : produced},
                                     exchange.arrival.now);
  exchange.extra_headers =
      limit_headers(exchange.provider(), limiter, exchange.arrival.now, std::chrono::system_clock::now());
  if (refusal && static_cast<std::size_t>(refusal->kind) < kToldKinds && limiter.told(exchange.arrival.now)) {
    ++books_.stats().refused_after_answer;
  }
  return refusal;
}

Script Generator::refuse(Exchange& exchange, const ApiRequest& request, const Refusal& refusal) {
  ++books_.stats().of(refusal.kind);
  if (refusal.retry_after) exchange.extra_headers += retry_headers(exchange.provider(), *refusal.retry_after);
  return exchange.fail(limit_error(exchange.provider(), refusal, request.model));
}

Limiter& Generator::limiter_for(const Exchange& exchange, std::string_view model) {
  const std::uint64_t group = hash_bytes(model, hash_bytes(presented_key(exchange.arrival.http), 0));
  return limiters_.try_emplace(group, options_.limits, exchange.arrival.now).first->second;
}

}  // namespace xcs::sim
