#include "base/check.h"

namespace xcs::detail {

void fail_check(const CheckSite& site, const std::string& values) {
  std::string_view file = site.file;
  file.remove_prefix(file.rfind('/') + 1);
  std::string message = fmt::format("{}:{}: {} does not hold", file, site.line, site.expression);
  if (!site.names.empty()) {
    message += fmt::format(", with ({}) = ({})", site.names, values);
  }
  throw InternalError(
      Error{.kind = ErrorKind::kInternal, .code = "internal.check", .message = std::move(message)});
}

}  // namespace xcs::detail
