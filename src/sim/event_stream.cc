#include "sim/event_stream.h"

#include <algorithm>

namespace xcs::sim {

void EventStream::add(std::string_view name, std::string_view data, std::int64_t tokens) {
  if (!name.empty()) {
    bytes_ += "event: ";
    bytes_ += name;
    bytes_ += '\n';
  }
  bytes_ += "data: ";
  bytes_ += data;
  bytes_ += "\n\n";
  events_.push_back({bytes_.size(), tokens});
}

void EventStream::truncate(std::size_t count) {
  if (count >= events_.size()) return;
  events_.resize(count);
  bytes_.resize(events_.empty() ? 0 : events_.back().end);
}

std::vector<std::string_view> split_for_stream(std::string_view text) {
  constexpr std::string_view kSpace = " \n";
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const std::size_t word = std::min(text.find_first_not_of(kSpace), text.size());
    const std::size_t end = std::min(text.find_first_of(kSpace, word), text.size());
    pieces.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return pieces;
}

}  // namespace xcs::sim
