// What the library throws. Exceptions of the program's own pass through as the very same objects.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>

namespace xcs {

// The caller asked for something that cannot work: a Value used outside its run, frames that wait for each
// other, a model call without a key. The message says what and where to look.
class UsageError final : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// A native call failed for a reason outside the program.
class CallError final : public std::runtime_error {
 public:
  CallError(std::string code, bool transient, std::optional<int> http_status, const std::string& message)
      : std::runtime_error(message),
        code_(std::move(code)),
        transient_(transient),
        http_status_(http_status) {}

  // A stable word made for programs: "net.connect", "llm.billing".
  const std::string& code() const { return code_; }
  // Whether the same call may succeed when it is made again.
  bool transient() const { return transient_; }
  // When a server answered: its status.
  std::optional<int> http_status() const { return http_status_; }

 private:
  std::string code_;
  bool transient_;
  std::optional<int> http_status_;
};

}  // namespace xcs
