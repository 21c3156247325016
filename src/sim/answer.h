#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/api_request.h"

namespace xcs::sim {

enum class Stop { kEnd, kLength, kStopSequence, kToolCall };

// One choice of an answer.
struct Answer {
  std::string text;
  std::int64_t tokens = 0;
  Stop stop = Stop::kEnd;
  std::string_view stop_sequence;  // the one that was met; empty otherwise
  std::string_view tool;           // what is called instead of an answer's text; empty otherwise
  std::string_view arguments;      // JSON
};

// The text a model would answer to `prompt`, a pure function of the two. The last directive in the prompt
// that can be obeyed decides:
//   [number LO-HI]      a whole number of the range
//   [one of: A | B | C] one of the options
//   [list of N]         N lines, "1. ..." to "N. ..."
//   [about N words]     N words
//   [call NAME JSON]    no text but a call of that tool, in answers that are not streamed; JSON has no
//   bracket
// Without one, 12 words. N is at most 100,000.
std::string answer_text(std::string_view prompt, std::uint64_t hash);

// The choice number `choice` of the request, cut at its first stop sequence and at its most tokens. `salt` is
// 0 for an answer that depends on the request alone.
Answer make_answer(const ApiRequest& request, std::int64_t choice, std::uint64_t salt);

// The tokens of all choices together.
std::int64_t total_tokens(std::span<const Answer> answers);

// A unit vector of `dimensions` numbers, a pure function of model and text. Texts that share words are near
// each other.
std::vector<float> embed(std::string_view model, std::string_view text, std::int64_t dimensions);

}  // namespace xcs::sim
