#include "net/origin.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>

namespace xcs::net {

Origin origin_of(std::string_view url) {
  Origin origin;
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return origin;
  origin.scheme = url.substr(0, scheme_end);
  std::ranges::transform(origin.scheme, origin.scheme.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::string_view authority = url.substr(scheme_end + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  authority.remove_prefix(authority.rfind('@') + 1);  // npos + 1 is 0
  origin.port = origin.scheme == "https" ? "443" : "80";
  const bool bracketed = authority.starts_with('[') && authority.contains(']');
  const std::size_t host_end = bracketed ? authority.find(']') + 1 : authority.find(':');
  origin.host = bracketed ? authority.substr(1, host_end - 2) : authority.substr(0, host_end);
  if (host_end < authority.size() && authority[host_end] == ':') origin.port = authority.substr(host_end + 1);
  return origin;
}

std::string to_string(const Origin& origin) {
  const bool bracket = origin.host.contains(':');
  return (bracket ? "[" + origin.host + "]" : origin.host) + ":" + origin.port;
}

bool needs_lookup(const Origin& origin) {
  in_addr v4;
  in6_addr v6;
  return origin.host != "localhost" && inet_pton(AF_INET, origin.host.c_str(), &v4) != 1 &&
         inet_pton(AF_INET6, origin.host.c_str(), &v6) != 1;
}

}  // namespace xcs::net
