#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "net/reactor.h"
#include "sim/answer_source.h"
#include "sim/books.h"
#include "sim/canonical_request.h"
#include "sim/recording_file.h"

namespace xcs::sim {

// Forwards requests to a provider, passes its answers on as they come, and records both.
class Recorder final : public AnswerSource {
 public:
  // `upstream` is the URL of the provider, to which a request's path is added. `books` stays in place for as
  // long as this lives. Adds to `warnings` what the user should know. Fails with "sim.recording" if the file
  // cannot be appended to.
  static Result<std::unique_ptr<Recorder>> open(const std::string& file, std::string upstream, Books& books,
                                                std::vector<std::string>& warnings);
  ~Recorder() override;
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  Script answer(const Arrival& arrival) override;
  int news_descriptor() const override;
  std::vector<std::uint64_t> take_news() override;
  void close() override;
  std::optional<std::string> problem() const override { return broken_; }

 private:
  class Inbox;
  struct News;
  struct Exchange;

  Recorder(RecordingFile file, std::string upstream, Books& books);

  static std::optional<ApiError> objection(const Arrival& arrival);
  void start(std::uint64_t number, const Arrival& arrival);
  void take(News& news, Exchange& exchange);
  static void pass_on(Exchange& exchange);
  void begin_answer(Exchange& exchange, const net::Response& head);
  void finish(Exchange& exchange, const std::optional<Error>& error);
  void explain(Exchange& exchange, int status, const std::string& message);
  void write(Exchange& exchange);
  void write_abandoned(Exchange& exchange);

  RecordingFile file_;
  const std::string upstream_;
  Books& books_;
  RequestReader reader_;
  std::optional<std::string> broken_;  // why nothing more can be recorded
  std::int64_t last_at_us_;
  const std::shared_ptr<Inbox> inbox_;  // shared with the handlers, which run on the reactor's thread
  std::map<std::uint64_t, std::unique_ptr<Exchange>> exchanges_;  // under way, by Arrival::number
  std::unique_ptr<net::Reactor> reactor_;
};

}  // namespace xcs::sim
