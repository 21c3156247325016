// Timeouts, limits, cancellation and the end of a reactor.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "net/reactor.h"
#include "net/testing/exchange.h"
#include "net/testing/fake_server.h"

namespace xcs::net {
namespace {

using std::chrono::milliseconds;
using testing::always;
using testing::Connection;
using testing::FakeServer;
using testing::get;
using ::testing::HasSubstr;
using testing::wait_for;
using testing::wait_for_error;

TEST(Reactor, ASilentServerMeetsTheFirstByteTimeout) {
  FakeServer server([](Connection& connection) { connection.wait_closed(); });
  Reactor reactor;
  Request request = get(server.url());
  request.timeouts.first_byte = milliseconds(20);
  const Error error = wait_for_error(reactor, std::move(request));
  EXPECT_EQ(error.kind, ErrorKind::kTransient);
  EXPECT_EQ(error.code, "net.first_byte_timeout");
  EXPECT_THAT(error.message,
              HasSubstr(fmt::format("127.0.0.1:{} did not begin its answer within 0.02 s", server.port())));
}

TEST(Reactor, AStallInsideTheAnswerMeetsTheIdleTimeout) {
  FakeServer server([](Connection& connection) {
    connection.wait_request();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    connection.wait_closed();
  });
  Reactor reactor;
  Request request = get(server.url());
  request.timeouts.idle = milliseconds(20);
  EXPECT_EQ(wait_for_error(reactor, std::move(request)).code, "net.idle_timeout");
}

TEST(Reactor, AnAnswerThatNeverEndsMeetsTheTotalTimeout) {
  FakeServer server([](Connection& connection) {
    connection.wait_request();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    connection.wait_closed();
  });
  Reactor reactor;
  Request request = get(server.url());
  request.timeouts.total = milliseconds(20);
  EXPECT_EQ(wait_for_error(reactor, std::move(request)).code, "net.total_timeout");
}

// More answers come than the loop hears of at once, while it has no time until all of them would be late.
TEST(Reactor, AnswersThatCameInTimeAreNotLateBecauseTheLoopWas) {
  constexpr int kMany = 300;
  std::latch received(kMany);
  std::latch busy(1);
  std::latch sent(kMany);
  FakeServer server([&](Connection& connection) {
    connection.wait_request();
    received.count_down();
    busy.wait();
    connection.respond(200, "in time");
    sent.count_down();
  });
  FakeServer other(always(200, ""));
  Reactor reactor;
  Request request = get(server.url());
  request.timeouts.total = std::chrono::seconds(3);
  std::atomic<int> answered = 0;
  std::latch left(kMany);
  std::vector<Handle> handles;
  for (int i = 0; i < kMany; ++i) {
    handles.push_back(reactor.start(request, {[&](Result<Response> result) {
                                      answered += result.has_value();
                                      left.count_down();
                                      return std::nullopt;
                                    }}));
  }
  received.wait();
  const TimePoint late = std::chrono::steady_clock::now() + request.timeouts.total;
  const Handle starving = reactor.start(get(other.url()), {[&](Result<Response>) {
                                          busy.count_down();
                                          sent.wait();
                                          std::this_thread::sleep_until(late);
                                          return std::nullopt;
                                        }});
  left.wait();
  EXPECT_EQ(answered, kMany);
  EXPECT_EQ(reactor.stats().attempts, kMany + 1u);
}

TEST(Reactor, ASuccessIsToldOfBeforeTheFirstPieceOfItsBody) {
  FakeServer server(always(200, "whole", "X-Kind: good\r\n"));
  FakeServer failing(always(500, "whole"));
  Reactor reactor;
  for (const auto& [url, wanted] : {std::pair(server.url(), "good|whole"), std::pair(failing.url(), "")}) {
    std::string heard;
    std::latch done(1);
    const Handle handle = reactor.start(
        get(url), {.on_done =
                       [&](Result<Response>) {
                         done.count_down();
                         return std::nullopt;
                       },
                   .on_head = [&](const Response& head) { heard += *head.headers.find("x-kind"); },
                   .on_piece = [&](std::string_view piece) -> Result<void> {
                     heard += heard.contains('|') ? "" : "|";
                     heard += piece;
                     return {};
                   }});
    done.wait();
    EXPECT_EQ(heard, wanted);
  }
}

TEST(Reactor, NeverHasMoreInFlightThanAllowedAndServesTheRestInOrder) {
  std::atomic<int> open = 0;
  std::atomic<int> most = 0;
  FakeServer server([&](Connection& connection) {
    while (!connection.wait_request().empty()) {
      most = std::max(most.load(), ++open);
      --open;
      connection.respond(200, "");
    }
  });
  Reactor reactor({.max_in_flight = 1});
  std::vector<int> order;
  std::vector<Handle> handles;
  std::latch left(50);
  for (int i = 0; i < 50; ++i) {
    handles.push_back(reactor.start(get(server.url()), {[&, i](Result<Response>) {
                                      order.push_back(i);
                                      left.count_down();
                                      return std::nullopt;
                                    }}));
  }
  left.wait();
  EXPECT_EQ(most, 1);
  EXPECT_TRUE(std::ranges::is_sorted(order));
  EXPECT_EQ(reactor.stats().most_in_flight, 1u);
}

TEST(Reactor, QueueingDoesNotCountAgainstTheTimeouts) {
  FakeServer silent([](Connection& connection) { connection.wait_closed(); });
  FakeServer server(always(200, "ok"));
  Reactor reactor({.max_in_flight = 1});
  Request first = get(silent.url());
  Request second = get(server.url());
  first.timeouts.total = second.timeouts.total = milliseconds(300);
  std::promise<bool> answered;
  const Handle holds_the_slot =
      reactor.start(first, {[](Result<Response>) { return std::nullopt; }});  // for the whole 300 ms
  const Handle queued = reactor.start(second, {[&](Result<Response> result) {
                                        answered.set_value(result.has_value());
                                        return std::nullopt;
                                      }});
  EXPECT_TRUE(answered.get_future().get());
}

// Makes 100 calls at once in this process, which may open 40 descriptors; returns how many are answered, or
// nothing unless some had to be tried again.
int answered_with_few_descriptors(const std::string& url) {
  const rlimit few{.rlim_cur = 40, .rlim_max = 40};
  if (setrlimit(RLIMIT_NOFILE, &few) != 0) return -1;
  Reactor reactor;
  std::atomic<int> answered = 0;
  std::latch left(100);
  std::vector<Handle> handles;
  for (int i = 0; i < 100; ++i) {
    handles.push_back(reactor.start(get(url), {[&](Result<Response> result) {
                                      answered += result.has_value();
                                      left.count_down();
                                      return std::nullopt;
                                    }}));
  }
  left.wait();
  return reactor.stats().attempts > 100 ? answered.load() : 0;
}

TEST(Reactor, CallsWaitWhenTheProcessRunsOutOfDescriptors) {
  int to_child[2];
  ASSERT_EQ(pipe(to_child), 0);
  const pid_t child = fork();  // before the server: a process of one thread
  ASSERT_GE(child, 0);
  if (child == 0) {
    int port = 0;
    const bool known = read(to_child[0], &port, sizeof port) == sizeof port;
    _exit(known ? answered_with_few_descriptors(fmt::format("http://127.0.0.1:{}/", port)) : -1);
  }
  FakeServer server(always(200, "ok"));
  const int port = server.port();
  ASSERT_EQ(write(to_child[1], &port, sizeof port), static_cast<ssize_t>(sizeof port));
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 100);
  close(to_child[0]);
  close(to_child[1]);
}

TEST(Reactor, ADestroyedHandleIsNeverHeardOfAgain) {
  FakeServer server(always(200, "ok"));
  Reactor reactor;
  for (int i = 0; i < 300; ++i) {
    auto alive = std::make_unique<std::atomic<bool>>(true);
    Handle handle = reactor.start(get(server.url()), {[&alive](Result<Response>) {
                                    EXPECT_TRUE(alive->load());
                                    return std::nullopt;
                                  }});
    if (i % 3 == 1) std::this_thread::yield();
    if (i % 3 == 2) wait_for(reactor, get(server.url()));
    handle.reset();
    alive.reset();
  }
}

TEST(Reactor, AHandlerMayDestroyItsOwnHandle) {
  FakeServer server(always(200, "ok"));
  Reactor reactor;
  std::promise<void> handle_stored;
  std::shared_future<void> stored = handle_stored.get_future().share();
  std::promise<void> done;
  Handle handle;
  handle = reactor.start(get(server.url()), {[&, stored](Result<Response>) -> std::optional<Duration> {
                           stored.wait();
                           handle.reset();
                           done.set_value();
                           return milliseconds(0);  // of no effect: the operation is cancelled
                         }});
  handle_stored.set_value();
  done.get_future().wait();
  EXPECT_TRUE(wait_for(reactor, get(server.url())));
  EXPECT_EQ(reactor.stats().attempts, 2u);
}

TEST(Reactor, AChainOfHandlersThatStartTheNextRequestNeverStalls) {
  constexpr std::size_t kLength = 1000;
  FakeServer server(always(200, "ok"));
  Reactor reactor;
  std::vector<Handle> handles(kLength);
  std::promise<void> ended;
  std::function<void(std::size_t)> send = [&](std::size_t k) {
    handles[k] = reactor.start(get(server.url()), {[&, k](Result<Response>) {
                                 k + 1 < kLength ? send(k + 1) : ended.set_value();
                                 return std::nullopt;
                               }});
  };
  send(0);
  ended.get_future().wait();
  EXPECT_EQ(reactor.stats().attempts, kLength);
}

TEST(Reactor, CancellationFreesTheSlotOfASilentServer) {
  FakeServer silent([](Connection& connection) { connection.wait_closed(); });
  FakeServer server(always(200, "ok"));
  Reactor reactor({.max_in_flight = 1});
  Handle stuck = reactor.start(get(silent.url()), {[](Result<Response>) { return std::nullopt; }});
  std::promise<bool> answered;
  const Handle next = reactor.start(get(server.url()), {[&](Result<Response> result) {
                                      answered.set_value(result.has_value());
                                      return std::nullopt;
                                    }});
  stuck.reset();
  EXPECT_TRUE(answered.get_future().get());
}

TEST(Reactor, AHandlerThatIsAbandonedNeverRunsAndIsDestroyedOnTheReactorsThread) {
  FakeServer server(always(200, "ok"));
  Reactor reactor;
  std::mutex mutex;
  std::set<std::thread::id> threads;
  const auto noted = [&] {
    return std::shared_ptr<void>(nullptr, [&](void*) {
      const std::scoped_lock lock(mutex);
      threads.insert(std::this_thread::get_id());
    });
  };
  std::atomic<bool> abandoned = false;
  for (int i = 0; i < 300; ++i) {
    abandoned = false;
    const Handle handle = reactor.start(get(server.url()), {[&, destroyed = noted()](Result<Response>) {
                                          EXPECT_FALSE(abandoned.load());
                                          return std::nullopt;
                                        }});
    if (i % 3 == 1) std::this_thread::yield();
    if (i % 3 == 2) wait_for(reactor, get(server.url()));
    handle->abandon();
    handle->abandon();
    abandoned = true;
    reactor.catch_up();
  }
  const std::scoped_lock lock(mutex);
  EXPECT_EQ(threads.size(), 1u);
  EXPECT_FALSE(threads.contains(std::this_thread::get_id()));
}

TEST(Reactor, WhatWasAbandonedIsGoneWhenItHasCaughtUp) {
  FakeServer silent([](Connection& connection) { connection.wait_closed(); });
  Reactor reactor;
  std::atomic<int> destroyed = 0;
  std::vector<Handle> handles;
  for (int i = 0; i < 20; ++i) {
    std::shared_ptr<void> counted(nullptr, [&](void*) { ++destroyed; });
    handles.push_back(
        reactor.start(get(silent.url()), {[counted](Result<Response>) { return std::nullopt; }}));
  }
  for (const Handle& handle : handles) handle->abandon();
  reactor.catch_up();
  EXPECT_EQ(destroyed, 20);
  EXPECT_EQ(reactor.stats().in_flight, 0u);
  reactor.catch_up();  // with nothing to wait for
}

TEST(Reactor, ItsThreadLeavesSignalsToTheOthers) {
  FakeServer server(always(200, "ok"));
  Reactor reactor;
  std::promise<bool> blocked;
  const Handle handle = reactor.start(get(server.url()), {[&](Result<Response>) {
                                        sigset_t mask;
                                        pthread_sigmask(SIG_BLOCK, nullptr, &mask);
                                        blocked.set_value(sigismember(&mask, SIGINT) == 1);
                                        return std::nullopt;
                                      }});
  EXPECT_TRUE(blocked.get_future().get());
}

TEST(Reactor, DestroyingItSettlesEverythingWithACancelledError) {
  FakeServer silent([](Connection& connection) { connection.wait_closed(); });
  std::vector<std::string> codes;
  std::vector<Handle> handles;
  {
    Reactor reactor({.max_in_flight = 2});
    for (int i = 0; i < 5; ++i) {
      handles.push_back(reactor.start(get(silent.url()), {[&](Result<Response> result) {
                                        codes.push_back(result ? "answered" : result.error().code);
                                        return milliseconds(0);
                                      }}));
    }
  }
  EXPECT_EQ(codes, std::vector<std::string>(5, "net.stopped"));
}

// Destroys handle, reactor or both after each number of pieces of the exchange has passed.
TEST(Reactor, CanBeTornDownAtEveryStep) {
  constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
  for (std::size_t sent = 0; sent <= kAnswer.size(); ++sent) {
    std::promise<void> reached;
    FakeServer server([&](Connection& connection) {
      connection.wait_request();
      connection.send(kAnswer.substr(0, sent));
      reached.set_value();
      connection.wait_closed();
    });
    int heard = 0;
    auto reactor = std::make_unique<Reactor>();
    Handle handle = reactor->start(get(server.url()), {[&](Result<Response>) {
                                     ++heard;
                                     return std::nullopt;
                                   }});
    reached.get_future().wait();
    if (sent % 2 == 0) {
      handle.reset();
      reactor.reset();
      EXPECT_LE(heard, sent == kAnswer.size() ? 1 : 0);
    } else {
      reactor.reset();
      EXPECT_EQ(heard, 1);
    }
  }
}

// A lane that lets `room` requests be in flight at once.
struct Gatekeeper {
  std::atomic<int> room = 1;
  std::atomic<int> in_flight = 0;
  std::atomic<int> most = 0;
  std::vector<int> order;  // written on the reactor's thread alone

