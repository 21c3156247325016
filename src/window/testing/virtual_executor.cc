#include "window/testing/virtual_executor.h"

#include <algorithm>

#include "base/check.h"

namespace xcs::window::toy {

void VirtualExecutor::start(Ticket ticket, std::unique_ptr<Call> call) {
  XCS_CHECK(ticket > last_, ticket, last_);
  last_ = ticket;
  XCS_CHECK(running_.size() < limit_, running_.size(), limit_);
  std::unique_ptr<ToyCall> toy_call(static_cast<ToyCall*>(call.release()));
  started_.push_back(toy_call->text());
  if (const std::string& steps = toy_call->path.steps; !steps.empty())
    XCS_CHECK(paths_.emplace(steps, started_.back()).second, started_.back());
  const auto drawn = 1 + static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(longest_));
  const auto given = latencies_.find(started_.back());
  const std::int64_t latency = given == latencies_.end() ? drawn : given->second;
  running_.emplace(ticket, Running{now_ + latency, std::move(toy_call)});
}

void VirtualExecutor::cancel(Ticket ticket) {
  XCS_CHECK(running_.erase(ticket) == 1, ticket);
  ++cancelled_;
}

std::vector<Completion> VirtualExecutor::due() {
  std::vector<Completion> done;
  for (auto it = running_.begin(); it != running_.end();) {
    if (it->second.due > now_) {
      ++it;
      continue;
    }
    Answer answer = it->second.call->run();
    done.push_back({it->first, answer.raised, std::move(answer.value)});
    it = running_.erase(it);
  }
  std::ranges::shuffle(done, random_);
  return done;
}

std::vector<Completion> VirtualExecutor::wait() {
  XCS_CHECK(!running_.empty());
  std::int64_t first = running_.begin()->second.due;
  for (const auto& [ticket, running] : running_) first = std::min(first, running.due);
  now_ = std::max(now_, first);
  return due();
}

void VirtualExecutor::drain() {
  XCS_CHECK(running_.empty(), running_.size());
  cancelled_ = 0;
}

}  // namespace xcs::window::toy
