#include "llm/wire_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "base/environment.h"
#include "llm/json.h"
#include "llm/wire_messages.h"

namespace xcs::llm {
namespace {

constexpr int kAnthropicMaxTokens = 4096;
constexpr std::string_view kAnthropicVersion = "2023-06-01";
// From this version on there are no sampling parameters, and keys are sent as bearers of them do.
constexpr std::string_view kWithoutSampling = "2026-10-21";

struct ProviderFacts {
  std::string_view public_address;
  std::string_view host;  // of the public address
  std::string_view root;  // where the API is at an address without a path
  std::string_view path;
  std::string_view key_variable;
  std::string_view address_variable;
};

constexpr ProviderFacts kOpenAi = {"https://api.openai.com/v1", "api.openai.com", "/v1",
                                   "/chat/completions",         "OPENAI_API_KEY", "OPENAI_BASE_URL"};
constexpr ProviderFacts kAnthropic = {"https://api.anthropic.com", "api.anthropic.com", "", "/v1/messages",
                                      "ANTHROPIC_API_KEY",         "ANTHROPIC_BASE_URL"};

constexpr ProviderFacts kResponses = {
    "https://api.openai.com/v1", "api.openai.com", "/v1", "/responses", "OPENAI_API_KEY", "OPENAI_BASE_URL"};

constexpr ProviderFacts kEmbeddings = {
    "https://api.openai.com/v1", "api.openai.com", "/v1", "/embeddings", "OPENAI_API_KEY", "OPENAI_BASE_URL"};

const ProviderFacts& facts_of(Provider provider) {
  if (provider == Provider::kEmbeddings) return kEmbeddings;
  if (provider == Provider::kResponses) return kResponses;
  return provider == Provider::kAnthropic ? kAnthropic : kOpenAi;
}

bool is_azure(std::string_view address) { return address.contains(".azure.com"); }

// The path goes before the query that an address may have, as Azure's do.
std::string with_path(std::string_view address, std::string_view path) {
  const std::size_t query = std::min(address.find('?'), address.size());
  std::string_view before = address.substr(0, query);
  while (before.ends_with('/')) before.remove_suffix(1);
  return fmt::format("{}{}{}", before, path, address.substr(query));
}

// How many tokens the answers to a request with this body may have together, if it says so; `most` where the
// body does not, negative for no bound.
std::optional<double> max_output_in(std::optional<Json> body, Provider provider, std::int64_t most) {
  if (provider == Provider::kEmbeddings) return 0;
  std::int64_t choices = 1;
  if (body) {
    for (const std::string_view name : {"max_tokens", "max_output_tokens", "max_completion_tokens"})
      most = find_integer(*body, {name}).value_or(most);
    choices = std::max<std::int64_t>(1, find_integer(*body, {"n"}).value_or(1));
  }
  if (most < 0) return std::nullopt;
  return static_cast<double>(most) * static_cast<double>(choices);
}

constexpr std::int64_t kUnbounded = -1;

std::optional<double> max_output_of(const ChatRequest& request, Provider provider) {
  const std::int64_t by_default = provider == Provider::kAnthropic ? kAnthropicMaxTokens : kUnbounded;
  simdjson::dom::parser parser;
  Json extra;
  const bool given =
      !request.extra_json.empty() && parser.parse(request.extra_json).get(extra) == simdjson::SUCCESS;
  return max_output_in(given ? std::optional(extra) : std::nullopt, provider,
                       request.max_tokens ? *request.max_tokens : by_default);
}

std::string environment(std::string_view name) {
  const char* value = environment_variable(std::string(name).c_str());
  return value == nullptr ? "" : value;
}

std::unexpected<Error> usage_error(std::string_view code, std::string message) {
  return std::unexpected(
      Error{.kind = ErrorKind::kUsage, .code = std::string(code), .message = std::move(message)});
}

std::string address_of(const ChatRequest& request, const ProviderFacts& facts) {
  std::string address = request.base_url;
  if (address.empty()) address = environment(facts.address_variable);
  if (address.empty()) address = facts.public_address;
  while (address.ends_with('/')) address.pop_back();
  const std::size_t host = address.find("://");
  const bool has_path =
      host == std::string::npos || address.find_first_of("/?", host + 3) != std::string::npos;
  if (!has_path) address += facts.root;
  return address;
}

Result<std::string> key_of(const ChatRequest& request, const ProviderFacts& facts, std::string_view address) {
  std::string key = request.api_key.empty() ? environment(facts.key_variable) : request.api_key;
  if (key.empty() && address.contains(facts.host)) {
    return usage_error("llm.key_missing",
                       fmt::format("{} needs an API key: pass api_key or set the environment "
                                   "variable {}",
                                   facts.host, facts.key_variable));
  }
  if (std::ranges::any_of(key, [](unsigned char c) { return c <= ' ' || c >= 0x7f; })) {
    return usage_error(
        "llm.key_malformed",
        fmt::format("the API key contains a space, a line break or another character that no key "
                    "has: check api_key or {}",
                    facts.key_variable));
  }
  return key;
}

// The fields of a request's body; those the user gave in extra_json win.
class Body {
 public:
  explicit Body(std::string_view extra_json) : extra_json_(extra_json) {}

