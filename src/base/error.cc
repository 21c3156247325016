#include "base/error.h"

#include <fmt/format.h>

#include <utility>

namespace xcs {

std::string_view name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInternal:
      return "internal";
    case ErrorKind::kUsage:
      return "usage";
    case ErrorKind::kProgram:
      return "program";
    case ErrorKind::kTransient:
      return "transient";
    case ErrorKind::kCancelled:
      return "cancelled";
  }
  std::unreachable();
}

std::string to_string(const Error& error) {
  return fmt::format("{} ({}): {}", error.code, name(error.kind), error.message);
}

InternalError::InternalError(Error error) : std::logic_error(error.message), error_(std::move(error)) {}

}  // namespace xcs
