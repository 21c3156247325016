#include "sim/recording_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace xcs::sim {

namespace {

// Failure is in errno.
bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

std::unexpected<Error> cannot_record(const std::string& name, std::string_view reason) {
  return recording_error(fmt::format("cannot record to {}: {}", name, reason));
}

}  // namespace

Result<RecordingFile> RecordingFile::open(const std::string& name, std::vector<std::string>& warnings) {
  Descriptor fd(::open(name.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!fd) return cannot_record(name, std::strerror(errno));
  struct stat about{};
  if (::fstat(fd.get(), &about) != 0) return cannot_record(name, std::strerror(errno));
  if (!S_ISREG(about.st_mode)) return cannot_record(name, "it is not a regular file");
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return cannot_record(name,
                         errno == EWOULDBLOCK ? "another simulator records to it" : std::strerror(errno));
  }
  if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    warnings.push_back(
        fmt::format("others than its owner may read or write {}, which holds prompts and answers; "
                    "chmod 600 changes that",
                    name));
  }
  RecordingFile file(name, std::move(fd));
  if (Result<void> ready = file.go_on(warnings); !ready) return std::unexpected(ready.error());
  return file;
}

// Finds the end of what is recorded already, and makes it one where a line may begin.
Result<void> RecordingFile::go_on(std::vector<std::string>& warnings) {
  auto recording = read_recording(name_);
  if (!recording) return std::unexpected(recording.error());
  if (!recording->warning.empty() && !recording->half_line) {
    return cannot_record(name_, recording->warning + "; remove that line first");
  }
  if (recording->half_line) {
    warnings.push_back(recording->warning);
    if (::ftruncate(file_.get(), static_cast<off_t>(recording->size)) != 0)
      return cannot_record(name_, std::strerror(errno));
  }
  char last = '\n';
  if (recording->size > 0 && ::pread(file_.get(), &last, 1, static_cast<off_t>(recording->size) - 1) != 1)
    return cannot_record(name_, std::strerror(errno));
  if (last != '\n' && !write_all(file_.get(), "\n")) return cannot_record(name_, std::strerror(errno));
  if (!recording->exchanges.empty()) last_at_us_ = recording->exchanges.back().at_us;
  return {};
}

std::optional<std::string> RecordingFile::append(const RecordedExchange& exchange) {
  const off_t before = ::lseek(file_.get(), 0, SEEK_END);
  if (before >= 0 && write_all(file_.get(), recording_line(exchange))) return std::nullopt;
  const int reason = errno;
  std::string message = fmt::format("cannot record to {}: {}", name_, std::strerror(reason));
  if (before >= 0 && ::ftruncate(file_.get(), before) != 0)
    message += fmt::format("; half a line may be left at its end: {}", std::strerror(errno));
  return message;
}

}  // namespace xcs::sim
