#include "sim/api_error.h"

#include <string_view>

#include "sim/json_text.h"

namespace xcs::sim {

namespace {

std::string_view openai_type(int status) {
  if (status == 503) return "service_unavailable_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

std::string_view anthropic_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 402:
      return "billing_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 504:
      return "timeout_error";
    case 529:
      return "overloaded_error";
    default:
      return status >= 500 ? "api_error" : "invalid_request_error";
  }
}

void append_string_or_null(std::string& out, std::string_view text) {
  if (text.empty()) {
    out += "null";
  } else {
    append_json_string(out, text);
  }
}

std::string openai_error(const ApiError& error) {
  std::string out = R"({"error":{"message":)";
  append_json_string(out, error.message);
  out += R"(,"type":)";
  append_json_string(out, error.type.empty() ? openai_type(error.status) : std::string_view(error.type));
  out += R"(,"param":)";
  append_string_or_null(out, error.param);
  out += R"(,"code":)";
  append_string_or_null(out, error.code);
  out += "}}";
  return out;
}

std::string anthropic_error(const ApiError& error, const std::string& request_id) {
  std::string out = R"({"type":"error","error":{"type":)";
  append_json_string(out, error.type.empty() ? anthropic_type(error.status) : std::string_view(error.type));
  out += R"(,"message":)";
  append_json_string(out, error.message);
  out += R"(,"details":)";
  if (error.code.empty()) {
    out += "null";
  } else {
    out += R"({"error_code":)";
    append_json_string(out, error.code);
    out += '}';
  }
  out += R"(},"request_id":)";
  append_json_string(out, request_id);
  out += '}';
  return out;
}

}  // namespace

std::string error_body(Provider provider, const ApiError& error, const std::string& request_id) {
  return provider == Provider::kOpenAi ? openai_error(error) : anthropic_error(error, request_id);
}

}  // namespace xcs::sim
