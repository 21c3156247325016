#pragma once

#include <span>
#include <string>

#include "sim/answer.h"
#include "sim/api_request.h"
#include "sim/event_stream.h"

namespace xcs::sim {

// The body of a whole answer, in the shape of the request's endpoint.
std::string answer_body(const ApiRequest& request, std::span<const Answer> answers);

// The same answer as events; the endpoint must be one that streams.
EventStream answer_events(const ApiRequest& request, std::span<const Answer> answers);

// Ends a stream with the event its endpoint sends when the server fails; `stream` must not be empty.
void append_stream_error(EventStream& stream, Endpoint endpoint, const std::string& request_id);

}  // namespace xcs::sim
