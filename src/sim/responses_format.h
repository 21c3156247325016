#pragma once

#include <cstddef>
#include <string>

#include "sim/answer.h"
#include "sim/api_error.h"
#include "sim/api_request.h"
#include "sim/event_stream.h"

namespace xcs::sim {

// The bodies of OpenAI's Responses API; pure functions of their arguments.
std::string response_body(const ApiRequest& request, const Answer& answer);
EventStream response_stream(const ApiRequest& request, const Answer& answer);

// The data of the event that ends a stream with an error, as its event number `sequence_number`.
std::string response_error_event(const ApiError& error, std::size_t sequence_number);

}  // namespace xcs::sim
