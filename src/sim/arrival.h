#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "sim/api_error.h"
#include "sim/api_request.h"
#include "sim/http_parser.h"
#include "sim/script.h"

namespace xcs::sim {

// One request on its way to an answer; completely read at `now`.
struct Arrival {
  const HttpRequest& http;
  TimePoint now;
  std::uint64_t number;  // in the order of arrival, from 1
  Provider provider;     // whose client seems to have sent it
  std::string request_id;

  std::string_view path() const { return http.target.substr(0, http.target.find('?')); }
};

// The endpoint of the providers' APIs at a path; none at any other path.
std::optional<Endpoint> endpoint_of(std::string_view path);

// Whether a path names the models, or one of them.
bool names_models(std::string_view path);

// The headers that the provider's own answers have, as complete lines, with `more` of them behind.
std::string reply_headers(const Arrival& arrival, std::chrono::nanoseconds due, std::string_view more = {});

// An answer of one JSON text.
Script json_reply(const Arrival& arrival, int status, std::string body, std::chrono::nanoseconds due = {},
                  std::string_view more_headers = {});

// The same with the provider's body for `error`.
Script error_reply(const Arrival& arrival, const ApiError& error, std::chrono::nanoseconds due = {},
                   std::string_view more_headers = {});

}  // namespace xcs::sim
