#include "sim/recorder.h"

#include <fmt/format.h>
#include <poll.h>
#include <simdjson.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/mutex.h"
#include "sim/redaction.h"

namespace xcs::sim {

namespace {

// A client gives up long before, and what it waited for is recorded.
constexpr net::Timeouts kTimeouts{.connect = std::chrono::seconds(30),
                                  .first_byte = std::chrono::minutes(30),
                                  .idle = std::chrono::minutes(30),
                                  .total = std::chrono::hours(2)};
constexpr std::size_t kLargestAnswer = std::size_t{1} << 30;
// How long the end of the server waits for answers under way. A client may be content with a stream's last
// event and end the server before the stream has ended.
constexpr std::chrono::seconds kGrace{1};

TimePoint now() { return std::chrono::steady_clock::now(); }

// Headers that belong to one connection, or that say how a body travels over it.
constexpr std::array<std::string_view, 11> kOfConnection = {
    "connection", "keep-alive", "proxy-connection",  "proxy-authenticate", "proxy-authorization", "te",
    "trailer",    "upgrade",    "transfer-encoding", "content-length",     "http2-settings"};

// What net and libcurl write themselves.
constexpr std::array<std::string_view, 3> kOfRequest = {"host", "expect", "accept-encoding"};

// Whether one of the names is `name`, whose capitals count for small letters.
bool among(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::any_of(names,
                             [&](std::string_view known) { return equals_ignoring_case(known, name); });
}

net::Headers forwarded(std::string_view headers) {
  std::string_view of_connection;
  for_each_header(headers, [&](std::string_view name, std::string_view value) {
    if (equals_ignoring_case(name, "connection")) of_connection = value;
  });
  net::Headers out;
  for_each_header(headers, [&](std::string_view name, std::string_view value) {
    if (!among(kOfConnection, name) && !among(kOfRequest, name) && !holds_word(of_connection, name))
      out.add(name, value);
  });
  return out;
}

std::string small_letters(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

// A header's value as JSON can hold it: what is no UTF-8 becomes question marks.
std::string printable(std::string_view value) {
  std::string out(value);
  if (!simdjson::validate_utf8(out)) {
    std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  }
  std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t'; }, '?');
  return out;
}

// How long the body is that the head announces, if it says so of the body as it is passed on.
std::optional<std::size_t> announced_length(const net::Response& head) {
  if (head.status == 204 || head.status == 304) return 0;
  const auto length = head.headers.find("content-length");
  if (!length || head.headers.find("content-encoding").value_or("identity") != "identity")
    return std::nullopt;
  std::size_t size = 0;
  const auto [end, error] = std::from_chars(length->data(), length->data() + length->size(), size);
  if (error != std::errc{} || end != length->data() + length->size()) return std::nullopt;
  return size;
}

bool is_timeout(const Error& error) {
  return error.code == "net.first_byte_timeout" || error.code == "net.idle_timeout" ||
         error.code == "net.total_timeout";
}

}  // namespace

// What has come in for one exchange.
struct Recorder::News {
  std::uint64_t number;
  TimePoint at;
  std::optional<net::Response> head = {};
  std::string piece = {};
  bool over = false;
  std::optional<Error> error = {};
};

// Where the reactor's thread leaves news for the server's.
class Recorder::Inbox {
 public:
  Inbox() : wakeup_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { XCS_CHECK(wakeup_.get() >= 0); }

  void post(News news) {
    const MutexLock lock(mutex_);
    const bool first = news_.empty();
    news_.push_back(std::move(news));
    const std::uint64_t one = 1;
    if (first) [[maybe_unused]]
      const ssize_t written = ::write(wakeup_.get(), &one, sizeof one);
  }

  std::vector<News> take() {
    const MutexLock lock(mutex_);
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t size = ::read(wakeup_.get(), &count, sizeof count);
    return std::exchange(news_, {});
  }

  int descriptor() const { return wakeup_.get(); }

 private:
  const Descriptor wakeup_;  // an eventfd, readable while there is news
  Mutex mutex_;
  std::vector<News> news_ XCS_GUARDED_BY(mutex_);
};

struct Recorder::Exchange {
  std::uint64_t caller;
  TimePoint started;
  bool keep_alive;
  Provider provider;
  std::string request_id;
  Redaction redaction;
  RecordedExchange record = {};
  std::shared_ptr<Feed> feed = std::make_shared<Feed>();  // lives on in the script, too
  net::Handle handle = nullptr;

