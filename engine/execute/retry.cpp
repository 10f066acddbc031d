#include "engine/execute/retry.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace millrace {
namespace {

struct Row {
  std::string_view type;
  Judgement judgement;
};

constexpr std::array<Row, 39> kTable = {{
    {"ExecutionAlreadyExists", {Verdict::duplicate, nullptr}},
    {"ExecutionLimitExceeded", {Verdict::slow_down, "RESOURCE_LIMIT_EXCEEDED"}},
    {"ThrottlingException", {Verdict::slow_down, "THROTTLING"}},
    {"KmsThrottlingException", {Verdict::slow_down, "THROTTLING"}},
    {"Throttling", {Verdict::slow_down, "THROTTLING"}},
    {"ThrottledException", {Verdict::slow_down, "THROTTLING"}},
    {"RequestThrottledException", {Verdict::slow_down, "THROTTLING"}},
    {"TooManyRequestsException", {Verdict::slow_down, "THROTTLING"}},
    {"RequestLimitExceeded", {Verdict::slow_down, "THROTTLING"}},
    {"BandwidthLimitExceeded", {Verdict::slow_down, "THROTTLING"}},
    {"LimitExceededException", {Verdict::slow_down, "THROTTLING"}},
    {"RequestThrottled", {Verdict::slow_down, "THROTTLING"}},
    {"SlowDown", {Verdict::slow_down, "THROTTLING"}},
    {"ProvisionedThroughputExceededException", {Verdict::slow_down, "THROTTLING"}},
    {"TransactionInProgressException", {Verdict::slow_down, "THROTTLING"}},
    {"PriorRequestNotComplete", {Verdict::retry, "THROTTLING"}},
    {"RequestTimeout", {Verdict::retry, "TIMEOUT"}},
    {"RequestTimeoutException", {Verdict::retry, "TIMEOUT"}},
    {"InternalFailure", {Verdict::retry, "ERROR_FROM_TARGET"}},
    {"InternalServerError", {Verdict::retry, "ERROR_FROM_TARGET"}},
    {"ServiceUnavailable", {Verdict::retry, "ERROR_FROM_TARGET"}},
    {"ExpiredTokenException", {Verdict::credentials, "NO_PERMISSIONS"}},
    {"ExpiredToken", {Verdict::credentials, "NO_PERMISSIONS"}},
    {"InvalidClientTokenId", {Verdict::credentials, "NO_PERMISSIONS"}},
    {"IncompleteSignatureException", {Verdict::credentials, "NO_PERMISSIONS"}},
    {"MissingAuthenticationTokenException", {Verdict::credentials, "NO_PERMISSIONS"}},
    {"UnrecognizedClientException", {Verdict::credentials, "NO_PERMISSIONS"}},
    {"InvalidSignatureException", {Verdict::credentials, "NO_PERMISSIONS"}},
    {"IncompleteSignature", {Verdict::credentials, "NO_PERMISSIONS"}},
    {"MissingAuthenticationToken", {Verdict::credentials, "NO_PERMISSIONS"}},
    {"AccessDeniedException", {Verdict::give_up, "NO_PERMISSIONS"}},
    {"KmsAccessDeniedException", {Verdict::give_up, "NO_PERMISSIONS"}},
    {"KmsInvalidStateException", {Verdict::give_up, "NO_PERMISSIONS"}},
    {"StateMachineDoesNotExist", {Verdict::give_up, "NO_RESOURCE"}},
    {"StateMachineDeleting", {Verdict::give_up, "NO_RESOURCE"}},
    {"InvalidExecutionInput", {Verdict::give_up, "INVALID_JSON"}},
    {"InvalidArn", {Verdict::give_up, "INVALID_PARAMETER"}},
    {"InvalidName", {Verdict::give_up, "INVALID_PARAMETER"}},
    {"ValidationException", {Verdict::give_up, "INVALID_PARAMETER"}},
}};

}  // namespace

Judgement judge(const Answer& answer) {
  if (answer.no_such_host) return {Verdict::give_up, "CONNECTION_FAILURE"};
  if (answer.timed_out) return {Verdict::retry, "TIMEOUT"};
  if (answer.http_status == 0) return {Verdict::retry, "CONNECTION_FAILURE"};
  if (answer.http_status == 200 && answer.type.empty()) return {Verdict::started, nullptr};
  const auto row = std::find_if(kTable.begin(), kTable.end(), [&](const Row& r) { return r.type == answer.type; });
  if (row != kTable.end()) return row->judgement;
  if (answer.http_status == 429) return {Verdict::slow_down, "THROTTLING"};
  if (answer.http_status >= 500) return {Verdict::retry, "ERROR_FROM_TARGET"};
  if (answer.http_status == 403) return {Verdict::give_up, "NO_PERMISSIONS"};
  // What no AWS service says comes from something in between, and may pass.
  return answer.type.empty() ? Judgement{Verdict::retry, "ERROR_FROM_TARGET"} : Judgement{Verdict::give_up, "UNKNOWN"};
}

void read_error(std::string_view body, Answer& answer) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object()) return;
  const auto text = [&](const char* name) {
    const auto at = json.find(name);
    return at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
  };
  answer.type = text("__type");
  answer.type.erase(0, answer.type.rfind('#') + 1);
  answer.type.erase(std::min(answer.type.find(':'), answer.type.size()));
  answer.message = text("message");
  if (answer.message.empty()) answer.message = text("Message");
}

std::chrono::milliseconds backoff(std::chrono::milliseconds base, std::uint32_t attempt, double chance) {
  constexpr std::uint32_t kDoublingsMax = 20;
  const auto bound = std::min<std::int64_t>(kBackoffMax.count(),
                                            base.count() << std::min(attempt == 0 ? 0 : attempt - 1, kDoublingsMax));
  return std::chrono::milliseconds(static_cast<std::int64_t>(chance * static_cast<double>(bound + 1)));
}

const char* exhausted(const RetryPolicy& policy, std::uint32_t attempts, std::chrono::milliseconds age) {
  if (attempts >= policy.attempts_max) return "MaximumRetryAttempts";
  if (age >= std::chrono::seconds(policy.age_seconds_max)) return "MaximumEventAgeInSeconds";
  return nullptr;
}

}  // namespace millrace
