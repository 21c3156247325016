#include "sim/canonical_request.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "base/check.h"
#include "sim/api_request.h"
#include "sim/arrival.h"
#include "sim/draw.h"
#include "sim/json_text.h"

namespace xcs::sim {

namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kFieldDigest = 8;

std::string sha256(std::string_view bytes) {
  std::string digest(32, '\0');
  const int done = EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()),
                              nullptr, EVP_sha256(), nullptr);
  XCS_CHECK(done == 1, bytes.size());
  return digest;
}

void append_real(std::string& out, double value) {
  constexpr double kExact = 9007199254740992.0;  // up to here a whole number has one spelling as a double
  if (value == std::floor(value) && std::abs(value) <= kExact) {
    append_number(out, static_cast<std::int64_t>(value));
    return;
  }
  std::array<char, 32> digits{};
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

void append_canonical(std::string& out, dom::element value);

void append_canonical(std::string& out, dom::object object) {
  std::vector<std::pair<std::string_view, dom::element>> fields;
  for (const dom::key_value_pair field : object) fields.emplace_back(field.key, field.value);
  std::ranges::stable_sort(fields, {}, &std::pair<std::string_view, dom::element>::first);
  out += '{';
  for (const auto& [key, value] : fields) {
    append_json_string(out, key);
    out += ':';
    append_canonical(out, value);
    out += ',';
  }
  out += '}';
}

void append_canonical(std::string& out, dom::array array) {
  out += '[';
  for (const dom::element item : array) {
    append_canonical(out, item);
    out += ',';
  }
  out += ']';
}

void append_canonical(std::string& out, dom::element value) {
  switch (value.type()) {
    case dom::element_type::OBJECT:
      append_canonical(out, value.get_object().value_unsafe());
      return;
    case dom::element_type::ARRAY:
      append_canonical(out, value.get_array().value_unsafe());
      return;
    case dom::element_type::STRING:
      append_json_string(out, value.get_string().value_unsafe());
      return;
    case dom::element_type::DOUBLE:
      append_real(out, value.get_double().value_unsafe());
      return;
    default:
      out += simdjson::minify(value);
  }
}

std::map<std::string, std::string> digests_of(dom::object object) {
  std::map<std::string, std::string> fields;
  std::string text;
  for (const dom::key_value_pair field : object) {
    text.clear();
    append_canonical(text, field.value);
    fields.insert_or_assign(std::string(field.key), sha256(text).substr(0, kFieldDigest));
  }
  return fields;
}

}  // namespace

CanonicalRequest RequestReader::read(const RecordedRequest& request) {
  CanonicalRequest canonical;
  std::string text = request.method;
  text.append(1, '\0').append(request.target).append(1, '\0');
  dom::element body;
  if (parser_.parse(request.body.data(), request.body.size()).get(body) != simdjson::SUCCESS) {
    canonical.digest = sha256(text.append("bytes").append(1, '\0').append(request.body));
    canonical.hash = hash_bytes(canonical.digest, 0);
    return canonical;
  }
  text.append("json").append(1, '\0');
  append_canonical(text, body);
  canonical.digest = sha256(text);
  const auto endpoint = endpoint_of(std::string_view(request.target).substr(0, request.target.find('?')));
  canonical.hash = endpoint ? canonical_hash(body, *endpoint) : hash_bytes(canonical.digest, 0);
  dom::object object;
  if (body.get(object) == simdjson::SUCCESS) canonical.fields = digests_of(object);
  return canonical;
}

}  // namespace xcs::sim
