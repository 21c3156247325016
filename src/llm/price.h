// What tokens cost: pure arithmetic on prices that somebody else knows.
#pragma once

#include <cstddef>
#include <optional>

#include "llm/chat.h"

namespace xcs::llm {

// What the usage costs, in dollars. Anthropic counts cached tokens apart from input_tokens, OpenAI within
// them.
double cost_of(Provider provider, const Usage& usage, const Price& price);

// The most that a request can cost: no token is shorter than a byte, and `max_output` bounds the answer.
double most_cost_of(std::size_t body_bytes, double max_output, const Price& price);

}  // namespace xcs::llm
