// How many starts a second an account may make in a region. Time is the caller's.
//
// Threads: one thread an object. Cost: an addition. Source: Step Functions' quotas for StartExecution: a bucket of
// 1,300 refilled with 300 a second in us-east-1, us-west-2 and eu-west-1, 800 and 150 elsewhere.
#pragma once

#include <algorithm>
#include <chrono>
#include <string_view>

namespace millrace {

class TokenBucket {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Seconds = std::chrono::duration<double>;

  TokenBucket(double size, double per_second, Time now)
      : size_(size), per_second_(per_second), allowed_(per_second), tokens_(size), at_(now) {}

  static TokenBucket published(std::string_view region, Time now) {
    const bool large = region == "us-east-1" || region == "us-west-2" || region == "eu-west-1";
    return large ? TokenBucket(1300, 300, now) : TokenBucket(800, 150, now);
  }

  bool take(Time now) {
    refill(now);
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

  // When the next token is there.
  Time next(Time now) const {
    const double missing = std::max(0.0, 1 - tokens_);
    return now + std::chrono::duration_cast<Time::duration>(Seconds(missing / per_second_));
  }

  // After a throttled start: half the rate, which then grows back to what is allowed within ten seconds.
  void slow_down(Time now) {
    refill(now);
    tokens_ = std::min(tokens_, 0.0);
    per_second_ = std::max(allowed_ / 64, per_second_ / 2);
  }

 private:
  void refill(Time now) {
    const double seconds = Seconds(now - at_).count();
    at_ = now;
    per_second_ = std::min(allowed_, per_second_ + allowed_ * seconds / 10);
    tokens_ = std::min(size_, tokens_ + seconds * per_second_);
  }

  double size_, per_second_, allowed_, tokens_;
  Time at_;
};

}  // namespace millrace
