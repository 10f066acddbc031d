#include "engine/execute/sigv4.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace millrace {
namespace {

using Digest = std::array<unsigned char, 32>;

Digest sha256(std::string_view text) {
  Digest out;
  EVP_Digest(text.data(), text.size(), out.data(), nullptr, EVP_sha256(), nullptr);
  return out;
}

Digest hmac(const void* key, std::size_t key_bytes, std::string_view text) {
  Digest out;
  HMAC(EVP_sha256(), key, static_cast<int>(key_bytes), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       out.data(), nullptr);
  return out;
}

Digest hmac(const Digest& key, std::string_view text) { return hmac(key.data(), key.size(), text); }

void append_hex(const Digest& digest, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (const unsigned char byte : digest) {
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
}

}  // namespace

const Signer::Digest& Signer::key_of(std::string_view day) {
  if (day_ == day) return key_;
  const std::string secret = "AWS4" + credentials_.secret_access_key;
  Digest key = hmac(secret.data(), secret.size(), day);
  key = hmac(key, scope_.region);
  key = hmac(key, scope_.service);
  key_ = hmac(key, "aws4_request");
  day_ = day;
  return key_;
}

std::string Signer::authorization(const SigningRequest& request, std::string_view time) {
  std::string names, canonical;
  canonical.append(request.method).append("\n").append(request.path).append("\n").append(request.query).append("\n");
  for (const auto& [name, value] : request.headers) {
    canonical.append(name).append(":").append(value).append("\n");
    if (!names.empty()) names += ';';
    names += name;
  }
  canonical.append("\n").append(names).append("\n");
  append_hex(sha256(request.body), canonical);
  const std::string_view day = time.substr(0, 8);
  const std::string scope = std::string(day) + "/" + scope_.region + "/" + scope_.service + "/aws4_request";
  std::string to_sign = "AWS4-HMAC-SHA256\n";
  to_sign.append(time).append("\n").append(scope).append("\n");
  append_hex(sha256(canonical), to_sign);
  std::string out = "AWS4-HMAC-SHA256 Credential=" + credentials_.access_key_id + "/" + scope +
                    ", SignedHeaders=" + names + ", Signature=";
  append_hex(hmac(key_of(day), to_sign), out);
  return out;
}

}  // namespace millrace
