#include "sim/sim_server.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "sim/sim_loop.h"

namespace xcs::sim {

namespace {

struct Addresses {
  explicit Addresses(addrinfo* list) : first(list) {}
  ~Addresses() { ::freeaddrinfo(first); }
  Addresses(const Addresses&) = delete;
  Addresses& operator=(const Addresses&) = delete;
  addrinfo* first;
};

struct Listener {
  Descriptor socket;
  std::uint16_t port = 0;
};

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);  // without it the server still runs, with fewer connections
}

std::unexpected<Error> cannot_listen(const std::string& host, std::uint16_t port, std::string_view reason) {
  return std::unexpected(Error{.kind = ErrorKind::kUsage,
                               .code = "sim.listen",
                               .message = fmt::format("cannot listen on {}:{}: {}", host, port, reason)});
}

// Failure is the value of errno.
std::expected<Listener, int> listen_on(const addrinfo& address) {
  constexpr int kBacklog = 16384;
  Descriptor socket(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return std::unexpected(errno);
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(socket.get(), address.ai_addr, address.ai_addrlen) < 0 || ::listen(socket.get(), kBacklog) < 0) {
    return std::unexpected(errno);
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound), &size);
  const in_port_t port = bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(bound).sin6_port
                                                     : reinterpret_cast<sockaddr_in&>(bound).sin_port;
  return Listener{std::move(socket), ntohs(port)};
}

Result<Listener> listen_on(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
      error != 0) {
    return cannot_listen(host, port, ::gai_strerror(error));
  }
  const Addresses addresses(found);
  auto listener = listen_on(*addresses.first);
  if (!listener) return cannot_listen(host, port, std::strerror(listener.error()));
  return *std::move(listener);
}

}  // namespace

Result<std::unique_ptr<SimServer>> SimServer::start(SimOptions options) {
  raise_descriptor_limit();
  auto listener = listen_on(options.host, options.port);
  if (!listener) return std::unexpected(listener.error());
  std::unique_ptr<TlsContext> tls;
  if (options.tls) {
    auto made = TlsContext::make(options.host, *options.tls, options.http2);
    if (!made) return std::unexpected(made.error());
    tls = *std::move(made);
  }
  auto service = SimService::make(options);
  if (!service) return std::unexpected(service.error());
  std::vector<std::string> warnings = (*service)->warnings();
  const bool ipv6 = options.host.find(':') != std::string::npos;
  const std::string host = ipv6 ? fmt::format("[{}]", options.host) : options.host;
  std::string url = fmt::format("{}://{}:{}", options.tls ? "https" : "http", host, listener->port);
  const std::uint16_t port = listener->port;
  try {
    auto loop = std::make_unique<SimLoop>(std::move(listener->socket), *std::move(service), std::move(tls));
    return std::unique_ptr<SimServer>(
        new SimServer(std::move(loop), port, std::move(url), std::move(warnings)));
  } catch (const std::system_error& error) {
    return cannot_listen(options.host, port, error.what());
  }
}

SimServer::SimServer(std::unique_ptr<SimLoop> loop, std::uint16_t port, std::string url,
                     std::vector<std::string> warnings)
    : loop_(std::move(loop)),
      port_(port),
      url_(std::move(url)),
      warnings_(std::move(warnings)),
      thread_([this] { loop_->run(); }) {}

SimServer::~SimServer() { static_cast<void>(stop()); }

std::optional<std::string> SimServer::stop() {
  loop_->stop();
  if (thread_.joinable()) thread_.join();
  return loop_->problem();
}

SimStats SimServer::stats() const { return loop_->stats(); }

}  // namespace xcs::sim
