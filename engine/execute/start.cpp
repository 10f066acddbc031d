#include "engine/execute/start.hpp"

#include <algorithm>
#include <array>

#include "engine/route/envelope.hpp"
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
  notices += other.notices;
  for (const auto& [reason, count] : other.not_delivered) not_delivered[reason] += count;
  for (const auto& [reason, count] : other.bad) bad[reason] += count;
}

std::string Reject::sentence() const {
  const std::string place =
      number == 0 ? "" : "record " + std::to_string(number) + " at byte " + std::to_string(offset) + ": ";
  return input + ": " + place + reason;
}

StartBatch empty_batch(std::uint64_t sequence, bool last) {
  StartBatch batch;
  batch.sequence = sequence;
  batch.last = last;
  return batch;
}

void StartBatch::number() {
  if (!numbering) return;
  if (guessed && numbering->astray) {
    *this = empty_batch(sequence, last);
    return;
  }
  numbering->astray = irregular;
  for (Start& start : starts) start.record += numbering->records;
  for (Reject& reject : rejects) reject.number += numbering->records;
  for (InputProgress& input : progress) input.records_done += numbering->records;
  numbering->records += numbered;
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

namespace {

constexpr std::size_t kNameBytesMax = 80;

// Of a state machine or an execution: no white space, control characters, or brackets, wildcards and the like.
bool is_name(std::string_view text) {
  constexpr std::string_view kForbidden = "<>{}[]?*\"#%\\^|~`$&,;:/\x7f";
  return !text.empty() && text.size() <= kNameBytesMax && std::all_of(text.begin(), text.end(), [&](char c) {
    return static_cast<unsigned char>(c) > ' ' && kForbidden.find(c) == std::string_view::npos;
  });
}

}  // namespace

bool is_state_machine_arn(std::string_view arn) {
  constexpr std::ptrdiff_t kColonsMin = 6, kColonsMax = 7;
  const auto consists_of = [](std::string_view text, auto&& allowed) {
    return !text.empty() && std::all_of(text.begin(), text.end(), allowed);
  };
  const auto in_region = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  const auto in_account = [](char c) { return c >= '0' && c <= '9'; };
  const StateMachineArn parts = parse_state_machine_arn(arn);
  const auto colons = std::count(arn.begin(), arn.end(), ':');
  const bool partition =
      parts.partition == "aws" || (parts.partition.starts_with("aws-") && parts.partition.size() > 4);
  const bool qualifier = colons == kColonsMin || is_name(arn.substr(arn.rfind(':') + 1));
  return partition && consists_of(parts.partition, in_region) && consists_of(parts.region, in_region) &&
         parts.account.size() == 12 && consists_of(parts.account, in_account) && is_name(parts.name) &&
         colons <= kColonsMax && qualifier;
}

bool is_execution_name(std::string_view name) { return is_name(name); }

std::string rule_arn_of(const Rule& rule, const Target& target) {
  if (!rule.arn.empty()) return rule.arn;
  const StateMachineArn machine = parse_state_machine_arn(target.arn);
  std::string out = "arn:";
  out.append(machine.partition).append(":events:").append(machine.region).append(":").append(machine.account);
  return out + ":rule/" + rule.name;
}

void append_start_members(const Start& start, std::string& line) {
  const auto member = [&](std::string_view name, std::string_view value) {
    line += name;
    append_json_string(value, line);
  };
  member("\"stateMachineArn\":", start.target->arn);
  member(",\"name\":", start.name);
  member(",\"rule\":", start.rule->name);
  member(",\"target\":", start.target->id);
  member(",\"eventId\":", start.event_id);
  member(",\"eventTime\":", start.event_time);
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
