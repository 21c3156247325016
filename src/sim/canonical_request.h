#pragma once

#include <simdjson.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace xcs::sim {

// One request of a recording, without credentials.
struct RecordedRequest {
  std::string method;
  std::string target;  // path and query
  std::string body;
};

// What tells requests apart, however they are spelled.
struct CanonicalRequest {
  std::string digest;  // equal for requests that ask for the same; otherwise different
  std::uint64_t hash =
      0;  // the same without `stream` and `stream_options`, as the counters of duplicates see it
  std::map<std::string, std::string> fields;  // of a body that is a JSON object: a short digest each
};

// Bodies that are JSON are compared as data: neither white space nor the order of an object's keys nor the
// spelling of numbers and strings counts. Other bodies are compared byte by byte.
class RequestReader {
 public:
  CanonicalRequest read(const RecordedRequest& request);

 private:
  simdjson::dom::parser parser_;
};

}  // namespace xcs::sim
