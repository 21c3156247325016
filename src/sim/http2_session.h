#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "sim/script.h"
#include "sim/session.h"

namespace xcs::sim {

class SimService;

// HTTP/2: many requests at once, each a stream whose script is played by itself.
class Http2Session final : public Session {
 public:
  // What a client sends first.
  static constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

  // `caller` becomes every request's.
  Http2Session(SimService& service, std::uint64_t caller);
  // Tells the service of what is not finished.
  ~Http2Session() override;
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  void receive(std::string_view bytes, TimePoint now) override;
  void advance(TimePoint now) override;
  std::optional<TimePoint> next_due() const override;
  bool wants_bytes() const override { return !outbox_.full(); }
  State state() const override { return state_; }

 private:
  struct Stream;
  struct Free {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };

  // nghttp2's callbacks; `user` is the session.
  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user);
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t flags, void* user);
  static int on_data(nghttp2_session*, std::uint8_t flags, std::int32_t id, const std::uint8_t* data,
                     std::size_t size, void* user);
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user);
  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user);
  static ssize_t on_read(nghttp2_session*, std::int32_t id, std::uint8_t* out, std::size_t room,
                         std::uint32_t* flags, nghttp2_data_source*, void* user);

  Stream* find(std::int32_t id);
  void start(std::int32_t id, Stream& stream);
  void play(std::int32_t id, Stream& stream);
  void respond(std::int32_t id, Stream& stream);
  void send();

  SimService& service_;
  const std::uint64_t caller_;
  std::unique_ptr<nghttp2_session, Free> session_;
  std::unordered_map<std::int32_t, std::unique_ptr<Stream>> streams_;
  std::set<std::pair<TimePoint, std::int32_t>> due_;  // when each stream's next step is
  std::set<std::int32_t> fed_;                        // streams whose answers are still coming in
  TimePoint now_{};                                   // of the call that is being worked on
  State state_ = State::kOpen;
};

}  // namespace xcs::sim
