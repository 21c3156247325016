// One request and its only outcome, waited for.
#pragma once

#include <string>

#include "net/transport.h"

namespace xcs::net::testing {

Request get(std::string url);

// Starts the request and waits for its only outcome.
Result<Response> wait_for(Transport& transport, Request request);

// As wait_for, for a request that fails; a test failure and an empty error when it is answered.
Error wait_for_error(Transport& transport, Request request);

}  // namespace xcs::net::testing
