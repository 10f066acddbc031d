// Starts executions on Step Functions: many requests in flight over kept connections, each tried again as its
// RetryPolicy allows.
//
// A start that has to wait before it is tried again keeps none from going. What an answer means is retry.hpp's to say;
// the wait, the rate and the credentials are handled here.
#include <curl/curl.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "engine/execute/credentials.hpp"
#include "engine/execute/retry.hpp"
#include "engine/execute/sigv4.hpp"
#include "engine/execute/sink.hpp"
#include "engine/execute/token_bucket.hpp"
#include "engine/route/envelope.hpp"

namespace millrace {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kGroupStarts = 4096;
constexpr std::size_t kAnswerBytesMax = std::size_t{64} << 10;  // LIMIT: of a body that is kept; AWS's have under 2 KiB
constexpr int kCredentialTriesMax = 2;                          // readings of the credentials for one start

struct EasyDelete {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct HeadersDelete {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct MultiDelete {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

// Where the starts of one account and region go, how fast, and in whose name.
struct Destination {
  std::string url, host, path;
  TokenBucket bucket;
  Signer signer;
};

struct Attempt {
  const Start* start = nullptr;
  Outcome* outcome = nullptr;
  Destination* destination = nullptr;
  std::uint32_t tries = 0;  // after the first
  int credential_tries = 0;
  Clock::time_point first_tried;
};

// A connection's worth of a request; reused for the next one.
struct Request {
  std::unique_ptr<CURL, EasyDelete> easy;
  std::unique_ptr<curl_slist, HeadersDelete> headers;
  std::string body, answer;
  Attempt attempt;
};

std::size_t keep_answer(char* data, std::size_t size, std::size_t count, void* to) {
  auto& answer = *static_cast<std::string*>(to);
  answer.append(data, std::min(size * count, kAnswerBytesMax - std::min(kAnswerBytesMax, answer.size())));
  return size * count;
}

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_started(const std::string& answer) {
  const auto json = nlohmann::json::parse(answer, nullptr, false);
  return json.is_object() && json.contains("executionArn") && json["executionArn"].is_string();
}

std::string amz_date() {
  const std::time_t now = std::time(nullptr);
  std::tm utc;
  gmtime_r(&now, &utc);
  char out[17];
  std::strftime(out, sizeof(out), "%Y%m%dT%H%M%SZ", &utc);
  return out;
}

// eu-west-1, us-gov-east-1: two letters, words, a number.
bool is_region(std::string_view text) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto first = text.find('-'), last = text.rfind('-');
  if (first != 2 || last == first || last + 2 != text.size() || text.back() < '1' || text.back() > '9') return false;
  return std::all_of(text.begin(), text.end() - 1, [&](char c) { return is_letter(c) || c == '-'; });
}

constexpr long kConnectMillisecondsMax = 5'000;

CURLcode connect_to(const std::string& url) {
  const std::unique_ptr<CURL, EasyDelete> easy(curl_easy_init());
  curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_CONNECTTIMEOUT_MS, kConnectMillisecondsMax);
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  return curl_easy_perform(easy.get());
}

// An endpoint that somebody named should answer before anything is started.
std::optional<Failure> probe(const std::string& endpoint) {
  const CURLcode result = connect_to(endpoint);
  if (result == CURLE_OK) return {};
  return Failure{"the endpoint " + endpoint + " does not answer: " + curl_easy_strerror(result)};
}

// Step Functions' own host of a region that is none does not exist. What else may be wrong with it may pass.
std::optional<Failure> probe_region(const std::string& url, const std::string& region) {
  if (connect_to(url) != CURLE_COULDNT_RESOLVE_HOST) return {};
  return Failure{url + ": there is no such host; is the region " + region + " right, and is there a network?"};
}

class AwsSink : public Sink {
 public:
  AwsSink(const SinkOptions& options, std::string endpoint, Credentials credentials, CheckpointFile checkpoint)
      : options_(options.aws),
        stop_(options.stop),
        endpoint_(std::move(endpoint)),
        credentials_(std::move(credentials)),
        checkpoint_(std::move(checkpoint)),
        multi_(curl_multi_init()),
        random_(std::random_device{}()) {
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(options_.in_flight));
    for (unsigned i = 0; i < options_.in_flight; ++i) {
      requests_.push_back(std::make_unique<Request>());
      prepare(*requests_.back());
      idle_.push_back(requests_.back().get());
    }
  }

