#include "net/testing/exchange.h"

#include <gtest/gtest.h>

#include <future>
#include <utility>

namespace xcs::net::testing {

Request get(std::string url) { return {.method = "GET", .url = std::move(url)}; }

Result<Response> wait_for(Transport& transport, Request request) {
  std::promise<Result<Response>> outcome;
  auto future = outcome.get_future();
  const Handle handle = transport.start(std::move(request), {[&](Result<Response> result) {
                                          outcome.set_value(std::move(result));
                                          return std::nullopt;
                                        }});
  return future.get();
}

Error wait_for_error(Transport& transport, Request request) {
  Result<Response> result = wait_for(transport, std::move(request));
  EXPECT_FALSE(result.has_value()) << "status " << (result ? result->status : 0);
  return result ? Error{} : result.error();
}

}  // namespace xcs::net::testing
