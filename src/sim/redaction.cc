#include "sim/redaction.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <span>

namespace xcs::sim {

namespace {

constexpr std::array<std::string_view, 14> kCredentialHeaders = {
    "authorization",  "proxy-authorization",
    "x-api-key",      "api-key",
    "x-goog-api-key", "cookie",
    "set-cookie",     "x-amz-security-token",
    "x-auth-token",   "x-auth-key",
    "x-csrf-token",   "authentication-info",
    "xi-api-key",     "ocp-apim-subscription-key"};

constexpr std::array<std::string_view, 19> kCredentialParameters = {"key",
                                                                    "api_key",
                                                                    "api-key",
                                                                    "apikey",
                                                                    "access_token",
                                                                    "token",
                                                                    "auth",
                                                                    "auth_token",
                                                                    "sig",
                                                                    "signature",
                                                                    "secret",
                                                                    "client_secret",
                                                                    "password",
                                                                    "x-amz-signature",
                                                                    "x-amz-security-token",
                                                                    "x-amz-credential",
                                                                    "x-goog-signature",
                                                                    "x-goog-credential",
                                                                    "subscription-key"};

bool names(std::span<const std::string_view> list, std::string_view name) {
  return std::ranges::any_of(list, [&](std::string_view known) { return equals_ignoring_case(known, name); });
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    unsigned char byte = 0;
    const char* const digits = text.data() + 1;
    const bool escaped = text.front() == '%' && text.size() >= 3 &&
                         std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2;
    out += escaped ? static_cast<char>(byte) : text.front();
    text.remove_prefix(escaped ? 3 : 1);
  }
  return out;
}

// The first part of `text` before `separator`; the rest stays in `text`.
std::string_view take_until(std::string_view& text, char separator) {
  const std::string_view part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

std::string_view boundary_of(std::string_view content_type) {
  constexpr std::string_view kKey = "boundary=";
  std::string_view type = take_until(content_type, ';');
  if (!equals_ignoring_case(type.substr(0, type.find('/')), "multipart")) return {};
  while (!content_type.empty()) {
    std::string_view parameter = trim(take_until(content_type, ';'));
    if (!equals_ignoring_case(parameter.substr(0, kKey.size()), kKey)) continue;
    parameter.remove_prefix(kKey.size());
    if (parameter.starts_with('"')) parameter = parameter.substr(1, parameter.find('"', 1) - 1);
    return parameter;
  }
  return {};
}

}  // namespace

bool is_credential_header(std::string_view name) { return names(kCredentialHeaders, name); }

Redaction::Redaction(const HttpRequest& request) {
  for_each_header(request.headers,
                  [this](std::string_view name, std::string_view value) { note_header(name, value); });
  note_header("authorization", request.authorization);
  note_header("x-api-key", request.x_api_key);
  read_target(request.target);
  std::ranges::sort(secrets_, std::greater<>(), &std::string::size);
}

void Redaction::note(std::string_view secret) {
  if (secret.size() >= kShortest) secrets_.emplace_back(secret);
}

void Redaction::note_header(std::string_view name, std::string_view value) {
  if (equals_ignoring_case(name, "content-type")) note(boundary_of(value));
  if (!is_credential_header(name)) return;
  if (equals_ignoring_case(name, "cookie")) {
    while (!value.empty()) {
      std::string_view cookie = take_until(value, ';');
      take_until(cookie, '=');
      note(trim(cookie));
    }
    return;
  }
  note(value.substr(value.find_last_of(' ') + 1));  // without a scheme like Bearer
}

void Redaction::read_target(std::string_view target) {
  target_ = take_until(target, '?');
  char before = '?';
  while (!target.empty()) {
    const std::string_view parameter = take_until(target, '&');
    const std::string_view name = parameter.substr(0, parameter.find('='));
    target_ += before;
    before = '&';
    if (name.size() == parameter.size() || !names(kCredentialParameters, percent_decoded(name))) {
      target_ += parameter;
      continue;
    }
    target_.append(name).append("=*");
    note(parameter.substr(name.size() + 1));
    note(percent_decoded(parameter.substr(name.size() + 1)));
  }
  target_ = redacted(target_);
}

std::string Redaction::redacted(std::string_view text) const {
  std::string out(text);
  for (const std::string& secret : secrets_) {
    for (std::size_t at = 0; (at = out.find(secret, at)) != std::string::npos; ++at)
      out.replace(at, secret.size(), 1, '*');
  }
  return out;
}

void Redaction::blot(std::string& text) const {
  for (const std::string& secret : secrets_) {
    for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += secret.size())
      std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(at), secret.size(), '*');
  }
}

}  // namespace xcs::sim