  ~AwsSink() override {
    for (const auto& request : requests_) curl_multi_remove_handle(multi_.get(), request->easy.get());
  }

  std::size_t group_starts() const override { return kGroupStarts; }
  bool commits_groups() const override { return true; }

  // Returns when few starts wait for their first try; those that wait for another do not keep the next ones from going.
  std::optional<Failure> write(std::span<const Start* const> starts, std::span<Outcome> outcomes) override {
    if (auto failure = probe_once()) return failure;
    const auto now = Clock::now();
    for (std::size_t i = 0; i < starts.size(); ++i) {
      outcomes[i].kind = OutcomeKind::pending;
      ready_.push({starts[i], &outcomes[i], destination_of(starts[i]->target->arn, now), 0, 0, {}});
    }
    for (; endpoint_.empty() && !unprobed_.empty(); unprobed_.pop_back()) {
      if (auto failure = probe_region(unprobed_.back().first, unprobed_.back().second)) return failure;
    }
    pending_ += starts.size();
    while (ready_.size() > options_.in_flight) advance();
    return {};
  }

  std::size_t pending() const override { return pending_; }

  void advance() override {
    const bool stopping = stop_ != nullptr && *stop_ != 0;
    if (stopping) abandon_waiting();
    if (stopping && drain_is_over(Clock::now())) abandon_in_flight();
    if (pending_ == 0) return;
    send_what_may_go();
    wait();
    collect();
  }

  std::optional<Failure> check(const Rule& rule) const override {
    for (const Target& target : rule.targets) {
      if (is_region(parse_state_machine_arn(target.arn).region)) continue;
      return Failure{"rule " + rule.name + ": the target " + target.arn +
                     " names no region; expected arn:aws:states:REGION:ACCOUNT:stateMachine:NAME"};
    }
    return {};
  }

  std::optional<Failure> commit(std::span<const InputProgress> progress) override {
    return checkpoint_.save(progress, 0);
  }
  Result<ResumePoint> resume(const std::string& rules) override { return checkpoint_.resume(rules); }

 private:
  struct Later {
    Clock::time_point due;
    Attempt attempt;
    bool operator<(const Later& other) const { return due > other.due; }
  };

