#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "sim/answer_source.h"
#include "sim/books.h"
#include "sim/canonical_request.h"
#include "sim/recording.h"

namespace xcs::sim {

// Answers from a recording: those to the same request in the order in which they were asked for, then the
// last one again and again.
class Replay final : public AnswerSource {
 public:
  // `file` is what messages call the recording. Times are divided by `speed`; 0 answers at once. `books`
  // stays in place for as long as this lives.
  Replay(std::string file, std::vector<RecordedExchange> exchanges, double speed, Books& books);

  Script answer(const Arrival& arrival) override;
  void restart() override;

 private:
  struct Entry {
    std::string line;  // method and path
    std::map<std::string, std::string> fields;
    std::vector<RecordedAnswer> answers;
    std::size_t next = 0;
  };

  std::string advice(const std::string& line, const CanonicalRequest& request) const;

  const std::string file_;
  const double speed_;
  Books& books_;
  RequestReader reader_;
  std::map<std::string, Entry> entries_;  // by CanonicalRequest::digest
};

// What is sent when, to answer as `answer` was recorded.
Script replayed(const RecordedAnswer& answer, double speed, bool keep_alive);

}  // namespace xcs::sim
