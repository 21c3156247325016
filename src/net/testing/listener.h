#pragma once

#include <arpa/inet.h>

namespace xcs::net::testing {

// An address of 127.0.0.1.
sockaddr_in loopback(int port);

// A socket that listens on a free port of 127.0.0.1, and its port.
int listen_on_free_port();
int port_of(int fd);

}  // namespace xcs::net::testing
