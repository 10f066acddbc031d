#include "engine/route/router.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/ingest/json_scan.hpp"
#include "engine/ingest/read_hint.hpp"
#include "engine/uuid.hpp"
#include "matcher/key_hash.hpp"

namespace millrace {
namespace {

// What is asked of a record and of an envelope besides leaves, and their paths.
enum RecordMember : std::size_t {
  event_source,
  event_name,
  event_type,
  event_category,
  read_only,
  event_id,
  event_time,
  aws_region,
  recipient_account_id
};
constexpr std::array<std::string_view, 9> kRecordMembers = {
    "detail.eventSource", "detail.eventName", "detail.eventType", "detail.eventCategory",     "detail.readOnly",
    "detail.eventID",     "detail.eventTime", "detail.awsRegion", "detail.recipientAccountId"};
constexpr std::string_view kContext = "detail.eventContext";  // where kNotDelivered would stand
enum EnvelopeMember : std::size_t { detail_type, envelope_id, envelope_time };
constexpr std::array<std::string_view, 3> kEnvelopeMembers = {"detail-type", "id", "time"};

template <std::size_t N>
std::array<NodeId, N> nodes_of(const PathTrie& paths, const std::array<std::string_view, N>& names) {
  std::array<NodeId, N> out;
  for (std::size_t i = 0; i < N; ++i) out[i] = paths.descend(0, names[i]);
  return out;
}

std::vector<std::uint8_t> fields_of_rules(const Automaton& automaton) {
  std::vector<std::uint8_t> out;
  for (FieldId i = 0; i < automaton.field_count(); ++i) out.push_back(automaton.rules_use(i));
  return out;
}

void drop_fields_of(const PathTrie& paths, NodeId node, std::vector<std::uint8_t>& wanted) {
  if (paths.field(node) != kNone) wanted[paths.field(node)] = 0;
  paths.for_each_child(node, [&](std::string_view segment) {
    drop_fields_of(paths, paths.child(node, segment.data(), segment.size()), wanted);
  });
}

// Of a record, rules see what is delivered.
std::vector<std::uint8_t> fields_of_records(const Automaton& automaton) {
  std::vector<std::uint8_t> out = fields_of_rules(automaton);
  drop_fields_of(automaton.paths(), automaton.paths().descend(0, kContext), out);
  return out;
}

constexpr std::array<std::string_view, 9> kEnvelopeKeys = {"version", "id",     "detail-type", "source", "account",
                                                           "time",    "region", "resources",   "detail"};

// Does the text's first key belong to an envelope? PERF: that of nearly every record is eventVersion.
bool starts_as_envelope(const StringIndex& text) {
  if (text.count() == 0) return false;
  const std::string_view name = text.string(0);
  if (name.starts_with("event")) return false;
  return std::find(kEnvelopeKeys.begin(), kEnvelopeKeys.end(), name) != kEnvelopeKeys.end();
}

constexpr std::size_t kTimeBytes = 19;  // YYYY-MM-DDTHH:MM:SS

// Is it a time in UTC as CloudTrail and EventBridge write it, with or without a fraction of a second?
bool is_time(std::string_view time) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00";
  const auto has_form = [](char form, char c) { return form == '0' ? c >= '0' && c <= '9' : c == form; };
  return time.size() > kForm.size() && time.ends_with('Z') &&
         std::equal(kForm.begin(), kForm.end(), time.begin(), has_form);
}

// A time up to the last digit of its fraction that is not 0, so that times compare as texts.
std::string_view instant_of(std::string_view time) {
  const auto fraction_end = std::min(time.find_first_not_of("0123456789", kTimeBytes + 1), time.size());
  if (time.substr(kTimeBytes, 1) != ".") return time.substr(0, kTimeBytes);
  const auto last = time.substr(0, fraction_end).find_last_not_of('0');
  return time.substr(0, std::max(last + (last != kTimeBytes), kTimeBytes));
}

// A reason in the summary's words; the sentence for people comes from the validator.
const char* kind_of(std::string_view reason) {
  if (reason.find("UTF-8") != std::string_view::npos) return "invalid_utf8";
  if (reason.find("deeper") != std::string_view::npos) return "too_deep";
  return "not_json";
}

}  // namespace

