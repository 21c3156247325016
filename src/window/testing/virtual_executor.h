// Carries out toy calls in virtual time: nothing runs, and completions come in an order drawn from a seed.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "window/run.h"
#include "window/testing/toy_host.h"

namespace xcs::window::toy {

// Checks, with XCS_CHECK, that the window keeps its side: tickets are never used twice, only calls in flight
// are cancelled, no two have the same path, no more than `limit` run at once, wait() has something to wait
// for.
class VirtualExecutor final : public Executor {
 public:
  // Latencies are drawn from 1 to `longest` units of time; 1 makes every call take equally long.
  VirtualExecutor(std::uint64_t seed, int longest, std::uint32_t limit)
      : random_(seed), longest_(longest), limit_(limit) {}

  // Makes every call with this ToyCall::text() take `units` of time.
  void set_latency(std::string call, std::int64_t units) { latencies_[std::move(call)] = units; }

  void start(Ticket ticket, std::unique_ptr<Call> call) override;
  void cancel(Ticket ticket) override;
  std::vector<Completion> wait() override;
  std::vector<Completion> poll() override { return due(); }
  void drain() override;

  // Calls that are started and neither delivered nor cancelled, and those that nobody has waited for to stop.
  std::size_t in_flight() const { return running_.size(); }
  std::size_t running() const { return running_.size() + cancelled_; }
  // What was started, in that order, as ToyCall::text() says it.
  const std::vector<std::string>& started() const { return started_; }
  // The same by CallPath::steps, with Options::paths.
  const std::map<std::string, std::string>& paths() const { return paths_; }
  std::int64_t now() const { return now_; }

 private:
  std::vector<Completion> due();

  struct Running {
    std::int64_t due;
    std::unique_ptr<ToyCall> call;
  };
  std::mt19937_64 random_;
  const int longest_;
  const std::uint32_t limit_;
  std::int64_t now_ = 0;
  Ticket last_ = 0;
  std::size_t cancelled_ = 0;
  std::map<Ticket, Running> running_;
  std::vector<std::string> started_;
  std::map<std::string, std::string> paths_;
  std::map<std::string, std::int64_t> latencies_;
};

}  // namespace xcs::window::toy
