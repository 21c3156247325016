#include "llm/wire_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "net/origin.h"

namespace xcs::llm {
namespace {

// The provider's words for "somebody has to pay first", in `type` or in `code`.
constexpr std::array<std::string_view, 10> kBillingReasons = {
    "billing_error",
    "billing_hard_limit_reached",
    "billing_not_active",
    "contract_spend_limit_reached",
    "credit_balance_exhausted",
    "enforced_spend_limit_reached",
    "insufficient_quota",
    "organization_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "project_spend_limit_exceeded",
};

struct Class {
  ErrorKind kind;
  std::string_view code;
  std::string_view sentence;  // follows the server's name
};

Class classify(int status, std::string_view type, std::string_view reason) {
  const auto is_billing = [](std::string_view word) { return std::ranges::count(kBillingReasons, word) > 0; };
  if (status == 402 || is_billing(type) || is_billing(reason)) {
    return {ErrorKind::kUsage, "llm.billing",
            "refuses to work until the account's billing or limits are settled"};
  }
  switch (status) {
    case 401:
      return {ErrorKind::kUsage, "llm.authentication", "does not accept the API key"};
    case 403:
      return {ErrorKind::kUsage, "llm.permission", "does not permit this request"};
    case 404:
      return {ErrorKind::kUsage, "llm.not_found", "does not know the model or the address"};
    case 408:
    case 504:
      return {ErrorKind::kTransient, "llm.timeout", "gave up on the request"};
    case 409:
      return {ErrorKind::kTransient, "llm.conflict", "reports a conflict"};
    case 429:
      return {ErrorKind::kTransient, "llm.rate_limit", "limits the rate of requests"};
    case 503:
    case 529:
      return {ErrorKind::kTransient, "llm.overloaded", "is overloaded"};
    default:
      break;
  }
  if (status >= 500) return {ErrorKind::kTransient, "llm.server", "failed"};
  return {ErrorKind::kUsage, "llm.bad_request", "refuses the request"};
}

// The status that an error would have had if it had come before the first byte of a stream.
int status_of_type(std::string_view type) {
  if (type == "authentication_error") return 401;
  if (type == "permission_error") return 403;
  if (type == "not_found_error") return 404;
  if (type == "rate_limit_error" || type == "rate_limit_exceeded") return 429;
  if (type == "overloaded_error" || type == "service_unavailable_error") return 529;
  if (type == "invalid_request_error") return 400;
  return 500;
}

std::string without(std::string text, std::string_view secret) {
  if (secret.empty()) return text;
  constexpr std::string_view kShown = "***";
  for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += kShown.size()) {
    text.replace(at, secret.size(), kShown);
  }
  return text;
}

std::string server_name(const WireRequest& request) { return to_string(net::origin_of(request.http.url)); }

// The key is taken out before anything is cut off, so that no part of it is left.
std::string first_bytes(const WireRequest& request, std::string_view text) {
  const std::string body = without(std::string(text), request.api_key);
  std::string shown;
  for (const char c : std::string_view(body).substr(0, 200))
    shown.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  while (!simdjson::validate_utf8(shown)) shown.pop_back();  // a character cut in half
  return body.size() > 200 ? shown + "..." : shown;
}

std::string what_to_check(const WireRequest& request, std::string_view code) {
  if (code != "llm.authentication") return "";
  return fmt::format("; {} api_key or {}", request.api_key.empty() ? "none was sent: set" : "check",
                     key_variable(request.provider));
}

Error describe(const WireRequest& request, int status, std::string_view type, std::string_view reason,
               std::string_view said) {
  const Class found = classify(status, type, reason);
  std::string message = fmt::format("{} {} (status {}{}{}){}", server_name(request), found.sentence, status,
                                    reason.empty() ? "" : ", ", reason, what_to_check(request, found.code));
  if (!said.empty()) message += fmt::format(": {}", first_bytes(request, said));
  return {.kind = found.kind,
          .code = std::string(found.code),
          .message = without(std::move(message), request.api_key),
          .http_status = status,
          .provider_reason = without(std::string(reason), request.api_key)};
}

std::string text_of_parts(Json parts) {
  std::string text;
  simdjson::dom::array array;
  if (parts.get(array) != simdjson::SUCCESS) return text;
  for (const Json part : array) {
    if (find_string(part, {"type"}) == "text") text += find_string(part, {"text"}).value_or("");
  }
  return text;
}

// Calls f for each element of the array at `name`, if there is one.
template <class F>
void for_each(Json object, std::string_view name, F f) {
  simdjson::dom::array array;
  const std::optional<Json> found = find(object, {name});
  if (!found || found->get(array) != simdjson::SUCCESS) return;
  for (const Json element : array) f(element);
}

std::optional<ChatAnswer> read_openai(Json root) {
  const std::optional<Json> choices = find(root, {"choices"});
  Json choice;
  if (!choices || !choices->is_array() || choices->at(0).get(choice) != simdjson::SUCCESS)
    return std::nullopt;
  const std::optional<Json> message = find(choice, {"message"});
  if (!message || !message->is_object()) return std::nullopt;
  ChatAnswer answer;
  if (const std::optional<Json> content = find(*message, {"content"}); content && content->is_array()) {
    answer.text = text_of_parts(*content);
  } else if (content && content->is_string()) {
    answer.text = find_string(*message, {"content"}).value_or("");
  } else {
    answer.text = find_string(*message, {"refusal"}).value_or("");
  }
  answer.finish_reason = find_string(choice, {"finish_reason"}).value_or("");
  for_each(*message, "tool_calls", [&](Json call) {
    answer.tool_calls.push_back(
        {.id = std::string(find_string(call, {"id"}).value_or("")),
         .name = std::string(find_string(call, {"function", "name"}).value_or("")),
         .arguments = std::string(find_string(call, {"function", "arguments"}).value_or(""))});
  });
  return answer;
}

// A list of numbers; empty when it is none.
std::vector<double> read_vector(Json embedding) {
  std::vector<double> vector;
  simdjson::dom::array numbers;
  if (embedding.get(numbers) != simdjson::SUCCESS) return vector;
  for (const Json number : numbers) {
    double value = 0;
    if (number.get(value) != simdjson::SUCCESS) return {};
    vector.push_back(value);
  }
  return vector;
}

void read_output_item(Json item, ChatAnswer& answer) {
  const std::string_view type = find_string(item, {"type"}).value_or("");
  if (type == "function_call") {
    answer.tool_calls.push_back({.id = std::string(find_string(item, {"call_id"}).value_or("")),
                                 .name = std::string(find_string(item, {"name"}).value_or("")),
                                 .arguments = std::string(find_string(item, {"arguments"}).value_or(""))});
  } else if (type == "message") {
    for_each(item, "content", [&](Json part) {
      const bool text = find_string(part, {"type"}) == "output_text";
      answer.text += find_string(part, {text ? "text" : "refusal"}).value_or("");
    });
  }
}

std::optional<ChatAnswer> read_anthropic(Json root) {
  const std::optional<Json> content = find(root, {"content"});
  if (!content || !content->is_array()) return std::nullopt;
  ChatAnswer answer;
  answer.text = text_of_parts(*content);
  answer.finish_reason = find_string(root, {"stop_reason"}).value_or("");
  for_each(root, "content", [&](Json block) {
    if (find_string(block, {"type"}) != "tool_use") return;
    const std::optional<Json> input = find(block, {"input"});
    answer.tool_calls.push_back({.id = std::string(find_string(block, {"id"}).value_or("")),
                                 .name = std::string(find_string(block, {"name"}).value_or("")),
                                 .arguments = input ? simdjson::minify(*input) : "{}"});
  });
  return answer;
}

}  // namespace