std::vector<std::string_view> router_paths() {
  std::vector<std::string_view> out(kRecordMembers.begin(), kRecordMembers.end());
  out.insert(out.end(), kEnvelopeMembers.begin(), kEnvelopeMembers.end());
  out.push_back(kContext);
  return out;
}

Router::Router(std::shared_ptr<const RuleSet> rules, RouteOptions options)
    : rules_(std::move(rules)),
      options_(options),
      automaton_(*rules_->automaton()),
      matcher_(rules_->automaton()),
      detail_node_(automaton_.paths().descend(0, "detail")),
      record_walker_(automaton_.paths(), fields_, fields_of_records(automaton_),
                     nodes_of(automaton_.paths(), kRecordMembers), automaton_.paths().descend(0, kContext)),
      envelope_walker_(automaton_.paths(), fields_, fields_of_rules(automaton_),
                       nodes_of(automaton_.paths(), kEnvelopeMembers), detail_node_) {
  fields_.reset(automaton_.field_count());
  const auto used = [&](std::string_view path) {
    const FieldId field = automaton_.field_of(path);
    return field != kNone && automaton_.rules_use(field) ? field : kNone;
  };
  version_ = used("version");
  id_ = used("id");
  detail_type_ = used("detail-type");
  source_ = used("source");
  account_ = used("account");
  time_ = used("time");
  region_ = used("region");
}

template <typename Handle>
void Router::for_each_record(const Block& block, Handle&& handle) {
  for (const RecordRef& ref : block.records) {
    if (block.next_read != nullptr) prefetch(block.next_read + ref.begin, ref.bytes);
    const char* const bad_kind = examine(block.record(ref));
    const std::vector<RecordRef> pieces = bad_kind == nullptr ? std::vector<RecordRef>{} : pieces_of(block, ref);
    if (pieces.empty()) handle(ref, bad_kind);
    for (const RecordRef& piece : pieces) handle(piece, examine(block.record(piece)));
  }
}

// Several objects where one was expected, as where a file whose last line had no end was joined to another. They share
// a number, so that a position stands before or behind all of them. Empty if it is not so.
std::vector<RecordRef> Router::pieces_of(const Block& block, const RecordRef& ref) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::string_view text = block.record(ref);
  std::vector<RecordRef> out;
  for (std::size_t at = 0; at < text.size();) {
    JsonScan scan;
    if (text[at] != '{') return {};
    const std::size_t end = scan.find_close(text.data(), at, text.size());
    if (out.empty() && !scan.closed()) return {};
    const std::size_t behind = scan.closed() ? end : text.size();
    out.push_back({ref.begin + static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(behind - at), ref.offset + at,
                   ref.number});
    at = std::min(text.find_first_not_of(kSpace, behind), text.size());
  }
  return out.size() > 1 ? out : std::vector<RecordRef>{};
}

// Walks one record; null if it is an event, else why it is none.
const char* Router::examine(std::string_view record) {
  strings_.find(record);
  form_ = starts_as_envelope(strings_) ? Form::envelope : Form::record;
  if (!walk(form_)) return "not_json";
  if (is_confirmed()) return nullptr;
  form_ = form_ == Form::record ? Form::envelope : Form::record;
  return walk(form_) && is_confirmed() ? nullptr : "no_event_source";
}

inline bool Router::walk(Form form) {
  fields_.clear();
  return form == Form::record ? record_walker_.walk(strings_, detail_node_) : envelope_walker_.walk(strings_, 0);
}

// A record has an eventSource, or is an insight; an event has detail-type and detail.
inline bool Router::is_confirmed() {
  if (form_ == Form::envelope) return envelope_walker_.has_member(detail_type) && envelope_walker_.has_watched();
  return record_walker_.has_member(event_source) || record_walker_.member(event_type) == "AwsCloudTrailInsight";
}

