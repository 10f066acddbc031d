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

TEST_CASE("other headers and a body are signed too", "[engine]") {
  SigningRequest request = vanilla("POST");
  request.headers.insert(request.headers.begin() + 1, {"my-header1", "VALUE1"});
  CHECK(signature_of(request) == "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d");
  const SigningRequest form = {
      "POST",
      "/",
      "",
      {{"content-length", "13"},
       {"content-type", "application/x-www-form-urlencoded"},
       {"host", "example.amazonaws.com"},
       {"x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"},
       {"x-amz-date", std::string(kTime)}},
      "Param1=value1"};
  CHECK(signature_of(form) == "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b");
}

TEST_CASE("StartExecution is signed as botocore signs it", "[engine]") {
  Signer signer({"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""}, {"us-east-2", "states"});
  const SigningRequest request = {
      "POST",
      "/",
      "",
      {{"content-type", "application/x-amz-json-1.0"},
       {"host", "states.us-east-2.amazonaws.com"},
       {"x-amz-date", std::string(kTime)},
       {"x-amz-target", "AWSStepFunctions.StartExecution"}},
      R"({"stateMachineArn":"arn:aws:states:us-east-2:123456789012:stateMachine:Helloworld","name":"n-1","input":"{\"k\":\"ü\"}"})"};
  CHECK(signer.authorization(request, kTime)
            .ends_with("52a67af80670aa09701084d302bf54b009b5a94e6b15fca8a30c5209c9805417"));
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
