#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "sim/descriptor.h"
#include "sim/recording.h"

namespace xcs::sim {

// A recording that grows. Whoever opens it first keeps others from opening it.
class RecordingFile {
 public:
  // Makes the file, for its owner alone to read and write, or goes on behind what is in it: half a line at
  // its end is removed, with a warning. Fails with "sim.recording".
  static Result<RecordingFile> open(const std::string& name, std::vector<std::string>& warnings);

  // Appends a line and hands it to the system. Failure, a sentence, leaves the file as it was, as far as the
  // system lets it.
  std::optional<std::string> append(const RecordedExchange& exchange);

  const std::string& name() const { return name_; }
  // The time of the last request in it; 0 if there is none.
  std::int64_t last_at_us() const { return last_at_us_; }

 private:
  RecordingFile(std::string name, Descriptor file) : name_(std::move(name)), file_(std::move(file)) {}

  Result<void> go_on(std::vector<std::string>& warnings);

  std::string name_;
  Descriptor file_;
  std::int64_t last_at_us_ = 0;
};

}  // namespace xcs::sim
