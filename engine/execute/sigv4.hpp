// Signs requests as AWS wants them: Signature Version 4.
//
// Threads: one thread an object. Cost: two hashes and one HMAC a request; the day's key is kept.
// Source:  AWS General Reference, Signature Version 4 signing process; its published test suite.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/execute/credentials.hpp"

namespace millrace {

struct SignedScope {
  std::string region, service;
};

// A request as it is signed: headers in lower case, sorted by name, values without surrounding space.
struct SigningRequest {
  std::string_view method, path, query;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string_view body;
};

class Signer {
 public:
  Signer(Credentials credentials, SignedScope scope) : credentials_(std::move(credentials)), scope_(std::move(scope)) {}

  // The value of the Authorization header. `time`: YYYYMMDDTHHMMSSZ, also the request's x-amz-date.
  std::string authorization(const SigningRequest& request, std::string_view time);

  const Credentials& credentials() const { return credentials_; }

 private:
  using Digest = std::array<unsigned char, 32>;
  const Digest& key_of(std::string_view day);

  Credentials credentials_;
  SignedScope scope_;
  std::string day_;
  Digest key_{};
};

}  // namespace millrace
