// Where a URL leads, for messages and for name lookups.
#pragma once

#include <string>
#include <string_view>

namespace xcs::net {

struct Origin {
  std::string scheme;  // "http" or "https" for a usable URL, else whatever stands before "://"
  std::string host;    // without the brackets of an IPv6 address; empty when there is none
  std::string port;    // the scheme's default when the URL names none
};

// Understands what libcurl accepts as an absolute URL; does not check it further.
Origin origin_of(std::string_view url);

// "host:port", as shown to people: without user, password, path and query.
std::string to_string(const Origin& origin);

// Whether reaching the host takes a name lookup: it is neither a literal address nor localhost.
bool needs_lookup(const Origin& origin);

}  // namespace xcs::net
