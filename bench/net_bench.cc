// What a request costs: raw libcurl, the reactor, and the model client on top of it, side by side.
//
//   xcs_net_bench PATH_TO_XCS_SIM [LATENCY_MS IN_FLIGHT REQUESTS]
//   xcs_net_bench --raw URL IN_FLIGHT REQUESTS     raw libcurl alone, as JSON, for bench/clients.py
//
// Each row runs in a process of its own against one simulator, and prints requests per second, CPU time
// of this side per request, and memory per request in flight.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <functional>
#include <latch>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/check.h"
#include "llm/client.h"
#include "llm/stream.h"
#include "net/reactor.h"
#include "raw_curl.h"

namespace xcs::bench {
namespace {

using Clock = std::chrono::steady_clock;

// A simulator of the given arguments, for the lifetime of this object.
class SimProcess {
 public:
  SimProcess(const char* program, const char* latency_ms) {
    int out[2];
    XCS_CHECK(pipe(out) == 0, errno);
    pid_ = fork();
    XCS_CHECK(pid_ >= 0, errno);
    if (pid_ == 0) {
      dup2(out[1], STDOUT_FILENO);
      execl(program, program, "--latency-ms", latency_ms, nullptr);
      _exit(127);
    }
    close(out[1]);
    FILE* lines = fdopen(out[0], "r");
    char line[256] = "";
    const bool started = std::fgets(line, sizeof line, lines) != nullptr;
    XCS_CHECK(started, program);
    std::fclose(lines);
    const std::string_view text = line;
    url_ = text.substr(text.find("http"), text.find('\n') - text.find("http"));
  }
  ~SimProcess() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  SimProcess(const SimProcess&) = delete;
  SimProcess& operator=(const SimProcess&) = delete;

  const std::string& url() const { return url_; }

