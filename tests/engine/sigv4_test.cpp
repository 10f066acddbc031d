// Signatures are those of AWS's published test suite (2015-08-30, us-east-1, service "service").
#include "engine/execute/sigv4.hpp"

#include <catch2/catch.hpp>

namespace millrace {
namespace {

constexpr std::string_view kTime = "20150830T123600Z";

std::string signature_of(const SigningRequest& request) {
  Signer signer({"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""}, {"us-east-1", "service"});
  const std::string header = signer.authorization(request, kTime);
  return header.substr(header.rfind('=') + 1);
}

SigningRequest vanilla(std::string_view method) {
  return {method, "/", "", {{"host", "example.amazonaws.com"}, {"x-amz-date", std::string(kTime)}}, ""};
}

TEST_CASE("requests are signed as the published vectors are", "[engine]") {
  CHECK(signature_of(vanilla("POST")) == "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
  CHECK(signature_of(vanilla("GET")) == "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST_CASE("the header names key, scope and signed headers", "[engine]") {
  Signer signer({"AKIDEXAMPLE", "secret", ""}, {"eu-west-1", "states"});
  CHECK(signer.authorization(vanilla("POST"), kTime)
            .find("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/states/aws4_request, "
                  "SignedHeaders=host;x-amz-date, Signature=") == 0);
}

TEST_CASE("a new day has a new key", "[engine]") {
  Signer signer({"AKIDEXAMPLE", "secret", ""}, {"eu-west-1", "states"});
  const std::string first = signer.authorization(vanilla("POST"), kTime);
  CHECK(signer.authorization(vanilla("POST"), "20150831T123600Z") != first);
  CHECK(signer.authorization(vanilla("POST"), kTime) == first);
}

}  // namespace
}  // namespace millrace
