// A limiter that the processes of one user on one machine share.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "llm/limiter.h"

namespace xcs::llm {

// Where shared limiters live: the directory that XCS_SHARED_LIMITS names, else one of the user's own in
// memory. Empty when XCS_SHARED_LIMITS is "off", or when no directory can be had.
std::string shared_limits_directory();

// Note [shared limiters]
// The limiter is a value without pointers, and the steady clock is the machine's, so it can stand in a file
// that every process maps. A lock that survives the death of its holder guards it. What a process has in
// flight is counted apart, so that the calls of one that died are given up by the next one that looks.

// Safe from any thread, and from any process that opens the same file.
class SharedLimiter {
 public:
  // The limiter of a group by its name, of which the file holds nothing but a hash. Null when the file cannot
  // be had.
  static std::unique_ptr<SharedLimiter> open(const std::string& directory, std::string_view group,
                                             TimePoint now);
  ~SharedLimiter();
  SharedLimiter(const SharedLimiter&) = delete;
  SharedLimiter& operator=(const SharedLimiter&) = delete;

  // Calls f with the limiter, which nobody else touches meanwhile.
  void with_limiter(TimePoint now, const std::function<void(Limiter&)>& f);

  // Whether calls of other processes are in flight, as far as this one has seen.
  bool has_company() const { return company_; }

 private:
  struct State;
  explicit SharedLimiter(State* state) : state_(state) {}

  State* const state_;  // mapped
  bool company_ = false;
};

}  // namespace xcs::llm