bool Router::is_read_only() {
  if (options_.read_only == ReadOnlyRule::deliver) return false;
  return is_read_only_management({.event_source = record_walker_.member(event_source),
                                  .event_name = record_walker_.member(event_name),
                                  .event_category = record_walker_.member(event_category),
                                  .read_only = record_walker_.member(read_only) == "true"},
                                 options_.read_only);
}

// The members of the envelope that are wanted of an event that matches.
void Router::complete_envelope(std::string_view record) {
  if (form_ == Form::envelope) {
    envelope_.id = envelope_walker_.member(envelope_id);
    envelope_.time = envelope_walker_.member(envelope_time);
    return;
  }
  envelope_.account = record_walker_.member(recipient_account_id);
  envelope_.time = record_walker_.member(event_time);
  envelope_.region = record_walker_.member(aws_region);
  envelope_.detail_type = detail_type_of(record_walker_.member(event_type));
  derive_source();
  envelope_.id = derived_id(record);
}

// PERF: a log has few sources.
inline void Router::derive_source() {
  const std::string_view wanted = record_walker_.member(event_source);
  const std::uint64_t head = wanted.size() < sizeof(head) ? 0 : load_word(wanted.data());
  DerivedSource& derived = derived_sources_[mix(wanted.size(), head) % kDerivedSources];
  if (derived.source.empty() || !equal_texts(wanted, derived.from)) {
    derived.from = wanted;
    derived.source.clear();
    append_source(wanted, derived.source);
  }
  envelope_.source = derived.source;
}

// The envelope's members as leaves, where a rule asks for them.
inline void Router::add_derived_fields(std::string_view record) {
  const auto add = [&](FieldId field, std::string_view text) { fields_.add(field, LeafKind::string, text); };
  if (version_ != kNone) add(version_, "0");
  if (detail_type_ != kNone) add(detail_type_, detail_type_of(record_walker_.member(event_type)));
  if (source_ != kNone) {
    derive_source();
    add(source_, envelope_.source);
  }
  if (account_ != kNone) add(account_, record_walker_.member(recipient_account_id));
  if (time_ != kNone) add(time_, record_walker_.member(event_time));
  if (region_ != kNone) add(region_, record_walker_.member(aws_region));
  if (id_ != kNone) {
    envelope_.id = derived_id(record);
    add(id_, envelope_.id);
  }
}

std::string Router::derived_id(std::string_view record) {
  const std::string_view id = record_walker_.member(event_id);
  return uuid_from(id.empty() ? record : id);
}

inline bool Router::match_fields(const char*& bad_kind) {
  matched_.clear();
  if (!matcher_.match(fields_, matched_)) bad_kind = "undecidable_arrays";
  return bad_kind == nullptr;
}

// Why the event's time is not asked for; null if it is. A record without a time is within no bounds.
const char* Router::out_of_range() {
  if (options_.since.empty() && options_.until.empty()) return nullptr;
  const std::string_view time =
      form_ == Form::record ? record_walker_.member(event_time) : envelope_walker_.member(envelope_time);
  if (!is_time(time)) return "no_time";
  if (instant_of(time) < options_.since) return "before_since";
  return !options_.until.empty() && instant_of(time) >= options_.until ? "after_until" : nullptr;
}

void Router::route(const Block& block, StartBatch& out) {
  for_each_record(block, [&](const RecordRef& ref, const char* bad_kind) {
    const std::string_view record = block.record(ref);
    ++out.tally.records;
    if (bad_kind == nullptr && options_.strict && !is_valid_json(strings_)) bad_kind = "not_json";
    if (bad_kind != nullptr) return reject(block, ref, bad_kind, out);
    if (!rules_->any_enabled()) {
      ++out.tally.not_delivered["no_enabled_rule"];
      return;
    }
    bool with_all_only = false;
    if (const char* const reason = out_of_range()) {
      ++out.tally.not_delivered[reason];
      return;
    }
    if (form_ == Form::record) {
      with_all_only = is_read_only();
      if (with_all_only && !rules_->any_with_all()) {
        ++out.tally.not_delivered["read_only_management"];
        return;
      }
      add_derived_fields(record);
    }
    if (!match_fields(bad_kind)) return reject(block, ref, bad_kind, out);
    if (with_all_only)
      std::erase_if(matched_, [&](RuleId id) { return rules_->rules()[id].state != RuleState::enabled_with_all; });
    if (!matched_.empty() && !is_valid_json(strings_)) return reject(block, ref, "not_json", out);
    ++out.tally.routed;
    if (!matched_.empty()) add_starts(record, ref.number, out);
  });
}

