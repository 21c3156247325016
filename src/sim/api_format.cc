#include "sim/api_format.h"

#include "sim/anthropic_format.h"
#include "sim/fault.h"
#include "sim/openai_format.h"
#include "sim/responses_format.h"

namespace xcs::sim {

std::string answer_body(const ApiRequest& request, std::span<const Answer> answers) {
  switch (request.endpoint) {
    case Endpoint::kMessages:
      return message_body(request, answers.front());
    case Endpoint::kEmbeddings:
      return embedding_body(request);
    case Endpoint::kResponses:
      return response_body(request, answers.front());
    case Endpoint::kChatCompletions:
      break;
  }
  return chat_completion_body(request, answers);
}

EventStream answer_events(const ApiRequest& request, std::span<const Answer> answers) {
  if (request.endpoint == Endpoint::kMessages) return message_stream(request, answers.front());
  if (request.endpoint == Endpoint::kResponses) return response_stream(request, answers.front());
  return chat_completion_stream(request, answers);
}

void append_stream_error(EventStream& stream, Endpoint endpoint, const std::string& request_id) {
  const std::int64_t tokens = stream.events().back().tokens;
  const Provider provider = endpoint == Endpoint::kMessages ? Provider::kAnthropic : Provider::kOpenAi;
  const ApiError error = *fault_error(provider, Fault::kServerError);
  switch (endpoint) {
    case Endpoint::kMessages:
      stream.add("error", error_body(provider, error, request_id), tokens);
      return;
    case Endpoint::kResponses:
      stream.add("error", response_error_event(error, stream.events().size()), tokens);
      return;
    case Endpoint::kEmbeddings:
    case Endpoint::kChatCompletions:
      stream.add("", error_body(provider, error, request_id), tokens);
      return;
  }
}

}  // namespace xcs::sim
