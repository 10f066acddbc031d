// Seeded synthetic workloads: rule sets of tenants, and logs in CloudTrail's own shapes. The same seed gives the same
// bytes.
//
// Threads: pure. Cost: about a microsecond a rule or record.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/held_events.hpp"

namespace millrace {

// What a generated rule takes from a record that it is modelled on.
struct RuleModel {
  std::string event_source, event_name, detail_type;
};

enum TenantKind : std::uint8_t { tenant_bucket, tenant_arn, tenant_cidr, tenant_account, tenant_users, tenant_kinds };

struct TenantMix {
  std::array<unsigned, tenant_kinds> weights = {1, 1, 1, 1, 1};
};

// Where the rules come from: real operations, and patterns that match some of the events they were seen in.
struct RuleSource {
  std::vector<RuleModel> models;
  std::array<std::vector<std::string>, tenant_kinds> matching_patterns;
  std::uint64_t matches = 0;  // of all of these in one pass; fewer than asked for where too little can match
};

// Models and matching patterns for `count` rules from events held in memory. Of the patterns, as many as together match
// about `matches` times in one pass over these events, chosen by the seed, and of each kind no more than there are
// rules.
RuleSource rule_source(const HeldEvents& events, std::uint64_t matches, std::uint64_t count, const TenantMix& mix,
                       std::uint64_t seed);

// Rule `number` of `count`, one line in AWS's shape: source, detail-type, eventSource and eventName of a model, and by
// kind the tenant's own bucket name, an ARN prefix, a CIDR, its account with an anything-but list on errorCode, or two
// user names. The matching patterns take evenly spread places among those of their kind; all other rules ask
// for values that no event has.
std::string tenant_rule(std::uint64_t seed, std::uint64_t number, std::uint64_t count, const RuleSource& source,
                        const TenantMix& mix);

// A CloudTrail record of one of the generated models.
std::string generated_record(std::uint64_t seed, std::uint64_t number);

}  // namespace millrace
