#pragma once

#include <span>
#include <string>
#include <string_view>

#include "sim/answer.h"
#include "sim/api_request.h"
#include "sim/event_stream.h"

namespace xcs::sim {

// The bodies an OpenAI-compatible server answers. All are pure functions of their arguments: ids come from
// the request's hash, and `created` is the same for every answer.
std::string chat_completion_body(const ApiRequest& request, std::span<const Answer> answers);
EventStream chat_completion_stream(const ApiRequest& request, std::span<const Answer> answers);
std::string embedding_body(const ApiRequest& request);
std::string model_list_body();
std::string model_body(std::string_view id);

// The models that lists name; every other name is accepted as well.
std::span<const std::string_view> listed_models();

}  // namespace xcs::sim
