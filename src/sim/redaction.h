#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/http_parser.h"

namespace xcs::sim {

// What of one request, and of its answer, must not get into a recording: the credentials that it carries. The
// boundary of a multipart body goes with them, because a client draws another for every request.
class Redaction {
 public:
  explicit Redaction(const HttpRequest& request);

  // The request's path and query, with '*' for the values of parameters that are credentials.
  const std::string& target() const { return target_; }

  // `text` with '*' for each place where a credential of at least kShortest bytes stands.
  std::string redacted(std::string_view text) const;

  // The same in place, with as many '*' as there were bytes.
  void blot(std::string& text) const;

  static constexpr std::size_t kShortest = 8;

 private:
  void note(std::string_view secret);
  void note_header(std::string_view name, std::string_view value);
  void read_target(std::string_view target);

  std::string target_;
  std::vector<std::string> secrets_;  // the longest first
};

// Whether a header's value is a credential, in a request or in an answer.
bool is_credential_header(std::string_view name);

}  // namespace xcs::sim
