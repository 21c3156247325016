// One libcurl easy handle, reused for one transfer after another.
#pragma once

#include <curl/curl.h>

#include <array>
#include <string>

#include "base/error.h"
#include "net/transfer.h"

namespace xcs::net {

class Sockets;

// The certificates to trust; an empty path leaves libcurl's own choice, the system's store.
struct TrustStore {
  std::string file;       // SSL_CERT_FILE
  std::string directory;  // SSL_CERT_DIR

  static TrustStore from_environment();
};

// Used from the loop's thread alone. Its callbacks move the transfer it is aimed at through the phases
// kConnecting to kReceiving and collect the response.
class Easy {
 public:
  // `tls` is whether it will be aimed at https, which takes a larger buffer.
  Easy(Sockets& sockets, CURLSH* share, const TrustStore& trust, bool tls);
  ~Easy();
  Easy(const Easy&) = delete;
  Easy& operator=(const Easy&) = delete;

  // Makes the handle ready to carry out the transfer's request, which must stay in place until the next
  // aim. Fails with a usage error when the request cannot be sent at all.
  Result<void> aim(Transfer& transfer);

  CURL* get() const { return handle_; }
  bool tls() const { return tls_; }
  static Transfer& transfer_of(CURL* handle);

  // What libcurl's code means for the transfer this handle is aimed at.
  Error describe(CURLcode code) const;

 private:
  void set_version();
  void set_method(const Request& request);
  Result<void> set_headers(const Request& request);
  static curl_socket_t on_open(void* easy, curlsocktype, curl_sockaddr* address);

  Sockets& sockets_;
  CURL* const handle_;
  const bool tls_;
  curl_slist* headers_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> detail_{};
  Transfer* transfer_ = nullptr;
};

}  // namespace xcs::net
