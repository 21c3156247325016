#include "sim/tls.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <new>

namespace xcs::sim {

namespace {

template <auto free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;

bool is_address(const std::string& host) {
  in_addr v4{};
  in6_addr v6{};
  return ::inet_pton(AF_INET, host.c_str(), &v4) == 1 || ::inet_pton(AF_INET6, host.c_str(), &v6) == 1;
}

bool add_extension(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// What Python's and OpenSSL's strict checks ask of a certificate that signs itself.
bool add_extensions(X509* certificate, const std::string& host) {
  const std::string names =
      fmt::format("DNS:localhost,IP:127.0.0.1,IP:::1,{}:{}", is_address(host) ? "IP" : "DNS", host);
  return add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE") &&
         add_extension(certificate, NID_key_usage, "critical,digitalSignature,keyCertSign") &&
         add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
         add_extension(certificate, NID_subject_key_identifier, "hash") &&
         add_extension(certificate, NID_authority_key_identifier, "keyid:always") &&
         add_extension(certificate, NID_subject_alt_name, names);
}

Certificate make_certificate(EVP_PKEY* key, const std::string& host) {
  constexpr long kHour = 3600;
  constexpr long kYear = 365 * 24 * kHour;
  Certificate certificate(X509_new());
  if (!certificate) return nullptr;
  X509* const x509 = certificate.get();
  X509_NAME* const name = X509_get_subject_name(x509);
  const auto* common_name = reinterpret_cast<const unsigned char*>("xcs simulator");
  const bool made = X509_set_version(x509, 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(x509), 1) == 1 &&
                    X509_gmtime_adj(X509_getm_notBefore(x509), -kHour) != nullptr &&
                    X509_gmtime_adj(X509_getm_notAfter(x509), kYear) != nullptr &&
                    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0) == 1 &&
                    X509_set_issuer_name(x509, name) == 1 && X509_set_pubkey(x509, key) == 1 &&
                    add_extensions(x509, host) && X509_sign(x509, key, EVP_sha256()) != 0;
  return made ? std::move(certificate) : nullptr;
}

bool write_certificate(X509* certificate, const std::string& file) {
  const std::unique_ptr<BIO, Freer<BIO_free>> out(BIO_new_file(file.c_str(), "w"));
  return out && PEM_write_bio_X509(out.get(), certificate) == 1 && BIO_flush(out.get()) == 1;
}

// ALPN: the first of the server's versions of HTTP that the client speaks, too.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                    unsigned offered_size, void* context) {
  constexpr std::string_view kVersions = "\x02h2\x08http/1.1";
  const bool http2 = static_cast<const TlsContext*>(context)->http2();
  const std::string_view ours = http2 ? kVersions : kVersions.substr(3);
  unsigned char* out = nullptr;
  const int found = SSL_select_next_proto(&out, size, reinterpret_cast<const unsigned char*>(ours.data()),
                                          static_cast<unsigned>(ours.size()), offered, offered_size);
  *chosen = out;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

std::unexpected<Error> failed(std::string what) {
  ERR_clear_error();
  return std::unexpected(Error{.kind = ErrorKind::kUsage, .code = "sim.tls", .message = std::move(what)});
}

}  // namespace

Result<std::unique_ptr<TlsContext>> TlsContext::make(const std::string& host, const std::string& file,
                                                     bool http2) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate = key ? make_certificate(key.get(), host) : nullptr;
  if (!certificate) return failed(fmt::format("cannot make a certificate for {}", host));
  if (!write_certificate(certificate.get(), file))
    return failed(fmt::format("cannot write a certificate to {}", file));
  std::unique_ptr<TlsContext> context(new TlsContext(SSL_CTX_new(TLS_server_method()), http2));
  SSL_CTX* const ctx = context->get();
  if (ctx == nullptr || SSL_CTX_use_certificate(ctx, certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(ctx, key.get()) != 1)
    return failed("OpenSSL refuses the certificate that it made");
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);  // thousands of connections mostly wait
  SSL_CTX_set_alpn_select_cb(ctx, &choose_protocol, context.get());
  return context;
}

TlsFilter::TlsFilter(const TlsContext& context)
    : ssl_(SSL_new(context.get())), from_wire_(BIO_new(BIO_s_mem())), to_wire_(BIO_new(BIO_s_mem())) {
  if (!ssl_ || from_wire_ == nullptr || to_wire_ == nullptr) throw std::bad_alloc();
  SSL_set_bio(ssl_.get(), from_wire_, to_wire_);
  SSL_set_accept_state(ssl_.get());
}

bool TlsFilter::open(std::string_view wire, std::string& plain) {
  if (BIO_write(from_wire_, wire.data(), static_cast<int>(wire.size())) != static_cast<int>(wire.size()))
    return false;
  std::array<char, 16384> record;
  while (true) {
    ERR_clear_error();
    const int count = SSL_read(ssl_.get(), record.data(), static_cast<int>(record.size()));
    if (count <= 0) return SSL_get_error(ssl_.get(), count) == SSL_ERROR_WANT_READ;
    plain.append(record.data(), static_cast<std::size_t>(count));
  }
}

void TlsFilter::seal(Outbox& plain, Outbox& wire) {
  constexpr std::size_t kRecord = 16384;
  drain(wire);
  while (plain.waiting() > 0 && !wire.full()) {
    const std::string_view piece = plain.rest().substr(0, kRecord);
    ERR_clear_error();
    const int count = SSL_write(ssl_.get(), piece.data(), static_cast<int>(piece.size()));
    if (count <= 0) break;
    plain.sent += static_cast<std::size_t>(count);
    drain(wire);
  }
  if (plain.waiting() == 0) plain.clear();
}

void TlsFilter::close() {
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
}

void TlsFilter::drain(Outbox& wire) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(to_wire_, &bytes);
  if (size <= 0) return;
  wire.bytes.append(bytes, static_cast<std::size_t>(size));
  BIO_reset(to_wire_);
}

}  // namespace xcs::sim
