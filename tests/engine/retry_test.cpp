// What an answer means, how long to wait, and when to stop trying.
#include "engine/execute/retry.hpp"

#include <catch2/catch.hpp>

#include "engine/execute/token_bucket.hpp"

namespace millrace {
namespace {

using namespace std::chrono_literals;

Judgement judge_body(int status, std::string_view body) {
  Answer answer;
  answer.http_status = status;
  read_error(body, answer);
  return judge(answer);
}

TEST_CASE("each error has its verdict and its dead-letter code", "[engine]") {
  CHECK(judge_body(200, R"({"executionArn":"a","startDate":1})").verdict == Verdict::started);
  CHECK(judge_body(400, R"({"__type":"ExecutionAlreadyExists"})").verdict == Verdict::duplicate);
  CHECK(judge_body(400, R"({"__type":"ThrottlingException"})").verdict == Verdict::slow_down);
  CHECK(judge_body(400, R"({"__type":"com.amazonaws.swf.service.v2.model#ExecutionLimitExceeded"})").verdict ==
        Verdict::slow_down);
  CHECK(judge_body(400, R"({"__type":"ExpiredTokenException:"})").verdict == Verdict::credentials);
  CHECK(judge_body(400, R"({"__type":"StateMachineDoesNotExist"})").code == std::string("NO_RESOURCE"));
  CHECK(judge_body(400, R"({"__type":"AccessDeniedException"})").code == std::string("NO_PERMISSIONS"));
  CHECK(judge_body(400, R"({"__type":"SomethingNew"})").verdict == Verdict::give_up);
  CHECK(judge_body(503, "<html>").verdict == Verdict::retry);
  CHECK(judge_body(400, "garbage").verdict == Verdict::retry);
  CHECK(judge({}).code == std::string("CONNECTION_FAILURE"));
}

TEST_CASE("an error's name stands between what AWS puts around it, and either spelling of message is read",
          "[engine]") {
  Answer answer;
  read_error(R"({"__type":"a.b#InvalidName:http://x","Message":"Invalid Name"})", answer);
  CHECK(answer.type == "InvalidName");
  CHECK(answer.message == "Invalid Name");
}

TEST_CASE("a wait is anything up to a bound that doubles, and 20 s at most", "[engine]") {
  CHECK(backoff(100ms, 1, 0.0) == 0ms);
  CHECK(backoff(100ms, 1, 0.9999) == 100ms);
  CHECK(backoff(100ms, 4, 0.9999) == 800ms);
  CHECK(backoff(100ms, 4, 0.5) == 400ms);
  CHECK(backoff(100ms, 185, 0.99999) == 20s);
}

TEST_CASE("trying ends at the first bound of the policy", "[engine]") {
  const RetryPolicy policy{.attempts_max = 3, .age_seconds_max = 60};
  CHECK(exhausted(policy, 2, 59s) == nullptr);
  CHECK(exhausted(policy, 3, 0s) == std::string("MaximumRetryAttempts"));
  CHECK(exhausted(policy, 0, 60s) == std::string("MaximumEventAgeInSeconds"));
}

TEST_CASE("a token bucket gives its size at once, then its rate", "[engine]") {
  const TokenBucket::Time begin{};
  TokenBucket bucket = TokenBucket::published("us-east-1", begin);
  const auto taken = [&](TokenBucket::Time now) {
    int count = 0;
    while (bucket.take(now)) ++count;
    return count;
  };
  CHECK(taken(begin) == 1300);
  CHECK(taken(begin + 1s) == 300);
  CHECK(taken(begin + 11s) == 1300);
  CHECK(bucket.next(begin + 11s) > begin + 11s);
}

TEST_CASE("throttling halves the rate, which grows back within ten seconds", "[engine]") {
  const TokenBucket::Time begin{};
  TokenBucket bucket(100, 100, begin);
  bucket.slow_down(begin);
  int count = 0;
  while (bucket.take(begin + 100ms)) ++count;
  CHECK(count < 10);
  for (auto now = begin + 100ms; now < begin + 10s; now += 10ms) bucket.take(now);
  count = 0;
  while (bucket.take(begin + 20s)) ++count;
  CHECK(count == 100);
}

}  // namespace
}  // namespace millrace
