#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "sim/session.h"

namespace xcs::sim {

// What all TLS connections of a server share: a key and a certificate, made when the server starts.
class TlsContext {
 public:
  // The certificate names `host`, localhost and their addresses, signs itself, and is written to `file` in
  // PEM: whoever trusts that file trusts the server. Clients are offered HTTP/2 if `http2`, and HTTP/1.1.
  // Fails with "sim.tls".
  static Result<std::unique_ptr<TlsContext>> make(const std::string& host, const std::string& file,
                                                  bool http2);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  SSL_CTX* get() const { return context_.get(); }
  bool http2() const { return http2_; }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  TlsContext(SSL_CTX* context, bool http2) : context_(context), http2_(http2) {}

  std::unique_ptr<SSL_CTX, Free> context_;
  bool http2_;
};

// The server's side of one TLS connection, between memory and memory.
class TlsFilter {
 public:
  explicit TlsFilter(const TlsContext& context);
  TlsFilter(const TlsFilter&) = delete;
  TlsFilter& operator=(const TlsFilter&) = delete;

  // Takes what came over the wire and appends what it says to `plain`; false if the connection is broken.
  // Answers of TLS itself wait for the next seal().
  bool open(std::string_view wire, std::string& plain);

  // Moves what waits in `plain` to `wire`, encrypted, as far as `wire` has room. Before the handshake is
  // complete only TLS's own messages move.
  void seal(Outbox& plain, Outbox& wire);

  // The last message of an orderly end waits for the next seal().
  void close();

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  void drain(Outbox& wire);

  std::unique_ptr<SSL, Free> ssl_;
  BIO* from_wire_;  // belong to ssl_
  BIO* to_wire_;
};

}  // namespace xcs::sim