  Ending orderly() const { return keep_alive ? Ending::kKeepAlive : Ending::kClose; }
};

Result<std::unique_ptr<Recorder>> Recorder::open(const std::string& file, std::string upstream, Books& books,
                                                 std::vector<std::string>& warnings) {
  auto opened = RecordingFile::open(file, warnings);
  if (!opened) return std::unexpected(opened.error());
  return std::unique_ptr<Recorder>(new Recorder(*std::move(opened), std::move(upstream), books));
}

Recorder::Recorder(RecordingFile file, std::string upstream, Books& books)
    : file_(std::move(file)),
      upstream_(std::move(upstream)),
      books_(books),
      last_at_us_(file_.last_at_us()),
      inbox_(std::make_shared<Inbox>()),
      reactor_(std::make_unique<net::Reactor>()) {}

Recorder::~Recorder() { close(); }

int Recorder::news_descriptor() const { return inbox_->descriptor(); }

std::optional<ApiError> Recorder::objection(const Arrival& arrival) {
  constexpr std::array<std::string_view, 5> kMethods = {"GET", "POST", "PUT", "PATCH", "DELETE"};
  if (std::ranges::find(kMethods, arrival.http.method) == kMethods.end()) {
    return ApiError{.status = 405,
                    .message = "Only GET, POST, PUT, PATCH and DELETE can be forwarded and recorded."};
  }
  const std::string_view target = arrival.http.target;
  if (!target.starts_with('/') || !simdjson::validate_utf8(target.data(), target.size())) {
    return ApiError{.status = 400,
                    .message = "The path of a request that is to be forwarded begins with '/' and is UTF-8."};
  }
  return std::nullopt;
}

Script Recorder::answer(const Arrival& arrival) {
  if (broken_) {
    return error_reply(
        arrival,
        {.status = 500, .message = fmt::format("xcs sim {}, so it forwards no more requests.", *broken_)});
  }
  if (const auto error = objection(arrival)) return error_reply(arrival, *error);
  const HttpRequest& http = arrival.http;
  auto exchange = std::make_unique<Exchange>(Exchange{.caller = http.caller,
                                                      .started = arrival.now,
                                                      .keep_alive = http.keep_alive,
                                                      .provider = arrival.provider,
                                                      .request_id = arrival.request_id,
                                                      .redaction = Redaction(http)});
  exchange->record.request = {.method = std::string(http.method),
                              .target = exchange->redaction.target(),
                              .body = exchange->redaction.redacted(http.body)};
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  const auto at_us = std::chrono::duration_cast<std::chrono::microseconds>(since_1970).count();
  exchange->record.at_us = last_at_us_ = std::max<std::int64_t>(at_us, last_at_us_ + 1);

  Script script = fed_response(exchange->feed);
  if (!names_models(arrival.path())) {
    const std::uint64_t hash = reader_.read(exchange->record.request).hash;
    books_.note(hash);
    books_.begin(script, hash);
  }
  exchanges_.emplace(arrival.number, std::move(exchange));
  start(arrival.number, arrival);
  return script;
}

void Recorder::start(std::uint64_t number, const Arrival& arrival) {
  const HttpRequest& http = arrival.http;
  net::Request request{.method = std::string(http.method),
                       .url = upstream_ + std::string(http.target),
                       .headers = forwarded(http.headers),
                       .body = std::string(http.body),
                       .timeouts = kTimeouts,
                       .max_response_bytes = kLargestAnswer};
  net::Handler handler{
      .on_done = [inbox = inbox_, number](Result<net::Response> response) -> std::optional<Duration> {
        News news{.number = number, .at = now(), .over = true};
        if (!response) news.error = std::move(response.error());
        inbox->post(std::move(news));
        return std::nullopt;
      },
      .on_piece = [inbox = inbox_, number](std::string_view piece) -> Result<void> {
        inbox->post({.number = number, .at = now(), .piece = std::string(piece)});
        return {};
      },
      .on_any_head =
          [inbox = inbox_, number](const net::Response& head) {
            inbox->post({.number = number, .at = now(), .head = head});
          }};
  exchanges_.at(number)->handle = reactor_->start(std::move(request), std::move(handler));
}

std::vector<std::uint64_t> Recorder::take_news() {
  std::vector<std::uint64_t> callers;
  for (News& news : inbox_->take()) {
    const auto found = exchanges_.find(news.number);
    if (found == exchanges_.end()) continue;
    callers.push_back(found->second->caller);
    take(news, *found->second);
    if (news.over) exchanges_.erase(found);
  }
  std::ranges::sort(callers);
  const auto repeated = std::ranges::unique(callers);
  callers.erase(repeated.begin(), repeated.end());
  return callers;
}

void Recorder::take(News& news, Exchange& exchange) {
  RecordedAnswer& answer = exchange.record.answer;
  const auto due = std::max(news.at - exchange.started, std::chrono::nanoseconds{});
  answer.end_due = std::max(answer.end_due, due);
  if (news.head) {
    answer.head_due = answer.end_due;
    begin_answer(exchange, *news.head);
  }
  if (!news.piece.empty()) {
    answer.body += news.piece;
    answer.pieces.push_back({answer.end_due, answer.body.size()});
    pass_on(exchange);
  }
  if (news.over) finish(exchange, news.error);
}

// A client that knows the length of a body takes its last byte for the end, so that waits until the exchange
// is recorded.
void Recorder::pass_on(Exchange& exchange) {
  const std::string& body = exchange.record.answer.body;
  Feed& feed = *exchange.feed;
  const bool last = feed.length && *feed.length > 0 && body.size() == *feed.length;
  feed.body.append(body, feed.body.size(), body.size() - feed.body.size() - (last ? 1 : 0));
}

void Recorder::begin_answer(Exchange& exchange, const net::Response& head) {
  RecordedAnswer& answer = exchange.record.answer;
  answer.status = head.status;
  answer.length = announced_length(head);
  ResponseHead passed{
      .status = head.status, .content_type = "", .headers = {}, .keep_alive = exchange.keep_alive};
  const std::string of_connection(head.headers.find("connection").value_or(""));
  head.headers.for_each_line([&](std::string_view line) {
    const std::string name = small_letters(line.substr(0, line.find(':')));
    if (among(kOfConnection, name) || name == "content-encoding" || holds_word(of_connection, name)) return;
    const std::string value = printable(line.substr(name.size() + 2));
    passed.headers.append(name).append(": ").append(value).append("\r\n");
    answer.headers.emplace_back(name, is_credential_header(name) ? "*" : exchange.redaction.redacted(value));
  });
  ++books_.stats().by_status[head.status];
  exchange.feed->head = std::move(passed);
  exchange.feed->length = answer.length;
}

// The upstream says no more. What is recorded is on its way to the disk before the client sees the end.
void Recorder::finish(Exchange& exchange, const std::optional<Error>& error) {
  Feed& feed = *exchange.feed;
  RecordedAnswer& answer = exchange.record.answer;
  if (error && !is_timeout(*error) && error->code != "net.broken") {
    explain(exchange, 502, fmt::format("xcs sim got no answer from the upstream: {}.", error->message));
    return;
  }
  answer.end = !error               ? RecordedEnd::kComplete
               : is_timeout(*error) ? RecordedEnd::kTimeout
                                    : RecordedEnd::kReset;
  std::string body = answer.body;  // before what must not be recorded is overwritten
  write(exchange);
  feed.body = std::move(body);
  feed.whole = answer.end == RecordedEnd::kComplete;
  feed.ending = ending_of(answer, exchange.keep_alive);
  feed.over = true;
}

// The upstream's failure is no answer of the provider, so it is not recorded.
void Recorder::explain(Exchange& exchange, int status, const std::string& message) {
  Feed& feed = *exchange.feed;
  feed.over = true;
  feed.whole = !feed.head;
  feed.ending = feed.head || !exchange.keep_alive ? Ending::kClose : Ending::kKeepAlive;
  if (feed.head) return;
  ++books_.stats().by_status[status];
  feed.body = error_body(exchange.provider, {.status = status, .message = message}, exchange.request_id);
  feed.length = feed.body.size();
  feed.head = ResponseHead{.status = status, .headers = {}, .keep_alive = exchange.keep_alive};
}

void Recorder::write(Exchange& exchange) {
  if (broken_) return;
  exchange.redaction.blot(exchange.record.answer.body);
  broken_ = file_.append(exchange.record);
}

void Recorder::close() {
  const TimePoint deadline = now() + kGrace;
  while (reactor_ && !exchanges_.empty()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - now());
    pollfd wait{.fd = inbox_->descriptor(), .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) == 0) break;
    take_news();
  }
  for (const auto& [number, exchange] : exchanges_) {
    if (exchange->feed->abandoned) write_abandoned(*exchange);
  }
  exchanges_.clear();
  reactor_.reset();
}

// Its client saw what has come so far, and then silence until it left.
void Recorder::write_abandoned(Exchange& exchange) {
  exchange.record.answer.end = RecordedEnd::kTimeout;
  write(exchange);
}

}  // namespace xcs::sim
