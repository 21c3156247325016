#include "net/easy.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/check.h"
#include "base/environment.h"
#include "net/multi.h"
#include "net/origin.h"
#include "net/sockets.h"

namespace xcs::net {
namespace {

// Small, because one exists per call in flight; larger answers merely take more reads.
constexpr long kReadBuffer = 4096;
// What fills the buffer of an HTTP/2 answer stops its connection, and libcurl 7.88 does not go on when the
// answer's end was in what it stopped at. So there is room for several of TLS's records, which have 16 kB.
constexpr long kTlsReadBuffer = 128 << 10;
constexpr long kNameCacheSeconds = 300;
constexpr std::size_t kMostHeaderBytes = std::size_t{256} << 10;

TimePoint now() { return std::chrono::steady_clock::now(); }

template <class Value>
void set(CURL* handle, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(handle, option, value);
  XCS_CHECK(code == CURLE_OK, static_cast<int>(option), curl_easy_strerror(code));
}

// CURLOPT_PREREQFUNCTION: a connection is ready and the request is about to be sent. When a connection that
// was used before breaks without an answer, libcurl would send the request again by itself; but the server
// may have begun to work on it, so that is for the handler to decide, and an attempt that counts.
int on_connected(void* user, char*, char*, int, int) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.phase == Transfer::Phase::kWaiting) {
    transfer.failure = Error{.kind = ErrorKind::kTransient,
                             .code = "net.broken",
                             .message = fmt::format("the connection to {} broke before the answer began",
                                                    to_string(origin_of(transfer.request.url)))};
    return CURL_PREREQFUNC_ABORT;
  }
  transfer.phase = Transfer::Phase::kWaiting;
  transfer.progressed = now();
  return CURL_PREREQFUNC_OK;
}

// Refuses an answer that is larger than the caller allows, or than anybody would.
void fail_too_large(Transfer& transfer, std::string_view what, std::size_t bound) {
  transfer.failure = Error{
      .kind = ErrorKind::kUsage,
      .code = "net.too_large",
      .message = fmt::format("the {} of {} is larger than the {} bytes allowed for it", what,
                             to_string(origin_of(transfer.request.url)), bound),
      .http_status = transfer.response.status,
  };
}

// Hands the head of the answer to its handler, if it takes one; false ends the attempt. Not the head of a 1xx
// answer, nor the trailers, which end with an empty line, too.
bool deliver_head(Transfer& transfer) {
  if (!transfer.takes_any || transfer.head_told || transfer.response.status / 100 == 1) return true;
  transfer.head_told = true;
  if (!transfer.gate.try_enter()) return false;
  transfer.handler.on_any_head(transfer.response);
  const bool open = transfer.gate.leave();
  if (!open) transfer.handler = {};
  return open;
}

// CURLOPT_HEADERFUNCTION: one line of the answer's head, or of its trailers. A return other than `size` ends
// the attempt.
std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.phase = Transfer::Phase::kReceiving;
  transfer.progressed = now();
  transfer.multi->note_progress();
  std::string_view line(data, size);
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {
    // A 1xx answer is followed by another head, which replaces it.
    transfer.response.headers.clear();
    const std::size_t space = line.find(' ');
    transfer.response.status = space == std::string_view::npos ? 0 : std::atoi(line.data() + space + 1);
    transfer.multi->note_answer(line.starts_with("HTTP/2"));
    return size;
  }
  if (line.empty()) return deliver_head(transfer) ? size : 0;
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  std::string_view value = line.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
  transfer.response.headers.add(line.substr(0, colon), value);
  if (transfer.response.headers.size() <= kMostHeaderBytes) return size;
  fail_too_large(transfer, "head of the answer", kMostHeaderBytes);
  return 0;
}

// Hands a piece of a streamed answer to its handler; false ends the attempt.
bool deliver(Transfer& transfer, std::string_view piece) {
  if (!transfer.gate.try_enter()) return false;
  const bool first = transfer.body_bytes == piece.size();
  if (first && transfer.handler.on_head) transfer.handler.on_head(transfer.response);
  Result<void> accepted = transfer.handler.on_piece(piece);
  const bool open = transfer.gate.leave();
  if (!open) transfer.handler = {};
  if (!accepted) transfer.failure = std::move(accepted.error());
  return open && accepted;
}