  void prepare(Request& request) {
    request.easy.reset(curl_easy_init());
    CURL* const easy = request.easy.get();
    curl_easy_setopt(easy, CURLOPT_PRIVATE, &request);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &request.answer);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.request_timeout.count()));
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
  }

  Destination* destination_of(const std::string& arn, Clock::time_point now) {
    const auto known = by_arn_.find(arn);
    if (known != by_arn_.end()) return known->second;
    const StateMachineArn machine = parse_state_machine_arn(arn);
    const std::string region(machine.region);
    auto& destination = destinations_[region + " " + std::string(machine.account)];
    if (!destination) {
      const std::string own = "https://states." + region + url_suffix_of(machine.partition);
      const std::string url = endpoint_.empty() ? own : endpoint_;
      const double rate = options_.starts_per_second;
      destination = std::make_unique<Destination>(
          Destination{url + "/", host_of(url), path_of(url + "/"),
                      rate > 0 ? TokenBucket(std::max(1.0, rate), rate, now) : TokenBucket::published(region, now),
                      Signer(credentials_, {region, "states"})});
    }
    if (hosts_.insert(destination->url).second) unprobed_.emplace_back(destination->url, region);
    by_arn_.emplace(arn, destination.get());
    return destination.get();
  }

  static std::string url_suffix_of(std::string_view partition) {
    if (partition == "aws-cn") return ".amazonaws.com.cn";
    if (partition == "aws-iso") return ".c2s.ic.gov";
    if (partition == "aws-iso-b") return ".sc2s.sgov.gov";
    return partition == "aws-eusc" ? ".amazonaws.eu" : ".amazonaws.com";
  }

  static std::string host_of(const std::string& url) {
    const auto begin = url.find("://");
    const auto host = begin == std::string::npos ? 0 : begin + 3;
    return url.substr(host, url.find('/', host) - host);
  }

  static std::string path_of(const std::string& url) { return url.substr(url.find('/', url.find("://") + 3)); }

  // Before the first start: a run that starts nothing asks for nothing.
  std::optional<Failure> probe_once() {
    if (std::exchange(probed_, true) || endpoint_.empty()) return {};
    return probe(endpoint_);
  }

  bool drain_is_over(Clock::time_point now) {
    if (!drain_end_) drain_end_ = now + options_.drain_timeout;
    return now >= *drain_end_;
  }

  void finish(const Attempt& attempt, OutcomeKind kind) {
    attempt.outcome->kind = kind;
    --pending_;
  }

  void abandon_waiting() {
    for (; !ready_.empty(); ready_.pop()) finish(ready_.front(), OutcomeKind::abandoned);
    for (; !later_.empty(); later_.pop()) finish(later_.top().attempt, OutcomeKind::abandoned);
  }

  void abandon_in_flight() {
    for (const auto& request : requests_) {
      if (std::find(idle_.begin(), idle_.end(), request.get()) != idle_.end()) continue;
      curl_multi_remove_handle(multi_.get(), request->easy.get());
      finish(request->attempt, OutcomeKind::abandoned);
      idle_.push_back(request.get());
    }
  }

  void send_what_may_go() {
    const auto now = Clock::now();
    for (; !later_.empty() && later_.top().due <= now; later_.pop()) ready_.push(later_.top().attempt);
    // One without a token goes behind the others: another account may have some.
    for (std::size_t looks = ready_.size(); looks > 0 && !idle_.empty(); --looks) {
      const Attempt attempt = ready_.front();
      ready_.pop();
      if (attempt.destination->bucket.take(now)) {
        send(attempt, now);
      } else {
        ready_.push(attempt);
        if (destinations_.size() == 1) break;
      }
    }
  }

  void send(const Attempt& attempt, Clock::time_point now) {
    Request& request = *idle_.back();
    idle_.pop_back();
    const Start& start = *attempt.start;
    request.attempt = attempt;
    if (attempt.tries == 0 && attempt.credential_tries == 0) request.attempt.first_tried = now;
    request.answer.clear();
    request.body = "{\"stateMachineArn\":";
    append_json_string(start.target->arn, request.body);
    request.body += ",\"name\":";
    append_json_string(start.name, request.body);
    request.body += ",\"input\":";
    append_json_string(start.input, request.body);
    request.body += '}';
    sign(request, *attempt.destination);
    CURL* const easy = request.easy.get();
    curl_easy_setopt(easy, CURLOPT_URL, attempt.destination->url.c_str());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request.headers.get());
    curl_multi_add_handle(multi_.get(), easy);
  }

  void sign(Request& request, Destination& destination) {
    const std::string time = amz_date();
    const std::string& token = destination.signer.credentials().session_token;
    SigningRequest signed_request{"POST", destination.path, "", {}, request.body};
    signed_request.headers = {
        {"content-type", "application/x-amz-json-1.0"}, {"host", destination.host}, {"x-amz-date", time}};
    if (!token.empty()) signed_request.headers.emplace_back("x-amz-security-token", token);
    signed_request.headers.emplace_back("x-amz-target", "AWSStepFunctions.StartExecution");
    curl_slist* list = nullptr;
    for (const auto& [name, value] : signed_request.headers)
      list = curl_slist_append(list, (name + ": " + value).c_str());
    list =
        curl_slist_append(list, ("authorization: " + destination.signer.authorization(signed_request, time)).c_str());
    list = curl_slist_append(list, "expect:");
    request.headers.reset(list);
  }

  // Until an answer comes, a token is there, or a wait is over; or a little, since more starts may have come.
  void wait() {
    constexpr milliseconds kWaitMax{20};
    const auto now = Clock::now();
    auto until = now + kWaitMax;
    if (!later_.empty()) until = std::min(until, later_.top().due);
    if (!ready_.empty() && !idle_.empty()) until = std::min(until, ready_.front().destination->bucket.next(now));
    const auto pause = std::chrono::ceil<milliseconds>(until - now);
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    if (pause.count() > 0) curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(pause.count()), nullptr);
    curl_multi_perform(multi_.get(), &running);
  }

  void collect() {
    int left = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode result = message->data.result;
      Request* request = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
      curl_multi_remove_handle(multi_.get(), request->easy.get());
      const Answer answer = answer_of(*request, result);
      idle_.push_back(request);
      settle(request->attempt, answer);
    }
  }

  static Answer answer_of(const Request& request, CURLcode result) {
    Answer out;
    if (result != CURLE_OK) {
      out.no_such_host = result == CURLE_COULDNT_RESOLVE_HOST;
      out.timed_out = result == CURLE_OPERATION_TIMEDOUT;
      out.message = curl_easy_strerror(result);
      return out;
    }
    long status = 0;
    curl_easy_getinfo(request.easy.get(), CURLINFO_RESPONSE_CODE, &status);
    out.http_status = static_cast<int>(status);
    if (status != 200) {
      read_error(request.answer, out);
      if (out.message.empty()) out.message = "HTTP status " + std::to_string(status);
    } else if (!is_started(request.answer)) {
      out.http_status = 502;
      out.message = "the answer is not one of StartExecution";
    }
    return out;
  }

  void settle(Attempt attempt, const Answer& answer) {
    Judgement judgement = judge(answer);
    Outcome& outcome = *attempt.outcome;
    outcome.attempts = attempt.tries;
    if (judgement.verdict == Verdict::credentials && ++attempt.credential_tries <= kCredentialTriesMax) {
      renew_credentials();
      ready_.push(attempt);
      return;
    }
    if (judgement.verdict == Verdict::started || judgement.verdict == Verdict::duplicate) {
      return finish(attempt, judgement.verdict == Verdict::started ? OutcomeKind::started : OutcomeKind::duplicate);
    }
    const auto now = Clock::now();
    if (judgement.verdict == Verdict::slow_down) attempt.destination->bucket.slow_down(now);
    const bool may_pass = judgement.verdict == Verdict::retry || judgement.verdict == Verdict::slow_down;
    const auto age = std::chrono::duration_cast<milliseconds>(now - attempt.first_tried);
    const char* const bound = may_pass ? exhausted(attempt.start->target->retry, attempt.tries, age) : nullptr;
    if (may_pass && bound == nullptr) {
      ++attempt.tries;
      later_.push({now + backoff(options_.retry_base, attempt.tries, chance_(random_)), attempt});
      return;
    }
    finish(attempt, OutcomeKind::failed);
    outcome.error = {judgement.code, answer.type.empty() ? answer.message : answer.type + ": " + answer.message};
    outcome.exhausted = bound;
  }

  // Many requests may learn of it at once; what they then read is the same.
  void renew_credentials() {
    auto fresh = read_credentials();
    if (!fresh) return;
    credentials_ = std::move(*fresh);
    for (auto& [key, destination] : destinations_) {
      destination->signer = Signer(credentials_, {key.substr(0, key.find(' ')), "states"});
    }
  }

  AwsOptions options_;
  const std::atomic<int>* stop_;
  std::string endpoint_;
  Credentials credentials_;
  CheckpointFile checkpoint_;
  std::unique_ptr<CURLM, MultiDelete> multi_;
  std::vector<std::unique_ptr<Request>> requests_;
  std::vector<Request*> idle_;
  std::map<std::string, std::unique_ptr<Destination>> destinations_;  // by region and account
  std::map<std::string, Destination*, std::less<>> by_arn_;
  std::set<std::string> hosts_;
  std::vector<std::pair<std::string, std::string>> unprobed_;  // new ones, with their regions
  std::mt19937_64 random_;
  std::uniform_real_distribution<double> chance_{0, 1};

  std::size_t pending_ = 0;
  std::queue<Attempt> ready_;
  std::priority_queue<Later> later_;
  std::optional<Clock::time_point> drain_end_;
  bool probed_ = false;
};

}  // namespace

Result<std::unique_ptr<Sink>> make_aws_sink(const SinkOptions& options) {
  static const CURLcode kInitialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (kInitialised != CURLE_OK) return Failure{std::string("libcurl: ") + curl_easy_strerror(kInitialised)};
  auto credentials = read_credentials();
  if (!credentials) return credentials.failure();
  auto checkpoint = CheckpointFile::open(options, "aws", "");
  if (!checkpoint) return checkpoint.failure();
  std::string endpoint = options.aws.endpoint_url;
  for (const char* const name : {"AWS_ENDPOINT_URL_SFN", "AWS_ENDPOINT_URL"}) {
    if (endpoint.empty()) endpoint = environment(name);
  }
  while (endpoint.ends_with('/')) endpoint.pop_back();
  if (!endpoint.empty() && !endpoint.starts_with("http://") && !endpoint.starts_with("https://"))
    return Failure{"--endpoint-url " + endpoint + ": is no URL; expected http://HOST[:PORT] or https://HOST[:PORT]"};
  return std::unique_ptr<Sink>(
      new AwsSink(options, std::move(endpoint), std::move(*credentials), std::move(*checkpoint)));
}

}  // namespace millrace
