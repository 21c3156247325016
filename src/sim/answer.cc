#include "sim/answer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "sim/draw.h"
#include "sim/json_text.h"

namespace xcs::sim {

namespace {

constexpr std::int64_t kDefaultWords = 12;
constexpr std::int64_t kMostWords = 100'000;

constexpr std::array<std::string_view, 64> kWords = {
    "acorn",   "alder",  "anvil",   "apricot", "arbor",   "aspen",   "badge",   "barley",
    "bellow",  "birch",  "bramble", "breeze",  "brook",   "canvas",  "caravan", "cinder",
    "clover",  "cobalt", "comet",   "coral",   "crater",  "current", "dapple",  "dawn",
    "drift",   "eagle",  "eddy",    "fable",   "fathom",  "fern",    "fjord",   "garnet",
    "glacier", "gravel", "hazel",   "hollow",  "horizon", "ivory",   "jasper",  "kernel",
    "lantern", "lichen", "lumen",   "maple",   "marble",  "mosaic",  "nectar",  "oasis",
    "onyx",    "opal",   "paddle",  "plume",   "prairie", "quartz",  "ridge",   "saffron",
    "shale",   "signal", "thicket", "tundra",  "velvet",  "walnut",  "wharf",   "zenith"};

void append_words(std::string& out, std::int64_t count, Draw& draw) {
  for (std::int64_t i = 0; i < count; ++i) {
    if (i > 0) out += ' ';
    out += kWords[draw.next() % kWords.size()];
  }
}

// Takes `prefix` off the front of `text`, or leaves it and says no.
bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::optional<std::string> number_in(std::string_view rest, Draw& draw) {
  const auto low = take_number(rest);
  if (!low || !take(rest, "-")) return std::nullopt;
  const auto high = take_number(rest);
  if (!high || *high < *low || !rest.empty()) return std::nullopt;
  // Unsigned, where the width of any range fits; 0 stands for all 2^64 numbers.
  const auto first = static_cast<std::uint64_t>(*low);
  const std::uint64_t width = static_cast<std::uint64_t>(*high) - first + 1;
  const std::uint64_t offset = width == 0 ? draw.next() : draw.below(width);
  return std::to_string(static_cast<std::int64_t>(first + offset));
}

std::string_view strip(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::string one_of(std::string_view list, Draw& draw) {
  const auto bars = static_cast<std::uint64_t>(std::ranges::count(list, '|'));
  for (std::uint64_t skip = draw.below(bars + 1); skip > 0; --skip) list.remove_prefix(list.find('|') + 1);
  return std::string(strip(list.substr(0, list.find('|'))));
}

std::optional<std::int64_t> count_before(std::string_view rest, std::string_view suffix) {
  const auto count = take_number(rest);
  if (!count || *count < 0 || *count > kMostWords || rest != suffix) return std::nullopt;
  return count;
}

std::string numbered_list(std::int64_t count, Draw& draw) {
  constexpr std::int64_t kWordsPerLine = 4;
  std::string lines;
  for (std::int64_t i = 1; i <= count; ++i) {
    if (i > 1) lines += '\n';
    append_number(lines, i);
    lines += ". ";
    append_words(lines, kWordsPerLine, draw);
  }
  return lines;
}

std::string words(std::int64_t count, Draw& draw) {
  std::string text;
  append_words(text, count, draw);
  return text;
}

// Obeys the directive that stands between brackets, if it is one.
std::optional<std::string> obey(std::string_view inside, Draw& draw) {
  if (take(inside, "number ")) return number_in(inside, draw);
  if (take(inside, "one of: ")) return one_of(inside, draw);
  if (take(inside, "list of ")) {
    const auto count = count_before(inside, "");
    return count ? std::optional(numbered_list(*count, draw)) : std::nullopt;
  }
  if (take(inside, "about ")) {
    const auto count = count_before(inside, " words");
    return count ? std::optional(words(*count, draw)) : std::nullopt;
  }
  return std::nullopt;
}

// The longest prefix of at most `most` bytes that does not end inside a UTF-8 sequence.
std::size_t whole_characters(std::string_view text, std::size_t most) {
  if (most >= text.size()) return text.size();
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  return most;
}

void cut_at_stop_sequence(Answer& answer, const ApiRequest& request) {
  std::size_t first = std::string::npos;
  for (const std::string_view stop : request.stop) {
    const std::size_t at = stop.empty() ? std::string::npos : answer.text.find(stop);
    if (at >= first) continue;
    first = at;
    answer.stop = Stop::kStopSequence;
    answer.stop_sequence = stop;
  }
  if (first != std::string::npos) answer.text.resize(first);
}

void cut_at_length(Answer& answer, const ApiRequest& request) {
  answer.tokens = count_tokens(answer.text.size());
  if (!request.max_tokens || answer.tokens <= *request.max_tokens) return;
  answer.text.resize(whole_characters(answer.text, static_cast<std::size_t>(*request.max_tokens) * 4));
  answer.tokens = *request.max_tokens;
  answer.stop = Stop::kLength;
  answer.stop_sequence = {};
}

// The tool and its arguments that a prompt's last directive names.
void read_call(std::string_view prompt, Answer& answer) {
  const std::size_t open = prompt.rfind('[');
  if (open == std::string_view::npos) return;
  std::string_view inside = prompt.substr(open + 1);
  const std::size_t close = inside.find(']');
  if (close == std::string_view::npos || !take(inside, "call ")) return;
  inside = inside.substr(0, inside.find(']'));
  const std::size_t space = std::min(inside.find(' '), inside.size());
  answer.tool = inside.substr(0, space);
  answer.arguments = space == inside.size() ? "{}" : inside.substr(space + 1);
  answer.tokens = count_tokens(inside.size());
  answer.stop = Stop::kToolCall;
}

}  // namespace

std::string answer_text(std::string_view prompt, std::uint64_t hash) {
  Draw draw(hash);
  for (std::size_t open = prompt.rfind('['); open != std::string_view::npos;
       open = prompt.rfind('[', open - 1)) {
    const std::size_t close = prompt.find(']', open);
    if (close != std::string_view::npos) {
      if (auto text = obey(prompt.substr(open + 1, close - open - 1), draw)) return *std::move(text);
    }
    if (open == 0) break;
  }
  return words(kDefaultWords, draw);
}

Answer make_answer(const ApiRequest& request, std::int64_t choice, std::uint64_t salt) {
  Answer answer;
  if (!request.stream) read_call(request.prompt, answer);
  if (answer.stop == Stop::kToolCall) return answer;
  answer.text = answer_text(request.prompt, mix(request.hash + salt) + static_cast<std::uint64_t>(choice));
  cut_at_stop_sequence(answer, request);
  cut_at_length(answer, request);
  return answer;
}

std::int64_t total_tokens(std::span<const Answer> answers) {
  std::int64_t total = 0;
  for (const Answer& answer : answers) total += answer.tokens;
  return total;
}

std::vector<float> embed(std::string_view model, std::string_view text, std::int64_t dimensions) {
  constexpr int kPlacesPerWord = 8;
  const std::uint64_t seed = hash_bytes(model, 0);
  const auto size = static_cast<std::uint64_t>(dimensions);
  std::vector<float> vector(size);
  Draw noise(hash_bytes(text, seed));
  for (float& number : vector) number = static_cast<float>(noise.unit() - 0.5) * 0.01F;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    Draw places(hash_bytes(text.substr(0, end), seed));
    for (int i = 0; end > 0 && i < kPlacesPerWord; ++i)
      vector[places.below(size)] += places.chance(0.5) ? 1.0F : -1.0F;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  float square = 0;
  for (const float number : vector) square += number * number;
  const float length = std::sqrt(square);
  for (float& number : vector) number /= length;
  return vector;
}

}  // namespace xcs::sim