  Result<Duration> take_turn(int number) {
    if (in_flight >= room) return Duration::max();
    most = std::max<int>(most, ++in_flight);
    order.push_back(number);
    return Duration::zero();
  }
};

TEST(Lane, RequestsGoInOrderAndNoMoreThanTheLaneLets) {
  FakeServer server(always(200, "ok"));
  Reactor reactor;
  Gatekeeper gate;
  gate.room = 2;
  std::latch finished(20);
  std::vector<Handle> handles;
  for (int i = 0; i < 20; ++i) {
    Request request = get(server.url());
    request.lane = 7;
    Handler handler{.on_done = [&](Result<Response> response) -> std::optional<Duration> {
      EXPECT_TRUE(response);
      --gate.in_flight;
      finished.count_down();
      return std::nullopt;
    }};
    handler.on_turn = [&gate, i] { return gate.take_turn(i); };
    handles.push_back(reactor.start(std::move(request), std::move(handler)));
  }
  finished.wait();
  EXPECT_EQ(gate.most, 2);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(gate.order[static_cast<std::size_t>(i)], i);
}

TEST(Lane, ARequestThatIsTurnedAwayHearsWhyAndIsNeverSent) {
  FakeServer server(always(200, "ok"));
  Reactor reactor;
  std::promise<Error> outcome;
  Request request = get(server.url());
  request.lane = 1;
  Handler handler{.on_done = [&](Result<Response> response) {
    outcome.set_value(response ? Error{} : response.error());
    return std::nullopt;
  }};
  handler.on_turn = []() -> Result<Duration> {
    return std::unexpected(Error{.kind = ErrorKind::kUsage, .code = "test.no"});
  };
  const Handle handle = reactor.start(std::move(request), std::move(handler));
  EXPECT_EQ(outcome.get_future().get().code, "test.no");
  EXPECT_EQ(reactor.stats().attempts, 0u);
}

TEST(Lane, ARequestThatWaitsIsAskedAgainWhenItsTimeHasCome) {
  FakeServer server(always(200, "ok"));
  Reactor reactor;
  std::promise<void> outcome;
  std::atomic<int> asked = 0;
  Request request = get(server.url());
  request.lane = 1;
  Handler handler{.on_done = [&](Result<Response>) {
    outcome.set_value();
    return std::nullopt;
  }};
  handler.on_turn = [&]() -> Result<Duration> { return ++asked < 3 ? milliseconds(1) : Duration::zero(); };
  const Handle handle = reactor.start(std::move(request), std::move(handler));
  outcome.get_future().wait();
  EXPECT_EQ(asked, 3);
}

TEST(Lane, ACancelledRequestLetsTheNextOneTakeItsTurn) {
  FakeServer server(always(200, "ok"));
  Reactor reactor;
  std::promise<void> asked;
  std::promise<void> outcome;
  std::atomic<bool> first = true;
  const auto start = [&](std::function<Result<Duration>()> turn, std::function<void()> done) {
    Request request = get(server.url());
    request.lane = 3;
    Handler handler{.on_done = [done](Result<Response>) {
      done();
      return std::nullopt;
    }};
    handler.on_turn = [turn] { return turn(); };
    return reactor.start(std::move(request), std::move(handler));
  };
  Handle stuck = start(
      [&]() -> Result<Duration> {
        if (first.exchange(false)) asked.set_value();
        return Duration::max();
      },
      [] {});
  const Handle next = start([] { return Result<Duration>(Duration::zero()); }, [&] { outcome.set_value(); });
  asked.get_future().wait();
  stuck.reset();
  outcome.get_future().wait();
}

}  // namespace
}  // namespace xcs::net
