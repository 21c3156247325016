#include <fmt/format.h>

#include "sim/api_request.h"
#include "sim/request_fields.h"

namespace xcs::sim {

namespace {

namespace dom = simdjson::dom;

constexpr std::string_view kOldVersion = "2023-06-01";
constexpr std::string_view kNewVersion = "2026-10-21";

std::unexpected<ApiError> refuse(std::string message) {
  return std::unexpected(ApiError{.status = 400, .message = std::move(message)});
}

std::optional<ApiError> check_version(std::string_view version) {
  if (version.empty()) return refuse("anthropic-version: header is required").error();
  if (version == kOldVersion || version == kNewVersion) return std::nullopt;
  return refuse(fmt::format(R"(anthropic-version: "{}" is not a valid version)", version)).error();
}

// What version 2026-10-21 took away.
std::optional<ApiError> check_removed(dom::object body) {
  for (const std::string_view key : {"temperature", "top_p", "top_k"}) {
    dom::element value;
    if (body[key].get(value) == simdjson::SUCCESS) {
      return refuse(fmt::format("{}: sampling parameters are not supported in version {}", key, kNewVersion))
          .error();
    }
  }
  return std::nullopt;
}

bool has_citations(dom::object part) {
  const auto citations = find(part, "citations");
  dom::array list;
  return citations && citations->get(list) == simdjson::SUCCESS && list.size() > 0;
}

std::optional<ApiError> check_parts(dom::element content, std::string_view role, std::size_t index,
                                    bool newest) {
  dom::array parts;
  if (content.get(parts) != simdjson::SUCCESS) return std::nullopt;
  std::size_t place = 0;
  for (const dom::element part : parts) {
    const std::string path = fmt::format("messages.{}.content.{}", index, place++);
    dom::object object;
    std::string_view type;
    if (part.get(object) != simdjson::SUCCESS) return refuse(path + ": Input should be an object").error();
    const auto found = find(object, "type");
    if (!found || found->get(type) != simdjson::SUCCESS)
      return refuse(path + ".type: Field required").error();
    if (!newest) continue;
    if (role == "assistant" && type == "document") {
      return refuse(path + ": document blocks are not allowed in assistant messages").error();
    }
    if (role == "user" && type == "text" && has_citations(object)) {
      return refuse(path + ".citations: citations are not allowed on user text").error();
    }
  }
  return std::nullopt;
}

std::optional<ApiError> check_message(dom::element message, std::size_t index, bool newest) {
  const std::string path = fmt::format("messages.{}", index);
  dom::object object;
  std::string_view role;
  if (message.get(object) != simdjson::SUCCESS) return refuse(path + ": Input should be an object").error();
  const auto found = find(object, "role");
  if (!found || found->get(role) != simdjson::SUCCESS) return refuse(path + ".role: Field required").error();
  if (role != "user" && role != "assistant") {
    return refuse(fmt::format(R"(messages: Unexpected role "{}". Allowed roles are "user" or "assistant".{})",
                              role,
                              role == "system"
                                  ? " The Messages API takes the system prompt as the top-level `system` "
                                    "parameter."
                                  : ""))
        .error();
  }
  const auto content = find(object, "content");
  if (!content) return refuse(path + ".content: Field required").error();
  if (!content->is_string() && !content->is_array()) {
    return refuse(path + ".content: Input should be a valid string or list").error();
  }
  return check_parts(*content, role, index, newest);
}

std::expected<dom::array, ApiError> read_messages(dom::object body, bool newest) {
  const auto value = find(body, "messages");
  if (!value) return refuse("messages: Field required");
  dom::array messages;
  if (value->get(messages) != simdjson::SUCCESS) return refuse("messages: Input should be a valid list");
  if (messages.size() == 0) return refuse("messages: at least one message is required");
  std::size_t index = 0;
  for (const dom::element message : messages) {
    if (auto error = check_message(message, index++, newest)) return std::unexpected(*std::move(error));
  }
  return messages;
}

std::expected<std::int64_t, ApiError> read_max_tokens(dom::object body) {
  const auto value = find(body, "max_tokens");
  if (!value) return refuse("max_tokens: Field required");
  std::int64_t most = 0;
  if (value->get(most) != simdjson::SUCCESS) return refuse("max_tokens: Input should be a valid integer");
  if (most < 1) return refuse("max_tokens: Input should be greater than or equal to 1");
  return most;
}

}  // namespace

Parsed read_message(dom::element body, std::string_view version) {
  if (auto error = check_version(version)) return std::unexpected(*std::move(error));
  const bool newest = version == kNewVersion;
  dom::object object;
  if (body.get(object) != simdjson::SUCCESS) return refuse("Input should be a valid JSON object");
  ApiRequest request;
  request.endpoint = Endpoint::kMessages;
  const auto model = find(object, "model");
  if (!model) return refuse("model: Field required");
  if (model->get(request.model) != simdjson::SUCCESS) return refuse("model: Input should be a valid string");
  const auto most = read_max_tokens(object);
  if (!most) return std::unexpected(most.error());
  const auto messages = read_messages(object, newest);
  if (!messages) return std::unexpected(messages.error());
  if (newest) {
    if (auto error = check_removed(object)) return std::unexpected(*std::move(error));
  }
  request.hash = canonical_hash(body, request.endpoint);
  request.stream = flag_or(object, "stream", false);
  request.max_tokens = *most;
  request.prompt = last_user_text(*messages);
  request.prompt_tokens = count_tokens(text_size_at(object, "messages") + text_size_at(object, "system") +
                                       text_size_at(object, "tools"));
  request.stop = strings_at(object, "stop_sequences");
  return request;
}

}  // namespace xcs::sim
