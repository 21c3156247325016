#include <strings.h>

#include "net/transport.h"

namespace xcs::net {

void Headers::add(std::string_view name, std::string_view value) {
  block_.append(name).append(": ").append(value).push_back('\n');
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
  std::optional<std::string_view> found;
  for_each_line([&](std::string_view line) {
    if (!found && line.size() > name.size() && line[name.size()] == ':' &&
        // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): the length of both is given
        strncasecmp(line.data(), name.data(), name.size()) == 0) {
      found = line.substr(name.size() + 2);
    }
  });
  return found;
}

}  // namespace xcs::net
