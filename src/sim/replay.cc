#include "sim/replay.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/redaction.h"

namespace xcs::sim {

namespace {

std::chrono::nanoseconds at_speed(std::chrono::nanoseconds time, double speed) {
  if (speed == 0) return {};
  return std::chrono::nanoseconds(std::llround(static_cast<double>(time.count()) / speed));
}

// The names of fields in which two bodies differ.
std::vector<std::string> differences(const std::map<std::string, std::string>& a,
                                     const std::map<std::string, std::string>& b) {
  std::vector<std::string> names;
  for (const auto& [name, digest] : a) {
    const auto other = b.find(name);
    if (other == b.end() || other->second != digest) names.push_back(name);
  }
  for (const auto& [name, digest] : b) {
    if (!a.contains(name)) names.push_back(name);
  }
  return names;
}

}  // namespace

Script replayed(const RecordedAnswer& answer, double speed, bool keep_alive) {
  Script script;
  script.whole = answer.end == RecordedEnd::kComplete;
  script.ending = ending_of(answer, keep_alive);
  if (answer.status != 0) {
    script.head = ResponseHead{answer.status, "", "", keep_alive};
    for (const auto& [name, value] : answer.headers)
      script.head->headers.append(name).append(": ").append(value).append("\r\n");
    script.steps.push_back({at_speed(answer.head_due, speed), 0});
  }
  script.good = script.whole && answer.status / 100 == 2;
  script.length = answer.length;
  script.body = answer.body;
  for (const Script::Step& piece : answer.pieces)
    script.steps.push_back({at_speed(piece.due, speed), piece.end});
  script.steps.push_back({at_speed(answer.end_due, speed), answer.body.size()});
  return script;
}

Replay::Replay(std::string file, std::vector<RecordedExchange> exchanges, double speed, Books& books)
    : file_(std::move(file)), speed_(speed), books_(books) {
  for (RecordedExchange& exchange : exchanges) {
    const RecordedRequest& request = exchange.request;
    CanonicalRequest canonical = reader_.read(request);
    Entry& entry = entries_[std::move(canonical.digest)];
    entry.line = fmt::format("{} {}", request.method, request.target);
    entry.fields = std::move(canonical.fields);
    entry.answers.push_back(std::move(exchange.answer));
  }
}

void Replay::restart() {
  for (auto& [digest, entry] : entries_) entry.next = 0;
}

Script Replay::answer(const Arrival& arrival) {
  const Redaction redaction(arrival.http);
  const RecordedRequest request{.method = std::string(arrival.http.method),
                                .target = redaction.target(),
                                .body = redaction.redacted(arrival.http.body)};
  const CanonicalRequest canonical = reader_.read(request);
  if (!names_models(arrival.path())) books_.note(canonical.hash);
  const auto found = entries_.find(canonical.digest);
  if (found == entries_.end()) {
    ++books_.stats().unrecorded;
    return error_reply(arrival,
                       {.status = 404,
                        .message = advice(fmt::format("{} {}", request.method, request.target), canonical),
                        .code = "not_recorded"});
  }
  Entry& entry = found->second;
  const RecordedAnswer& answer = entry.answers[entry.next];
  entry.next = std::min(entry.next + 1, entry.answers.size() - 1);
  Script script = replayed(answer, speed_, arrival.http.keep_alive);
  if (!names_models(arrival.path())) books_.begin(script, canonical.hash);
  return script;
}

// What is missing, and what is most like it among what there is.
std::string Replay::advice(const std::string& line, const CanonicalRequest& request) const {
  const std::string printable = simdjson::validate_utf8(line) ? line : "with a path that is not UTF-8";
  std::string text = fmt::format("The recording {} holds no answer to this request, {}.", file_, printable);
  std::optional<std::vector<std::string>> nearest;
  for (const auto& [digest, entry] : entries_) {
    if (entry.line != line) continue;
    auto names = differences(request.fields, entry.fields);
    if (!nearest || names.size() < nearest->size()) nearest = std::move(names);
  }
  if (!nearest) {
    text += " Nothing of that path is recorded.";
  } else if (!nearest->empty()) {
    text += fmt::format(" The most similar one it holds differs in: {}.", fmt::join(*nearest, ", "));
  }
  text +=
      " Run the program once more against xcs sim --record with the same file and --upstream, which adds "
      "what is missing.";
  return text;
}

}  // namespace xcs::sim