  Result<void> parse_extra() {
    if (extra_json_.empty()) return {};
    Json root;
    if (parser_.parse(extra_json_.data(), extra_json_.size()).get(root) == simdjson::SUCCESS &&
        root.is_object()) {
      extra_ = root;
      return {};
    }
    return usage_error("llm.extra", "the extra fields of the request are not a valid JSON object");
  }
  bool has_extra(std::string_view name) const { return extra_ && find(*extra_, {name}).has_value(); }
  void add_string(std::string_view name, std::string_view value) {
    if (!has_extra(name)) writer_.add_string(name, value);
  }
  void add_raw(std::string_view name, std::string_view json) {
    if (!has_extra(name)) writer_.add_raw(name, json);
  }
  std::string finish() && {
    if (extra_) {
      for (const auto [name, value] : simdjson::dom::object(*extra_)) {
        writer_.add_raw(name, simdjson::minify(value));
      }
    }
    return std::move(writer_).finish();
  }

 private:
  const std::string_view extra_json_;
  simdjson::dom::parser parser_;
  std::optional<Json> extra_;
  ObjectWriter writer_;
};

// Writes the messages, and the system prompt where the provider wants it: OpenAI's chat completions take it
// as the first message, the others as a field of its own; Anthropic takes messages of the role "system"
// there, too.
Result<void> add_messages(Body& body, Provider provider, const ChatRequest& request) {
  std::string system = request.system;
  std::string list = "[";
  if (provider == Provider::kOpenAi && !system.empty()) {
    if (auto added = append_message(list, provider, {.role = "system", .content = system}); !added)
      return added;
  }
  for (const Message& message : request.messages) {
    if (provider == Provider::kAnthropic && message.role == "system" && message.json.empty()) {
      system.append(system.empty() ? "" : "\n\n").append(message.content);
    } else if (Result<void> added = append_message(list, provider, message); !added) {
      return added;
    }
  }
  if (list == "[") return usage_error("llm.messages", "the request has no messages");
  if (provider == Provider::kAnthropic && !system.empty()) body.add_string("system", system);
  if (provider == Provider::kResponses && !system.empty()) body.add_string("instructions", system);
  body.add_raw(provider == Provider::kResponses ? "input" : "messages", list + "]");
  return {};
}

void add_limits(Body& body, Provider provider, const ChatRequest& request, std::string_view address) {
  if (provider == Provider::kAnthropic) {
    body.add_raw("max_tokens", fmt::to_string(request.max_tokens.value_or(kAnthropicMaxTokens)));
  } else if (request.max_tokens && provider == Provider::kResponses) {
    body.add_raw("max_output_tokens", fmt::to_string(*request.max_tokens));
  } else if (request.max_tokens) {
    // OpenAI's own models refuse the older name, most other servers know no other.
    const bool own = address.contains(kOpenAi.host) || is_azure(address);
    body.add_raw(own ? "max_completion_tokens" : "max_tokens", fmt::to_string(*request.max_tokens));
  }
  if (request.temperature) body.add_raw("temperature", fmt::to_string(*request.temperature));
}

Result<void> add_tools(Body& body, Provider provider, const ChatRequest& request) {
  if (!request.tools_json.empty()) {
    Result<std::string> tools = tools_of(provider, request.tools_json);
    if (!tools) return std::unexpected(std::move(tools.error()));
    body.add_raw("tools", *tools);
  }
  if (!request.tool_choice.empty())
    body.add_raw("tool_choice", tool_choice_of(provider, request.tool_choice));
  return {};
}

// The schema that the answer follows, and the effort, which Anthropic takes in the same field.
Result<void> add_shape(Body& body, Provider provider, const ChatRequest& request) {
  std::string effort;
  append_json_string(effort, request.reasoning_effort);
  std::string config;
  if (!request.schema_json.empty()) {
    Result<Field> field = schema_of(request, provider);
    if (!field) return std::unexpected(std::move(field.error()));
    if (provider == Provider::kAnthropic) {
      config = std::move(field->json);
    } else {
      body.add_raw(field->name, field->json);
    }
  }
  if (provider != Provider::kAnthropic) {
    if (request.reasoning_effort.empty()) return {};
    if (provider == Provider::kOpenAi) body.add_raw("reasoning_effort", effort);
    if (provider == Provider::kResponses)
      body.add_raw("reasoning", fmt::format(R"({{"effort":{}}})", effort));
    return {};
  }
  if (!request.reasoning_effort.empty()) {
    config = config.empty() ? fmt::format(R"({{"effort":{}}})", effort)
                            : fmt::format(R"({{"effort":{},{})", effort, std::string_view(config).substr(1));
  }
  if (!config.empty()) body.add_raw("output_config", config);
  return {};
}

std::string inputs_of(const ChatRequest& request) {
  std::string list = "[";
  for (const Message& message : request.messages) {
    if (list.size() > 1) list.push_back(',');
    append_json_string(list, message.content);
  }
  return list + "]";
}

Result<std::string> finish_body(Body&& body) {
  std::string text = std::move(body).finish();
  if (!simdjson::validate_utf8(text))
    return usage_error("llm.utf8", "the request contains text that is not UTF-8");
  return text;
}

std::string_view version_of(const ChatRequest& request) {
  return request.api_version.empty() ? kAnthropicVersion : std::string_view(request.api_version);
}

// Dates in this form are in the order of their text.
Result<void> check_version(const ChatRequest& request, Provider provider, const Body& body) {
  const std::string_view version = request.api_version;
  if (version.empty()) return {};
  if (provider != Provider::kAnthropic)
    return usage_error("llm.api_version", "api_version is of Anthropic's API: this request is not for it");
  const std::string_view form = "dddd-dd-dd";
  const auto fits = [](char f, char c) { return f == 'd' ? c >= '0' && c <= '9' : f == c; };
  if (!std::ranges::equal(form, version, fits))
    return usage_error("llm.api_version",
                       fmt::format("api_version must be a date like {}, not {}", kWithoutSampling, version));
  if (version < kWithoutSampling) return {};
  for (const std::string_view name : {"temperature", "top_p", "top_k"}) {
    if (!body.has_extra(name) && !(name == "temperature" && request.temperature)) continue;
    return usage_error(
        "llm.api_version",
        fmt::format("Anthropic's API has no {} from version {} on: leave it out, or ask for an "
                    "earlier api_version",
                    name, kWithoutSampling));
  }
  return {};
}

Result<std::string> body_of(const ChatRequest& request, Provider provider, std::string_view address,
                            bool stream) {
  if (request.model.empty()) return usage_error("llm.model", "the request names no model");
  if (request.temperature && !std::isfinite(*request.temperature)) {
    return usage_error("llm.temperature",
                       fmt::format("temperature is {}, which is no number to send", *request.temperature));
  }
  Body body(request.extra_json);
  if (Result<void> parsed = body.parse_extra(); !parsed) return std::unexpected(std::move(parsed.error()));
  if (Result<void> checked = check_version(request, provider, body); !checked)
    return std::unexpected(std::move(checked.error()));
  body.add_string("model", request.model);
  if (provider == Provider::kEmbeddings) {
    body.add_raw("input", inputs_of(request));
    body.add_string("encoding_format", "float");
    return finish_body(std::move(body));
  }
  if (Result<void> added = add_messages(body, provider, request); !added) {
    return std::unexpected(std::move(added.error()));
  }
  add_limits(body, provider, request, address);
  if (Result<void> added = add_tools(body, provider, request); !added)
    return std::unexpected(std::move(added.error()));
  if (Result<void> added = add_shape(body, provider, request); !added)
    return std::unexpected(std::move(added.error()));
  if (stream) {
    body.add_raw("stream", "true");
    if (provider == Provider::kOpenAi) body.add_raw("stream_options", R"({"include_usage":true})");
  }
  return finish_body(std::move(body));
}

void add_key(net::Headers& headers, Provider provider, const ChatRequest& request, std::string_view address,
             const std::string& key) {
  if (provider == Provider::kAnthropic) headers.add("anthropic-version", version_of(request));
  if (key.empty()) return;
  if (provider == Provider::kAnthropic && version_of(request) < kWithoutSampling) {
    headers.add("x-api-key", key);
  } else if (provider != Provider::kAnthropic && is_azure(address)) {
    headers.add("api-key", key);
  } else {
    headers.add("Authorization", "Bearer " + key);
  }
}

std::optional<Provider> provider_at(std::string_view url) {
  std::string_view path = url.substr(0, std::min(url.find('?'), url.size()));
  while (path.ends_with('/')) path.remove_suffix(1);
  for (const Provider provider :
       {Provider::kOpenAi, Provider::kResponses, Provider::kEmbeddings, Provider::kAnthropic})
    if (path.ends_with(facts_of(provider).path)) return provider;
  return std::nullopt;
}

// As add_key writes it.
std::string key_in(const net::Headers& headers) {
  constexpr std::string_view kBearer = "Bearer ";
  for (const std::string_view name : {"x-api-key", "api-key"})
    if (const auto key = headers.find(name)) return std::string(*key);
  std::string_view given = headers.find("authorization").value_or("");
  if (given.starts_with(kBearer)) given.remove_prefix(kBearer.size());
  return std::string(given);
}

}  // namespace

Provider resolve_provider(const ChatRequest& request) {
  if (request.provider) return *request.provider;
  const bool anthropic = request.model.starts_with("claude") || request.base_url.contains("anthropic.com");
  return anthropic ? Provider::kAnthropic : Provider::kOpenAi;
}

std::string_view key_variable(Provider provider) { return facts_of(provider).key_variable; }

Result<WireRequest> to_wire(const ChatRequest& request, bool stream) {
  const Provider provider = resolve_provider(request);
  const ProviderFacts& facts = facts_of(provider);
  const std::string address = address_of(request, facts);
  Result<std::string> key = key_of(request, facts, address);
  if (!key) return std::unexpected(std::move(key.error()));
  Result<std::string> body = body_of(request, provider, address, stream);
  if (!body) return std::unexpected(std::move(body.error()));
  net::Request http{.method = "POST",
                    .url = with_path(address, facts.path),
                    .body = std::move(*body),
                    .timeouts = request.timeouts};
  http.headers.add("Content-Type", "application/json");
  http.headers.add("Accept", stream ? "text/event-stream" : "application/json");
  add_key(http.headers, provider, request, address, *key);
  WireRequest wire{.provider = provider, .http = std::move(http), .api_key = std::move(*key)};
  wire.max_output = max_output_of(request, provider);
  return wire;
}

std::optional<ForeignRequest> read_foreign(const net::Request& request) {
  const std::optional<Provider> provider = provider_at(request.url);
  if (!provider || request.method != "POST") return std::nullopt;
  simdjson::dom::parser parser;
  Json body;
  if (parser.parse(request.body).get(body) != simdjson::SUCCESS || !body.is_object()) return std::nullopt;
  // Where the body does not name the model, as it may not at Azure, the address does.
  ForeignRequest foreign{
      .wire = {.provider = *provider, .http = {.url = request.url}, .api_key = key_in(request.headers)},
      .model = std::string(find_string(body, {"model"}).value_or(request.url))};
  foreign.wire.max_output = max_output_in(body, *provider, kUnbounded);
  foreign.again = request.headers.find("x-stainless-retry-count").value_or("0") != "0";
  return foreign;
}

}  // namespace xcs::llm
