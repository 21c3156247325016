// Invariants. A check that fails throws InternalError; the library never aborts the process.
//
//   XCS_CHECK(index < size, index, size);
//   // throws "node.cc:12: index < size does not hold, with (index, size) = (7, 3)"
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "base/error.h"

namespace xcs::detail {

struct CheckSite {
  const char* file;
  int line;
  std::string_view expression;
  std::string_view names;  // the source text of the values to show
};

[[noreturn]] void fail_check(const CheckSite& site, const std::string& values);

template <class... Values>
[[noreturn]] void fail_check_with(const CheckSite& site, const Values&... values) {
  std::string text;
  ((text += fmt::format("{}{}", text.empty() ? "" : ", ", values)), ...);
  fail_check(site, text);
}

}  // namespace xcs::detail

// Throws InternalError with the expression, its place and the values unless `condition` holds.
// The values must be printable by fmt and are evaluated only on failure.
#define XCS_CHECK(condition, ...)                                                                  \
  do {                                                                                             \
    if (condition) [[likely]] {                                                                    \
    } else {                                                                                       \
      ::xcs::detail::fail_check_with({__FILE__, __LINE__, #condition, #__VA_ARGS__} __VA_OPT__(, ) \
                                         __VA_ARGS__);                                             \
    }                                                                                              \
  } while (false)
