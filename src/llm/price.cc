#include "llm/price.h"

#include <algorithm>

namespace xcs::llm {
namespace {

constexpr double kPerMillion = 1e-6;

}  // namespace

double cost_of(Provider provider, const Usage& usage, const Price& price) {
  const auto cached = static_cast<double>(usage.cached_input_tokens);
  const auto written = static_cast<double>(usage.cache_write_tokens);
  auto plain = static_cast<double>(usage.input_tokens);
  if (provider != Provider::kAnthropic) plain = std::max(0.0, plain - cached - written);
  return kPerMillion * (plain * price.input + cached * price.cached_input + written * price.cache_write +
                        static_cast<double>(usage.output_tokens) * price.output);
}

double most_cost_of(std::size_t body_bytes, double max_output, const Price& price) {
  const double dearest = std::max({price.input, price.cached_input, price.cache_write});
  return kPerMillion * (static_cast<double>(body_bytes) * dearest + max_output * price.output);
}

}  // namespace xcs::llm
