#include "sim/arrival.h"

#include <utility>

#include "sim/json_text.h"

namespace xcs::sim {

std::optional<Endpoint> endpoint_of(std::string_view path) {
  if (path == "/v1/chat/completions") return Endpoint::kChatCompletions;
  if (path == "/v1/messages") return Endpoint::kMessages;
  if (path == "/v1/responses") return Endpoint::kResponses;
  if (path == "/v1/embeddings") return Endpoint::kEmbeddings;
  return std::nullopt;
}

bool names_models(std::string_view path) { return path == "/v1/models" || path.starts_with("/v1/models/"); }

std::string reply_headers(const Arrival& arrival, std::chrono::nanoseconds due, std::string_view more) {
  std::string out;
  if (arrival.provider == Provider::kAnthropic) {
    out += "request-id: ";
    out += arrival.request_id;
  } else {
    out += "x-request-id: ";
    out += arrival.request_id;
    out += "\r\nopenai-version: 2020-10-01\r\nopenai-processing-ms: ";
    append_number(out, std::chrono::duration_cast<std::chrono::milliseconds>(due).count());
  }
  out += "\r\n";
  out += more;
  return out;
}

Script json_reply(const Arrival& arrival, int status, std::string body, std::chrono::nanoseconds due,
                  std::string_view more_headers) {
  return whole_response(
      {status, "application/json", reply_headers(arrival, due, more_headers), arrival.http.keep_alive},
      std::move(body), due);
}

Script error_reply(const Arrival& arrival, const ApiError& error, std::chrono::nanoseconds due,
                   std::string_view more_headers) {
  return json_reply(arrival, error.status, error_body(arrival.provider, error, arrival.request_id), due,
                    more_headers);
}

}  // namespace xcs::sim
