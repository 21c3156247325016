#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace xcs::sim {

// The server-sent events of one streamed answer, in order.
class EventStream {
 public:
  struct Event {
    std::size_t end;      // where it ends in bytes()
    std::int64_t tokens;  // how many tokens the model has produced when it is sent
  };

  // Adds an event; an empty name adds one that has only data. `data` must hold no line end.
  void add(std::string_view name, std::string_view data, std::int64_t tokens);

  // Drops the events from number `count` on.
  void truncate(std::size_t count);

  const std::string& bytes() const { return bytes_; }
  const std::vector<Event>& events() const { return events_; }

 private:
  std::string bytes_;
  std::vector<Event> events_;
};

// The pieces in which a text is streamed: each word with the white space before it.
std::vector<std::string_view> split_for_stream(std::string_view text);

}  // namespace xcs::sim