// The vectors by their index; nothing when one is missing.
std::optional<ChatAnswer> read_embeddings(Json root) {
  simdjson::dom::array data;
  const std::optional<Json> found = find(root, {"data"});
  if (!found || found->get(data) != simdjson::SUCCESS) return std::nullopt;
  ChatAnswer answer;
  answer.vectors.resize(data.size());
  for (const Json item : data) {
    const auto index = static_cast<std::size_t>(find_integer(item, {"index"}).value_or(-1));
    const std::optional<Json> embedding = find(item, {"embedding"});
    if (index >= answer.vectors.size() || !embedding) return std::nullopt;
    answer.vectors[index] = read_vector(*embedding);
  }
  for (const auto& vector : answer.vectors)
    if (vector.empty()) return std::nullopt;
  return answer;
}

std::optional<ChatAnswer> read_responses(Json root) {
  const std::optional<Json> output = find(root, {"output"});
  if (!output || !output->is_array()) return std::nullopt;
  ChatAnswer answer;
  for_each(root, "output", [&](Json item) { read_output_item(item, answer); });
  const std::string_view status = find_string(root, {"status"}).value_or("");
  answer.finish_reason = find_string(root, {"incomplete_details", "reason"}).value_or(status);
  return answer;
}

std::string_view request_id_of(const net::Headers& headers) {
  if (const auto id = headers.find("x-request-id")) return *id;
  return headers.find("request-id").value_or("");
}