 private:
  pid_t pid_ = 0;
  std::string url_;
};

struct Load {
  std::string url;
  std::size_t total;
  std::size_t in_flight;
};

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t pages = 0;
  std::size_t resident = 0;
  statm >> pages >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

constexpr std::string_view kPrompt =
    "Summarise the following paragraph in one sentence for a reader in a hurry, keeping names and numbers, "
    "and "
    "leaving out everything that a reader of the original would not miss on a second reading.";

std::string raw_body() {
  return fmt::format(R"({{"model":"sim-1","messages":[{{"role":"user","content":"{}"}}],"max_tokens":32}})",
                     kPrompt);
}

// Keeps load.in_flight requests under way until load.total have been sent; each finished one starts the
// next. `start(k, done)` sends the k-th, and calls done(whether it succeeded) once.
using Done = std::function<void(bool)>;
std::size_t keep_in_flight(const Load& load, const std::function<void(std::size_t, Done)>& start,
                           const std::function<void()>& on_first_answer) {
  std::atomic<std::size_t> next = 0;
  std::size_t answered = 0;
  std::size_t failed = 0;
  std::latch finished(static_cast<std::ptrdiff_t>(load.total));
  std::function<void()> send_next = [&] {
    const std::size_t k = next++;
    if (k >= load.total) return;
    start(k, [&](bool succeeded) {
      if (answered++ == 0) on_first_answer();
      failed += !succeeded;
      send_next();
      finished.count_down();
    });
  };
  for (std::size_t i = 0; i < load.in_flight; ++i) send_next();
  finished.wait();
  return failed;
}

std::size_t run_reactor(const Load& load, const std::function<void()>& on_first_answer) {
  net::Reactor reactor;
  std::vector<net::Handle> handles(load.total);
  const auto start = [&](std::size_t k, Done done) {
    net::Request request{.url = load.url + "/v1/chat/completions", .body = raw_body()};
    request.headers.add("Content-Type", "application/json");
    handles[k] = reactor.start(std::move(request), {[done](Result<net::Response> response) {
                                 done(response && response->status == 200);
                                 return std::nullopt;
                               }});
  };
  return keep_in_flight(load, start, on_first_answer);
}

std::size_t run_client(const Load& load, const std::function<void()>& on_first_answer) {
  net::Reactor reactor;
  llm::Client client(reactor);
  std::vector<net::Handle> handles(load.total);
  const auto start = [&](std::size_t k, Done done) {
    llm::ChatRequest request{.base_url = load.url + "/v1", .model = "sim-1", .max_tokens = 32};
    request.messages.push_back({.role = "user", .content = std::string(kPrompt)});
    handles[k] = client.start(std::move(request), [done](Result<llm::ChatAnswer> answer) {
      done(answer && !answer->text.empty());
    });
  };
  return keep_in_flight(load, start, on_first_answer);
}

std::size_t run_raw(const Load& load, const std::function<void()>& on_first_answer) {
  return run_raw_curl({.url = load.url + "/v1/chat/completions",
                       .body = raw_body(),
                       .total = load.total,
                       .in_flight = load.in_flight,
                       .on_first_answer = on_first_answer});
}

using Runner = std::size_t (*)(const Load&, const std::function<void()>&);

void raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void print_row(std::string_view name, Runner run, const Load& load) {
  std::fflush(stdout);
  const pid_t child = fork();
  XCS_CHECK(child >= 0, errno);
  if (child > 0) {
    waitpid(child, nullptr, 0);
    return;
  }
  raise_descriptor_limit();
  const std::size_t memory_before = resident_bytes();
  std::size_t memory_in_flight = 0;
  const double cpu_before = cpu_seconds();
  const auto begun = Clock::now();
  const std::size_t failed = run(load, [&] { memory_in_flight = resident_bytes(); });
  const double wall = std::chrono::duration<double>(Clock::now() - begun).count();
  const double cpu = cpu_seconds() - cpu_before;
  const auto total = static_cast<double>(load.total);
  fmt::print(
      "{:<8} {:>9} {:>9} {:>7} {:>11.0f} {:>13.1f} {:>16.1f}\n", name, load.in_flight, load.total, failed,
      total / wall, 1e6 * cpu / total,
      static_cast<double>(memory_in_flight - memory_before) / 1024 / static_cast<double>(load.in_flight));
  std::fflush(stdout);
  _exit(0);
}

void print_table(const char* sim_program, const char* latency_ms,
                 const std::vector<std::pair<std::size_t, std::size_t>>& loads) {
  SimProcess sim(sim_program, latency_ms);
  fmt::print("\nanswers after {} ms\n{:<8} {:>9} {:>9} {:>7} {:>11} {:>13} {:>16}\n", latency_ms, "client",
             "in flight", "requests", "failed", "requests/s", "CPU us/req", "KiB/in flight");
  for (const auto& [in_flight, total] : loads) {
    const Load load{.url = sim.url(), .total = total, .in_flight = in_flight};
    print_row("libcurl", &run_raw, load);
    print_row("reactor", &run_reactor, load);
    print_row("llm", &run_client, load);
  }
}

void print_raw(const std::string& url, std::size_t in_flight, std::size_t total) {
  raise_descriptor_limit();
  const std::size_t memory_before = resident_bytes();
  std::size_t memory_in_flight = 0;
  const double cpu_before = cpu_seconds();
  const auto begun = Clock::now();
  const std::size_t failed = run_raw({.url = url, .total = total, .in_flight = in_flight},
                                     [&] { memory_in_flight = resident_bytes(); });
  XCS_CHECK(failed == 0, failed);
  const double wall = std::chrono::duration<double>(Clock::now() - begun).count();
  fmt::print(R"({{"us": {}, "wall": {}, "bytes": {}}})"
             "\n",
             1e6 * (cpu_seconds() - cpu_before) / static_cast<double>(total), wall,
             static_cast<double>(memory_in_flight - memory_before) / static_cast<double>(in_flight));
}

// How long it takes to cancel one call of many, and until the reactor has let go of all of them.
void print_cancellation(const char* sim_program, std::size_t in_flight) {
  raise_descriptor_limit();
  SimProcess sim(sim_program, "600000");
  net::Reactor reactor;
  std::vector<net::Handle> handles;
  for (std::size_t k = 0; k < in_flight; ++k) {
    net::Request request{.url = sim.url() + "/v1/chat/completions", .body = raw_body()};
    request.headers.add("Content-Type", "application/json");
    handles.push_back(reactor.start(std::move(request), {[](auto) { return std::nullopt; }}));
  }
  while (reactor.stats().connections < in_flight) std::this_thread::yield();
  const auto begun = Clock::now();
  handles.clear();
  const auto cancelled = Clock::now();
  while (reactor.stats().in_flight > 0) std::this_thread::yield();
  const auto per_call = [&](Clock::time_point at) {
    return std::chrono::duration<double, std::micro>(at - begun).count() / static_cast<double>(in_flight);
  };
  fmt::print(
      "\ncancelling {} calls in flight: {:.2f} us per handle, {:.1f} us per call until all is closed\n",
      in_flight, per_call(cancelled), per_call(Clock::now()));
}

// What one event of a streamed answer costs from the bytes to the text.
void print_stream_cost() {
  constexpr std::size_t kEvents = 200'000;
  const llm::WireRequest request{};
  std::size_t bytes = 0;
  llm::AnswerStream stream(request, [&](std::string_view text) { bytes += text.size(); });
  const std::string event =
      R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":)"
      R"([{"index":0,"delta":{"content":" word"},"finish_reason":null}],"obfuscation":"abcdef"})"
      "\n\n";
  const double before = cpu_seconds();
  for (std::size_t k = 0; k < kEvents; ++k) XCS_CHECK(stream.feed(event).has_value());
  fmt::print("\nstreamed event of {} bytes: {:.2f} us ({} bytes of text)\n", event.size(),
             1e6 * (cpu_seconds() - before) / kEvents, bytes);
}

}  // namespace
}  // namespace xcs::bench

int main(int argc, char** argv) {
  if (argc == 5 && std::string_view(argv[1]) == "--raw") {
    xcs::bench::print_raw(argv[2], std::stoul(argv[3]), std::stoul(argv[4]));
    return 0;
  }
  if (argc == 5) {
    xcs::bench::print_table(argv[1], argv[2], {{std::stoul(argv[3]), std::stoul(argv[4])}});
    return 0;
  }
  if (argc != 2) {
    fmt::print(stderr, "usage: {} PATH_TO_XCS_SIM [LATENCY_MS IN_FLIGHT REQUESTS]\n", argv[0]);
    return 2;
  }
  xcs::bench::print_table(argv[1], "0", {{1, 5000}, {20, 20000}, {100, 50000}, {500, 50000}, {1000, 50000}});
  xcs::bench::print_table(argv[1], "1000", {{1000, 10000}, {10000, 50000}});
  xcs::bench::print_cancellation(argv[1], 5000);
  xcs::bench::print_stream_cost();
}
