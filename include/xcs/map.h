// One call, or one frame, for each item of a range.
#pragma once

#include <concepts>
#include <functional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include "xcs/value.h"

namespace xcs {

// Calls `callable` for each item, in order; the results are in the order of the items. With a frame, each
// item gets a frame of its own, and the items go on independently of each other. A callable that throws
// itself, rather than yield a failed value, ends the map there. `callable` is not needed any more when map
// returns.
//
//   std::vector<xcs::Value<std::string>> summaries = xcs::map(documents, summarize);
template <std::ranges::input_range R, class F>
  requires AnyValue<std::invoke_result_t<F&, std::ranges::range_reference_t<R>>>
auto map(R&& items, F&& callable) {
  using V = std::remove_cvref_t<std::invoke_result_t<F&, std::ranges::range_reference_t<R>>>;
  std::vector<V> results;
  if constexpr (std::ranges::sized_range<R>) results.reserve(std::ranges::size(items));
  for (auto&& item : items) results.push_back(std::invoke(callable, std::forward<decltype(item)>(item)));
  return results;
}

}  // namespace xcs