// CURLOPT_WRITEFUNCTION: a piece of the body, decompressed. A return other than `size` ends the attempt.
std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.progressed = now();
  transfer.multi->note_progress();
  Response& response = transfer.response;
  const std::size_t bound = transfer.request.max_response_bytes;
  if (size > bound - transfer.body_bytes) {
    fail_too_large(transfer, "answer", bound);
    return 0;
  }
  transfer.body_bytes += size;
  if (transfer.streams && (transfer.takes_any || response.status / 100 == 2)) {
    return deliver(transfer, {data, size}) ? size : 0;
  }
  response.body.append(data, size);
  return size;
}

int on_close(void* user, curl_socket_t fd) {
  static_cast<Sockets*>(user)->close(fd);
  return 0;
}

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

Error usage_error(std::string code, std::string message) {
  return {.kind = ErrorKind::kUsage, .code = std::move(code), .message = std::move(message)};
}

}  // namespace

TrustStore TrustStore::from_environment() {
  const char* file = environment_variable("SSL_CERT_FILE");
  const char* directory = environment_variable("SSL_CERT_DIR");
  return {.file = file != nullptr ? file : "", .directory = directory != nullptr ? directory : ""};
}

Easy::Easy(Sockets& sockets, CURLSH* share, const TrustStore& trust, bool tls)
    : sockets_(sockets), handle_(curl_easy_init()), tls_(tls) {
  XCS_CHECK(handle_ != nullptr);
  set(handle_, CURLOPT_SHARE, share);
  set(handle_, CURLOPT_NOSIGNAL, 1L);
  set(handle_, CURLOPT_BUFFERSIZE, tls ? kTlsReadBuffer : kReadBuffer);
  set(handle_, CURLOPT_PROTOCOLS_STR, "http,https");
  set(handle_, CURLOPT_FOLLOWLOCATION, 0L);
  set(handle_, CURLOPT_TCP_NODELAY, 1L);
  set(handle_, CURLOPT_TCP_KEEPALIVE, 1L);
  set(handle_, CURLOPT_DNS_CACHE_TIMEOUT, kNameCacheSeconds);
  set(handle_, CURLOPT_ACCEPT_ENCODING, "");  // every encoding libcurl can undo
  set(handle_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(handle_, CURLOPT_ERRORBUFFER, detail_.data());
  if (!trust.file.empty()) set(handle_, CURLOPT_CAINFO, trust.file.c_str());
  if (!trust.directory.empty()) set(handle_, CURLOPT_CAPATH, trust.directory.c_str());
  set(handle_, CURLOPT_PREREQFUNCTION, &on_connected);
  set(handle_, CURLOPT_HEADERFUNCTION, &on_header);
  set(handle_, CURLOPT_WRITEFUNCTION, &on_body);
  set(handle_, CURLOPT_OPENSOCKETFUNCTION, &Easy::on_open);
  set(handle_, CURLOPT_OPENSOCKETDATA, this);
  set(handle_, CURLOPT_CLOSESOCKETFUNCTION, &on_close);
  set(handle_, CURLOPT_CLOSESOCKETDATA, &sockets_);
}

Easy::~Easy() {
  curl_easy_cleanup(handle_);
  curl_slist_free_all(headers_);
}

// As libcurl would open it, but running out of descriptors is told apart.
curl_socket_t Easy::on_open(void* easy, curlsocktype, curl_sockaddr* address) {
  auto& self = *static_cast<Easy*>(easy);
  const int type = address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK;
  const int fd = socket(address->family, type, address->protocol);
  if (fd < 0) {
    self.transfer_->starved = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    return CURL_SOCKET_BAD;
  }
  self.transfer_->opened_socket = true;
  self.sockets_.opened(fd);
  return fd;
}

Transfer& Easy::transfer_of(CURL* handle) {
  char* transfer = nullptr;
  curl_easy_getinfo(handle, CURLINFO_PRIVATE, &transfer);
  XCS_CHECK(transfer != nullptr);
  return *reinterpret_cast<Transfer*>(transfer);
}

Result<void> Easy::aim(Transfer& transfer) {
  const Request& request = transfer.request;
  transfer_ = &transfer;
  detail_[0] = '\0';
  if (Result<void> headers = set_headers(request); !headers) return headers;
  const Origin origin = origin_of(request.url);
  if ((origin.scheme != "http" && origin.scheme != "https") || origin.host.empty() ||
      has_control_character(request.url)) {
    return std::unexpected(usage_error(
        "net.url", "the address of a request must begin with http:// or https:// and name a host"));
  }
  set(handle_, CURLOPT_URL, request.url.c_str());
  set_version();
  set_method(request);
  // libcurl's own limits stay out of the way: the loop's timers are the ones that count.
  set(handle_, CURLOPT_CONNECTTIMEOUT, 24L * 3600);
  set(handle_, CURLOPT_PRIVATE, &transfer);
  set(handle_, CURLOPT_PREREQDATA, &transfer);
  set(handle_, CURLOPT_HEADERDATA, &transfer);
  set(handle_, CURLOPT_WRITEDATA, &transfer);
  return {};
}

// With TLS, requests wait for the handshake under way to a host, because it may yield an HTTP/2 connection
// that takes them all. Without TLS there is nothing to wait for: libcurl would hold every request back
// until the host's first answer.
void Easy::set_version() {
  set(handle_, CURLOPT_HTTP_VERSION,
      static_cast<long>(tls_ ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  set(handle_, CURLOPT_PIPEWAIT, tls_ ? 1L : 0L);
}

void Easy::set_method(const Request& request) {
  if (request.method == "GET") {
    set(handle_, CURLOPT_HTTPGET, 1L);
    set(handle_, CURLOPT_CUSTOMREQUEST, static_cast<const char*>(nullptr));
    return;
  }
  set(handle_, CURLOPT_POST, 1L);
  set(handle_, CURLOPT_POSTFIELDS, request.body.data());
  set(handle_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  set(handle_, CURLOPT_CUSTOMREQUEST, request.method == "POST" ? nullptr : request.method.c_str());
}

Result<void> Easy::set_headers(const Request& request) {
  curl_slist_free_all(headers_);
  // No waiting for "100 Continue" before large bodies.
  headers_ = curl_slist_append(nullptr, "Expect:");
  std::string line;
  bool valid = true;
  request.headers.for_each_line([&](std::string_view field) {
    valid = valid && !has_control_character(field) && field.contains(": ") && !field.starts_with(':');
    line = field;
    headers_ = curl_slist_append(headers_, line.c_str());
  });
  XCS_CHECK(headers_ != nullptr);
  set(handle_, CURLOPT_HTTPHEADER, headers_);
  if (valid) return {};
  return std::unexpected(usage_error(
      "net.header", "a header of the request contains a line break or another control character"));
}

Error Easy::describe(CURLcode code) const {
  const std::string where = to_string(origin_of(transfer_->request.url));
  const std::string detail = detail_[0] != '\0' ? detail_.data() : curl_easy_strerror(code);
  const auto transient = [](std::string stable_code, std::string message) {
    return Error{
        .kind = ErrorKind::kTransient, .code = std::move(stable_code), .message = std::move(message)};
  };
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return usage_error("net.url", fmt::format("the address of the request is not a valid URL: {}", detail));
    case CURLE_COULDNT_RESOLVE_HOST:
      return transient("net.resolve", fmt::format("cannot find the host of {}: check its spelling and the "
                                                  "network ({})",
                                                  where, detail));
    case CURLE_COULDNT_RESOLVE_PROXY:
      return transient("net.proxy",
                       fmt::format("cannot find the proxy on the way to {}: check HTTPS_PROXY and "
                                   "NO_PROXY ({})",
                                   where, detail));
    case CURLE_COULDNT_CONNECT:
      return transient("net.connect",
                       fmt::format("cannot connect to {}: check that the server is running and "
                                   "that address and port are right ({})",
                                   where, detail));
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return usage_error("net.certificate",
                         fmt::format("the certificate of {} is not trusted: install its authority "
                                     "or set SSL_CERT_FILE ({})",
                                     where, detail));
    case CURLE_SSL_CONNECT_ERROR:
      return transient(
          "net.tls",
          fmt::format("cannot set up TLS with {}: check that the server speaks https ({})", where, detail));
    default:
      return transient(
          "net.broken",
          fmt::format("the connection to {} failed before the answer was complete ({})", where, detail));
  }
}

}  // namespace xcs::net
