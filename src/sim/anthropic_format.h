#pragma once

#include <string>
#include <string_view>

#include "sim/answer.h"
#include "sim/api_request.h"
#include "sim/event_stream.h"

namespace xcs::sim {

// The bodies an Anthropic-compatible server answers; pure functions of their arguments.
std::string message_body(const ApiRequest& request, const Answer& answer);
EventStream message_stream(const ApiRequest& request, const Answer& answer);
std::string anthropic_model_list_body();
std::string anthropic_model_body(std::string_view id);

}  // namespace xcs::sim
