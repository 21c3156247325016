// Whatever a server sends, its parsers come to an end, stay within their bounds, and do not depend on how it
// was cut.
//
// The environment variable XCS_FUZZED names the one that is given the inputs.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "llm/limit_headers.h"
#include "llm/retry.h"
#include "llm/sse.h"
#include "llm/stream.h"
#include "llm/wire_answer.h"
#include "sim/http_parser.h"
#include "sim/recording.h"

namespace {

using namespace xcs;

constexpr llm::Provider kProviders[] = {llm::Provider::kOpenAi, llm::Provider::kAnthropic,
                                        llm::Provider::kResponses, llm::Provider::kEmbeddings};

llm::WireRequest request_to(llm::Provider provider) {
  llm::WireRequest request;
  request.provider = provider;
  request.http.url = "http://server/v1";
  request.api_key = "k";
  return request;
}

// Calls f(piece) for pieces of the text whose sizes come from the text itself.
template <class F>
void in_pieces(std::string_view text, F f) {
  while (!text.empty()) {
    const std::size_t size = 1 + (static_cast<unsigned char>(text.front()) % 7);
    f(text.substr(0, size));
    text.remove_prefix(std::min(size, text.size()));
  }
}

using Events = std::vector<std::pair<std::string, std::string>>;

// The events of a text, and at the end whether it was accepted.
Events events_of(std::string_view text, bool cut, std::size_t max_event_bytes) {
  Events events;
  llm::SseParser parser(max_event_bytes);
  const llm::SseParser::OnEvent keep = [&](const llm::SseEvent& event) -> Result<void> {
    events.emplace_back(event.name, event.data);
    return {};
  };
  bool accepted = true;
  const auto feed = [&](std::string_view piece) { accepted = accepted && parser.feed(piece, keep); };
  if (cut) {
    in_pieces(text, feed);
  } else {
    feed(text);
  }
  accepted = accepted && parser.finish(keep);
  events.emplace_back("", accepted ? "accepted" : "refused");
  return events;
}

void fuzz_events(std::string_view text) {
  const std::size_t enough = text.size();
  XCS_CHECK(events_of(text, false, enough) == events_of(text, true, enough), text.size());
  // How far it gets until an event is too large depends on the pieces.
  constexpr std::size_t kFew = 16;
  for (const bool cut : {false, true}) {
    for (const auto& [name, data] : events_of(text, cut, kFew))
      XCS_CHECK(name.size() <= kFew && data.size() <= kFew, name.size(), data.size());
  }
}

void fuzz_answer(std::string_view text) {
  for (const llm::Provider provider : kProviders) {
    for (const int status : {200, 429, 500}) {
      const auto answer =
          llm::to_answer(request_to(provider), {.status = status, .headers = {}, .body = std::string(text)});
      XCS_CHECK(answer || !answer.error().message.empty(), status);
      XCS_CHECK(!answer || status == 200, status);
    }
  }
}

void fuzz_stream(std::string_view text) {
  for (const llm::Provider provider : kProviders) {
    const llm::WireRequest request = request_to(provider);
    const auto read = [&](bool cut) {
      std::string said;
      llm::AnswerStream stream(request, [&](std::string_view piece) { said += piece; });
      bool accepted = true;
      const auto feed = [&](std::string_view piece) { accepted = accepted && stream.feed(piece); };
      if (cut) {
        in_pieces(text, feed);
      } else {
        feed(text);
      }
      const auto answer = accepted ? stream.finish() : std::unexpected(Error{});
      return std::tuple(said, answer ? answer->text : "refused", accepted);
    };
    XCS_CHECK(read(false) == read(true), text.size());
  }
}

void fuzz_headers(std::string_view text) {
  net::Headers headers;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::size_t colon = std::min(line.find(':'), line.size());
    headers.add(line.substr(0, colon), line.substr(std::min(colon + 1, line.size())));
  }
  const llm::WallTime now{std::chrono::seconds(1'700'000'000)};
  for (const auto& report : llm::read_limits(headers, now)) {
    if (!report) continue;
    XCS_CHECK(report->limit > 0 && report->remaining >= 0 && report->remaining <= report->limit,
              report->limit);
    XCS_CHECK(!report->full_after ||
                  (*report->full_after >= Duration::zero() && *report->full_after <= std::chrono::hours(24)),
              report->limit);
  }
  const auto delay = llm::server_delay(headers, now);
  XCS_CHECK(!delay || (*delay >= Duration::zero() && *delay <= std::chrono::hours(24)), delay.has_value());
}

void fuzz_durations(std::string_view text) {
  const auto duration = llm::parse_go_duration(text);
  XCS_CHECK(!duration || (*duration >= Duration::zero() && *duration <= std::chrono::hours(24)), text.size());
  static_cast<void>(llm::parse_rfc3339(text));
  static_cast<void>(llm::parse_http_date(text));
  static_cast<void>(llm::parse_number(text));
}

// The simulator's own parser, of requests: it sees a growing buffer.
void fuzz_request(std::string_view text) {
  sim::HttpParser whole;
  const auto state = whole.parse(text);
  sim::HttpParser growing;
  auto last = sim::HttpParser::State::kNeedMore;
  std::string received;
  in_pieces(text, [&](std::string_view piece) {
    if (last != sim::HttpParser::State::kNeedMore) return;  // what it found points into what was received
    received += piece;
    last = growing.parse(received);
  });
  if (text.empty()) return;
  XCS_CHECK(state == last, static_cast<int>(state), static_cast<int>(last));
  if (state != sim::HttpParser::State::kComplete) return;
  XCS_CHECK(whole.consumed() == growing.consumed(), whole.consumed(), growing.consumed());
  XCS_CHECK(whole.request().body == growing.request().body, whole.consumed());
}

// What a recording says is read or refused, and what was read is written so that it is read again.
void fuzz_recording(std::string_view text) {
  const auto recording = sim::parse_recording(text, "f");
  if (!recording) return;
  XCS_CHECK(recording->size <= text.size(), recording->size);
  for (const sim::RecordedExchange& exchange : recording->exchanges) {
    const auto again = sim::parse_recording(sim::recording_line(exchange), "f");
    XCS_CHECK(again && again->exchanges.size() == 1, text.size());
    XCS_CHECK(again->exchanges[0].answer.body == exchange.answer.body, text.size());
  }
}

using Parser = void (*)(std::string_view);
constexpr std::pair<std::string_view, Parser> kParsers[] = {
    {"answer", fuzz_answer},   {"durations", fuzz_durations}, {"events", fuzz_events},
    {"headers", fuzz_headers}, {"recording", fuzz_recording}, {"request", fuzz_request},
    {"stream", fuzz_stream}};

Parser chosen() {
  const char* name = std::getenv("XCS_FUZZED");
  const auto* found =
      std::ranges::find(kParsers, name == nullptr ? "" : name, [](const auto& p) { return p.first; });
  XCS_CHECK(found != std::end(kParsers), "XCS_FUZZED names no parser");
  return found->second;
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Parser kParser = chosen();
  kParser({reinterpret_cast<const char*>(data), size});
  return 0;
}
