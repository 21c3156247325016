#include "sim/http2_session.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <vector>

#include "sim/http_parser.h"
#include "sim/sim_service.h"

namespace xcs::sim {

namespace {

constexpr std::uint32_t kMostStreams = 100;

std::string_view text(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

std::uint8_t* bytes(std::string_view text) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): nghttp2 copies it, but does not say so in its
  // types
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

nghttp2_nv field(std::string_view name, std::string_view value) {
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

// libcurl 7.88 resets streams that have ended, which is allowed; many resets are not taken for an attack.
void allow_resets(nghttp2_option* option) {
#ifdef XCS_NGHTTP2_LIMITS_RESETS
  constexpr std::uint64_t kAny = 1'000'000'000;
  nghttp2_option_set_stream_reset_rate_limit(option, kAny, kAny);
#else
  static_cast<void>(option);
#endif
}

}  // namespace

struct Http2Session::Stream {
  // The request.
  std::string method;
  std::string target;
  std::string authorization;
  std::string x_api_key;
  std::string anthropic_version;
  std::string headers;
  std::string body;

  std::optional<Player> player;  // once the request is complete
  std::size_t due = 0;           // bytes of the answer's body that may go out
  std::size_t sent = 0;          // that have
  bool deferred = false;         // nghttp2 has asked for more than is due
};

Http2Session::Http2Session(SimService& service, std::uint64_t caller) : service_(service), caller_(caller) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session* session = nullptr;
  if (nghttp2_session_callbacks_new(&callbacks) != 0) throw std::bad_alloc();
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, &on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, &on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &on_close);
  nghttp2_option* option = nullptr;
  if (nghttp2_option_new(&option) != 0) throw std::bad_alloc();
  allow_resets(option);
  const int made = nghttp2_session_server_new2(&session, callbacks, this, option);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  if (made != 0) throw std::bad_alloc();
  session_.reset(session);
  const nghttp2_settings_entry most{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kMostStreams};
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &most, 1);
}

Http2Session::~Http2Session() {
  for (const auto& [id, stream] : streams_) {
    if (stream->player) service_.end(stream->player->script(), false);
  }
}

void Http2Session::receive(std::string_view received, TimePoint now) {
  now_ = now;
  if (nghttp2_session_mem_recv(session_.get(), bytes(received), received.size()) < 0)
    state_ = State::kClosing;
  send();
}

void Http2Session::advance(TimePoint now) {
  now_ = now;
  while (!due_.empty() && due_.begin()->first <= now) {
    const std::int32_t id = due_.begin()->second;
    due_.erase(due_.begin());
    play(id, *find(id));
  }
  for (const std::int32_t id : std::vector(fed_.begin(), fed_.end())) play(id, *find(id));
  send();
}

std::optional<TimePoint> Http2Session::next_due() const {
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first;
}

Http2Session::Stream* Http2Session::find(std::int32_t id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.get();
}

int Http2Session::on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  static_cast<Http2Session*>(user)->streams_.try_emplace(frame->hd.stream_id, std::make_unique<Stream>());
  return 0;
}

int Http2Session::on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                            std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                            std::uint8_t, void* user) {
  Stream* const stream = static_cast<Http2Session*>(user)->find(frame->hd.stream_id);
  if (stream == nullptr) return 0;
  const std::array<std::pair<std::string_view, std::string*>, 5> known = {
      {{":method", &stream->method},
       {":path", &stream->target},
       {"authorization", &stream->authorization},
       {"x-api-key", &stream->x_api_key},
       {"anthropic-version", &stream->anthropic_version}}};
  for (const auto& [key, place] : known) {
    if (key == text(name, name_size)) *place = text(value, value_size);
  }
  if (name_size > 0 && name[0] != ':') {
    if (stream->headers.size() + name_size + value_size > HttpParser::kMaxHead) {
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // it resets the stream
    }
    if (!stream->headers.empty()) stream->headers += "\r\n";
    stream->headers.append(text(name, name_size)).append(": ").append(text(value, value_size));
  }
  return 0;
}

int Http2Session::on_data(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                          std::size_t size, void* user) {
  Stream* const stream = static_cast<Http2Session*>(user)->find(id);
  if (stream == nullptr) return 0;
  if (size > HttpParser::kMaxBody - stream->body.size()) {
    return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_ENHANCE_YOUR_CALM);
  }
  stream->body += text(data, size);
  return 0;
}

