#pragma once

#include <string>

namespace xcs::sim {

enum class Provider { kOpenAi, kAnthropic };

// Why a request is refused, before it takes the shape one provider gives it. `type`, `code` and `param` may
// stay empty: the provider's usual type for the status is then used, and code and param are null.
struct ApiError {
  int status = 400;
  std::string message = {};
  std::string type = {};
  std::string code = {};
  std::string param = {};
};

// The provider's JSON body for `error`. `request_id` is part of Anthropic's body.
std::string error_body(Provider provider, const ApiError& error, const std::string& request_id);

}  // namespace xcs::sim
