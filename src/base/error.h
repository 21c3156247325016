// The one error type of the library: who is to blame, a stable code, one sentence.
#pragma once

#include <expected>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace xcs {

// Who can do something about an error.
enum class ErrorKind {
  kInternal,   // a bug in this library
  kUsage,      // the caller asked for something that cannot work
  kProgram,    // the user's own code raised
  kTransient,  // the outside world failed; the same request may succeed when repeated
  kCancelled,  // somebody gave up waiting
};

// "internal", "usage", "program", "transient" or "cancelled".
std::string_view name(ErrorKind kind);

// A failure as a value. `code` is stable and made for programs ("net.connect"); `message` is one
// sentence made for people, with the numbers and without secrets.
struct Error {
  ErrorKind kind = ErrorKind::kInternal;
  std::string code = {};
  std::string message = {};
  std::optional<int> http_status = std::nullopt;  // when an HTTP server answered
  std::string provider_reason = {};  // the provider's own word for it, e.g. "rate_limit_exceeded"
  std::string request_id = {};       // the provider's name for the request, when it gave one
};

// "net.connect (transient): cannot reach 127.0.0.1:8080".
std::string to_string(const Error& error);

template <class T>
using Result = std::expected<T, Error>;

// An Error of kind internal, thrown where an invariant does not hold. See base/check.h.
class InternalError final : public std::logic_error {
 public:
  explicit InternalError(Error error);
  const Error& error() const { return error_; }

 private:
  Error error_;
};

}  // namespace xcs
