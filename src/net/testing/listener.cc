#include "net/testing/listener.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

#include "base/check.h"

namespace xcs::net::testing {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int listen_on_free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  XCS_CHECK(fd >= 0, errno);
  sockaddr_in address = loopback(0);
  const int bound = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  XCS_CHECK(bound == 0, errno);
  const int listening = listen(fd, 4096);
  XCS_CHECK(listening == 0, errno);
  return fd;
}

int port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  const int known = getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  XCS_CHECK(known == 0, errno);
  return ntohs(address.sin_port);
}

}  // namespace xcs::net::testing
