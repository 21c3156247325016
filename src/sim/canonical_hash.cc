#include <bit>
#include <cmath>

#include "sim/api_request.h"
#include "sim/draw.h"

namespace xcs::sim {

namespace {

namespace dom = simdjson::dom;

enum Tag : std::uint64_t { kNull = 1, kFalse, kTrue, kInteger, kReal, kString, kArray, kObject };

std::uint64_t hash_value(dom::element value);

std::uint64_t hash_integer(std::uint64_t value) { return mix(kInteger ^ mix(value + kInteger)); }

std::uint64_t hash_real(double value) {
  constexpr double kExact = 9007199254740992.0;  // up to here a whole number has one spelling as a double
  if (value == std::floor(value) && std::abs(value) <= kExact) {
    return hash_integer(static_cast<std::uint64_t>(static_cast<std::int64_t>(value)));
  }
  return mix(kReal ^ mix(std::bit_cast<std::uint64_t>(value)));
}

std::uint64_t hash_field(const dom::key_value_pair& field) {
  return mix(hash_bytes(field.key, kObject) + (3 * hash_value(field.value)));
}

std::uint64_t hash_object(dom::object object) {
  std::uint64_t sum = kObject;  // a sum, so that the order of the keys does not count
  for (const dom::key_value_pair field : object) sum += hash_field(field);
  return mix(sum);
}

std::uint64_t hash_array(dom::array array) {
  std::uint64_t hash = kArray;
  for (const dom::element item : array) hash = mix(hash + hash_value(item));
  return mix(hash ^ kArray);
}

std::uint64_t hash_value(dom::element value) {
  switch (value.type()) {
    case dom::element_type::OBJECT:
      return hash_object(value.get_object().value_unsafe());
    case dom::element_type::ARRAY:
      return hash_array(value.get_array().value_unsafe());
    case dom::element_type::STRING:
      return hash_bytes(value.get_string().value_unsafe(), kString);
    case dom::element_type::INT64:
      return hash_integer(static_cast<std::uint64_t>(value.get_int64().value_unsafe()));
    case dom::element_type::UINT64:
      return hash_integer(value.get_uint64().value_unsafe());
    case dom::element_type::DOUBLE:
      return hash_real(value.get_double().value_unsafe());
    case dom::element_type::BOOL:
      return mix(value.get_bool().value_unsafe() ? kTrue : kFalse);
    case dom::element_type::NULL_VALUE:
      break;
  }
  return mix(kNull);
}

bool is_transport(std::string_view key) { return key == "stream" || key == "stream_options"; }

}  // namespace

std::uint64_t canonical_hash(dom::element body, Endpoint endpoint) {
  std::uint64_t sum = mix(static_cast<std::uint64_t>(endpoint) + 1);
  dom::object object;
  if (body.get(object) != simdjson::SUCCESS) return mix(sum + hash_value(body));
  for (const dom::key_value_pair field : object) {
    if (!is_transport(field.key)) sum += hash_field(field);
  }
  return mix(sum);
}

}  // namespace xcs::sim