int Http2Session::on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  const bool of_request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
  if (!of_request || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
  auto& self = *static_cast<Http2Session*>(user);
  Stream* const stream = self.find(frame->hd.stream_id);
  if (stream != nullptr && !stream->player) self.start(frame->hd.stream_id, *stream);
  return 0;
}

int Http2Session::on_close(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
  auto& self = *static_cast<Http2Session*>(user);
  const auto found = self.streams_.find(id);
  if (found == self.streams_.end()) return 0;
  if (const auto& player = found->second->player) {
    if (const auto due = player->next_due()) self.due_.erase({*due, id});
    const bool complete = player->over() && (error == NGHTTP2_NO_ERROR || !player->script().whole);
    self.service_.end(player->script(), complete);
  }
  self.fed_.erase(id);
  self.streams_.erase(found);
  return 0;
}

// nghttp2 asks for the next bytes of an answer's body.
ssize_t Http2Session::on_read(nghttp2_session*, std::int32_t id, std::uint8_t* out, std::size_t room,
                              std::uint32_t* flags, nghttp2_data_source*, void* user) {
  Stream& stream = *static_cast<Http2Session*>(user)->find(id);
  const Script& script = stream.player->script();
  const std::size_t size = std::min(room, stream.due - stream.sent);
  std::memcpy(out, script.body.data() + stream.sent, size);
  stream.sent += size;
  const bool last = stream.player->over() && stream.sent == stream.due;
  if (last && script.whole) *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (size > 0 || (last && script.whole)) return static_cast<ssize_t>(size);
  if (last) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // it resets the stream
  stream.deferred = true;
  return NGHTTP2_ERR_DEFERRED;
}

void Http2Session::start(std::int32_t id, Stream& stream) {
  HttpRequest request;
  request.method = stream.method;
  request.target = stream.target;
  request.authorization = stream.authorization;
  request.x_api_key = stream.x_api_key;
  request.anthropic_version = stream.anthropic_version;
  request.headers = stream.headers;
  request.body = stream.body;
  request.http2 = true;
  request.caller = caller_;
  stream.player.emplace(service_.handle(request, now_), now_);
  play(id, stream);
}

// Takes the stream's steps that are due, and notes when the next one is.
void Http2Session::play(std::int32_t id, Stream& stream) {
  Player& player = *stream.player;
  while (player.try_step(now_)) {
    if (player.at_head() && player.script().head) respond(id, stream);
    stream.due += player.piece().size();
  }
  if (std::exchange(stream.deferred, false)) nghttp2_session_resume_data(session_.get(), id);
  if (const auto due = player.next_due()) due_.emplace(*due, id);
  if (player.script().feed) {
    fed_.insert(id);
  } else {
    fed_.erase(id);
  }
  if (player.over() && !player.script().head) {
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_INTERNAL_ERROR);
  }
}

void Http2Session::respond(std::int32_t id, Stream& stream) {
  const Script& script = stream.player->script();
  const std::string status = std::to_string(script.head->status);
  const std::string length = script.length ? std::to_string(*script.length) : "";
  std::vector<nghttp2_nv> fields = {field(":status", status)};
  if (!script.head->content_type.empty()) fields.push_back(field("content-type", script.head->content_type));
  if (script.length) fields.push_back(field("content-length", length));
  std::string_view lines = script.head->headers;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    const std::size_t colon = line.find(": ");
    fields.push_back(field(line.substr(0, colon), line.substr(colon + 2)));
    lines.remove_prefix(line.size() + 2);
  }
  const nghttp2_data_provider body{.source = {}, .read_callback = &on_read};
  nghttp2_submit_response(session_.get(), id, fields.data(), fields.size(), &body);
}

void Http2Session::send() {
  while (!outbox_.full()) {
    const std::uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_.get(), &data);
    if (size < 0) state_ = State::kClosing;
    if (size <= 0) break;
    outbox_.bytes += text(data, static_cast<std::size_t>(size));
  }
  if (nghttp2_session_want_read(session_.get()) == 0 && nghttp2_session_want_write(session_.get()) == 0) {
    state_ = State::kClosing;
  }
}

}  // namespace xcs::sim
