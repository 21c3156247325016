// The reactor's thread: takes requests from the mailbox and carries them through libcurl.
#pragma once

#include <curl/curl.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/easy.h"
#include "net/lookups.h"
#include "net/mailbox.h"
#include "net/multi.h"
#include "net/reactor.h"
#include "net/sockets.h"
#include "net/timer_heap.h"

namespace xcs::net {

// Everything but `stats` runs on one thread.
class Loop {
 public:
  Loop(std::size_t max_in_flight, std::shared_ptr<Mailbox> mailbox);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Serves until the mailbox is closed, then settles what is left with a cancelled error. When an
  // invariant breaks, settles everything with the internal error, closes the mailbox and returns.
  void run();

  // Any thread.
  ReactorStats stats() const;

 private:
  using Owner = std::shared_ptr<Transfer>;

  bool turn();
  void accept(Command& command);
  void admit();
  void join_line(Owner transfer, bool at_head);
  void serve_lanes();
  void serve_lane(std::uint64_t number);
  static std::optional<Result<Duration>> ask(Transfer& transfer);
  void touch_lane(const Transfer& transfer);
  void begin(Owner transfer);
  void finish(const Owner& transfer, CURLcode code);
  void settle(Owner transfer, Result<Response> result);
  void settle_all(const Error& error);

  void serve_multis();
  void serve_timers();
  void serve_leaders();
  void drop_multis();
  void on_timer(const Owner& transfer, TimePoint at);
  void wait_for_descriptors(const Owner& transfer);
  void finish_lookup(Transfer& transfer, const Error* error);

  void hold(const Owner& transfer);
  void forget(Transfer& transfer);
  void attach(const Owner& transfer, bool tls);
  void detach(Transfer& transfer);
  Multi& multi_with_room();
  TimePoint wake_at() const;
  void publish_counts();

  const std::size_t max_in_flight_;
  const std::shared_ptr<Mailbox> mailbox_;
  const TrustStore trust_;
  Sockets sockets_;
  CURLSH* const share_;
  std::vector<std::unique_ptr<Multi>> multis_;
  std::array<std::vector<std::unique_ptr<Easy>>, 2> idle_easies_;  // without TLS, with it
  TimerHeap timers_;
  Lookups<Owner> lookups_;

  std::vector<Owner> transfers_;  // all that are not settled, by Transfer::slot
  std::unordered_map<std::uint64_t, std::deque<Owner>> lanes_;
  std::vector<std::uint64_t> touched_lanes_;  // where something has changed since they were served
  std::deque<Owner> queue_;     // those that wait for a slot, and some that were cancelled meanwhile
  std::vector<Owner> leaders_;  // those in flight whose name lookup others wait for
  std::size_t in_flight_ = 0;
  std::size_t attempts_ = 0;
  std::size_t most_in_flight_ = 0;
  std::size_t descriptor_limit_;  // in_flight_ at which descriptors last ran out, growing with success
  TimePoint admit_at_ = TimePoint::min();
  bool drop_idle_multis_ = false;

  struct Counters {
    std::atomic<std::size_t> in_flight = 0, waiting = 0, most_in_flight = 0, attempts = 0, connections = 0;
  };
  Counters counters_;
};

}  // namespace xcs::net