void Router::match(const Block& block, StartBatch& out, const Visit& visit) {
  for_each_record(block, [&](const RecordRef& ref, const char* bad_kind) {
    const std::string_view record = block.record(ref);
    ++out.tally.records;
    matched_.clear();
    if (bad_kind == nullptr && form_ == Form::record) add_derived_fields(record);
    if (bad_kind == nullptr) match_fields(bad_kind);
    if (bad_kind == nullptr && !is_valid_json(strings_)) bad_kind = "not_json";  // its id is wanted in any case
    if (bad_kind != nullptr) return reject(block, ref, bad_kind, out);
    ++out.tally.routed;
    out.tally.matched_events += !matched_.empty();
    out.tally.matches += matched_.size();
    complete_envelope(record);
    visit(envelope_.id, matched_);
  });
}

std::uint64_t Router::count_matches(const Block& block) {
  std::uint64_t matches = 0;
  for_each_record(block, [&](const RecordRef& ref, const char* bad_kind) {
    if (bad_kind != nullptr) return;
    if (form_ == Form::record) add_derived_fields(block.record(ref));
    if (match_fields(bad_kind) && !matched_.empty() && is_valid_json(strings_)) matches += matched_.size();
  });
  return matches;
}

void Router::add_starts(std::string_view record, std::uint64_t number, StartBatch& out) {
  ++out.tally.matched_events;
  out.tally.matches += matched_.size();
  complete_envelope(record);
  std::string event = event_of(record);
  const std::size_t event_bytes = event.size();
  event.append(kJsonPaddingBytes, ' ');
  for (const RuleId rule_id : matched_) {
    const Rule& rule = rules_->rules()[rule_id];
    for (const Target& target : rule.targets) {
      ++out.tally.starts;
      out.starts.push_back({&rule,
                            &target,
                            execution_name(rule.name, target.id, envelope_.id),
                            envelope_.id,
                            std::string(envelope_.time),
                            {},
                            {},
                            number});
      add_input({event.data(), event_bytes}, out.starts.back());
    }
  }
}

std::string Router::event_of(std::string_view record) const {
  if (form_ == Form::envelope) return std::string(record);
  if (!record_walker_.has_watched()) return write_event(envelope_, record);
  return write_event(envelope_, without_context(record));
}

// What the target gets, or why it can get nothing.
void Router::add_input(std::string_view event, Start& start) {
  if (start.target->input == nullptr) {
    start.input = event;
  } else {
    const std::string rule_arn = rule_arn_of(*start.rule, *start.target);
    auto input = start.target->input->render({event, rule_arn, start.rule->name, start.event_time});
    if (!input) {
      start.refused = {"INVALID_JSON", "InputPath selects nothing of this event"};
      return;
    }
    start.input = std::move(*input);
    if (!input_validator_.is_json(start.input))
      start.refused = {"INVALID_JSON", "the target's input is not valid JSON for this event"};
  }
  if (start.input.size() > kInputBytesMax) start.refused = {"INVALID_PARAMETER", kInputTooLarge};
}

void Router::reject(const Block& block, const RecordRef& ref, const char* kind, StartBatch& out) {
  const std::string_view record = block.record(ref);
  std::string reason;
  if (std::strcmp(kind, "no_event_source") == 0) {
    reason = "is no CloudTrail record (it has no eventSource) and no event (detail-type and detail)";
  } else if (std::strcmp(kind, "undecidable_arrays") == 0) {
    reason = "has too many arrays on one path to decide which elements agree";
  } else {
    reason = validator_.refuse(record).value_or(kTooDeep);
    kind = kind_of(reason);
  }
  ++out.tally.bad[kind];
  out.rejects.push_back({kind, std::move(reason), *block.input, std::string(record), ref.offset, ref.number});
}

}  // namespace millrace