void read_usage(Provider provider, Json object, Usage& usage) {
  const auto read = [&](std::int64_t& field, std::initializer_list<std::string_view> path) {
    field = find_integer(object, path).value_or(field);
  };
  if (provider == Provider::kAnthropic) {
    read(usage.input_tokens, {"input_tokens"});
    read(usage.output_tokens, {"output_tokens"});
    read(usage.cached_input_tokens, {"cache_read_input_tokens"});
    read(usage.reasoning_tokens, {"output_tokens_details", "thinking_tokens"});
    read(usage.cache_write_tokens, {"cache_creation_input_tokens"});
  } else if (provider == Provider::kResponses) {
    read(usage.input_tokens, {"input_tokens"});
    read(usage.output_tokens, {"output_tokens"});
    read(usage.cached_input_tokens, {"input_tokens_details", "cached_tokens"});
    read(usage.cache_write_tokens, {"input_tokens_details", "cache_write_tokens"});
    read(usage.reasoning_tokens, {"output_tokens_details", "reasoning_tokens"});
  } else {
    read(usage.cache_write_tokens, {"prompt_tokens_details", "cache_write_tokens"});
    read(usage.input_tokens, {"prompt_tokens"});
    read(usage.output_tokens, {"completion_tokens"});
    read(usage.cached_input_tokens, {"prompt_tokens_details", "cached_tokens"});
    read(usage.reasoning_tokens, {"completion_tokens_details", "reasoning_tokens"});
  }
}

Error malformed(const WireRequest& request, int status, std::string_view what, std::string_view body) {
  const std::string shown = body.empty() ? "an empty body" : first_bytes(request, body);
  return {.kind = ErrorKind::kTransient,
          .code = "llm.malformed",
          .message = without(fmt::format("the answer of {} {}: {}", server_name(request), what, shown),
                             request.api_key),
          .http_status = status};
}

Error unreadable(const WireRequest& request, int status, simdjson::error_code why, std::string_view text) {
  if (why == simdjson::DEPTH_ERROR)
    return malformed(request, status, "is nested too deeply to be read", text);
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  const bool began = begin == std::string_view::npos || text[begin] == '{';
  if (why == simdjson::SUCCESS || !began) return malformed(request, status, "is not a JSON object", text);
  Error error = malformed(request, status, "breaks off or is damaged", text);
  error.code = "llm.truncated";
  return error;
}

Error to_error(const WireRequest& request, int status, Json object, std::string_view request_id) {
  const std::string_view type = find_string(object, {"type"}).value_or("");
  std::string_view reason = find_string(object, {"details", "error_code"}).value_or("");
  if (reason.empty()) reason = find_string(object, {"code"}).value_or(type);
  const int meant = status / 100 == 2 ? status_of_type(type) : status;
  Error error = describe(request, meant, type, reason, find_string(object, {"message"}).value_or(""));
  error.http_status = status;
  error.request_id = request_id;
  return error;
}

Result<ChatAnswer> to_answer(const WireRequest& request, const net::Response& response) {
  simdjson::dom::parser parser = json_parser(response.body.size());
  Json root;
  const std::string_view request_id = request_id_of(response.headers);
  const simdjson::error_code why = parser.parse(response.body).get(root);
  const bool parsed = why == simdjson::SUCCESS && root.is_object();
  const std::optional<Json> object = parsed ? find(root, {"error"}) : std::nullopt;
  if (object && object->is_object())
    return std::unexpected(to_error(request, response.status, *object, request_id));
  if (response.status / 100 != 2) {
    Error error = describe(request, response.status, "", "", response.body);
    error.request_id = request_id;
    return std::unexpected(std::move(error));
  }
  if (!parsed) return std::unexpected(unreadable(request, response.status, why, response.body));
  std::optional<ChatAnswer> answer = request.provider == Provider::kEmbeddings  ? read_embeddings(root)
                                     : request.provider == Provider::kAnthropic ? read_anthropic(root)
                                     : request.provider == Provider::kResponses ? read_responses(root)
                                                                                : read_openai(root);
  if (!answer) {
    return std::unexpected(malformed(request, response.status, "holds no message", response.body));
  }
  if (const std::optional<Json> usage = find(root, {"usage"}))
    read_usage(request.provider, *usage, answer->usage);
  answer->id = find_string(root, {"id"}).value_or("");
  answer->model = find_string(root, {"model"}).value_or("");
  answer->request_id = request_id;
  return *std::move(answer);
}

}  // namespace xcs::llm
