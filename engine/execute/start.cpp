#include "engine/execute/start.hpp"

#include <algorithm>
#include <array>

#include "engine/uuid.hpp"

namespace millrace {

void Tally::add(const Tally& other) {
  files += other.files;
  records += other.records;
  routed += other.routed;
  matched_events += other.matched_events;
  matches += other.matches;
  starts += other.starts;
  bytes += other.bytes;
  stored_bytes += other.stored_bytes;
  digests += other.digests;
  for (const auto& [reason, count] : other.not_delivered) not_delivered[reason] += count;
  for (const auto& [reason, count] : other.bad) bad[reason] += count;
}

StateMachineArn parse_state_machine_arn(std::string_view arn) {
  constexpr std::size_t kParts = 7;
  std::array<std::string_view, kParts> parts;
  for (std::size_t i = 0; i < kParts; ++i) {
    const auto colon = std::min(arn.find(':'), arn.size());
    parts[i] = arn.substr(0, colon);
    arn.remove_prefix(std::min(colon + 1, arn.size()));
  }
  if (parts[0] != "arn" || parts[2] != "states" || parts[5] != "stateMachine") return {};
  return {parts[1], parts[3], parts[4], parts[6]};
}

std::string rule_arn_of(const Rule& rule, const Target& target) {
  if (!rule.arn.empty()) return rule.arn;
  const StateMachineArn machine = parse_state_machine_arn(target.arn);
  std::string out = "arn:";
  out.append(machine.partition).append(":events:").append(machine.region).append(":").append(machine.account);
  return out + ":rule/" + rule.name;
}

std::string execution_name(const std::string& rule, const std::string& target, const std::string& event_id) {
  constexpr std::size_t kEventPartMax = 80 - 1 - 36;
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
  };
  const bool usable =
      !event_id.empty() && event_id.size() <= kEventPartMax && std::all_of(event_id.begin(), event_id.end(), allowed);
  // Lengths keep apart what would read the same side by side.
  const std::string key =
      std::to_string(rule.size()) + ' ' + std::to_string(target.size()) + ' ' + rule + target + event_id;
  return (usable ? event_id : uuid_from(event_id)) + "_" + uuid_from(key);
}

}  // namespace millrace
