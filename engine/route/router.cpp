#include "engine/route/router.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/uuid.hpp"

namespace millrace {
namespace {

// By slot. The later ones are read again from the whole record when it matches, so they are leaves only for rules'
// sake.
constexpr std::array<ExtraPath, 9> kSlotPaths = {{{"detail.eventSource"},
                                                  {"detail.eventName"},
                                                  {"detail.eventType"},
                                                  {"detail.eventCategory"},
                                                  {"detail.readOnly"},
                                                  {"detail.eventID", "id"},
                                                  {"detail.eventTime", "time"},
                                                  {"detail.awsRegion", "region"},
                                                  {"detail.recipientAccountId", "account"}}};
constexpr std::array<std::string_view, 9> kEnvelopeKeys = {"version", "id",     "detail-type", "source", "account",
                                                           "time",    "region", "resources",   "detail"};

// Does the record's first key belong to an envelope?
bool starts_as_envelope(std::string_view record) {
  const auto quote = record.find('"');
  const std::string_view text = record.substr(std::min(quote, record.size() - 1) + 1);
  return std::any_of(kEnvelopeKeys.begin(), kEnvelopeKeys.end(), [&](std::string_view name) {
    return text.starts_with(name) && text.substr(name.size()).starts_with('"');
  });
}

constexpr std::size_t kTimeBytes = 19;  // YYYY-MM-DDTHH:MM:SS

// A reason in the summary's words; the sentence for people comes from the validator.
const char* kind_of(std::string_view reason) {
  if (reason.find("UTF-8") != std::string_view::npos) return "invalid_utf8";
  if (reason.find("deeper") != std::string_view::npos) return "too_deep";
  return "not_json";
}

}  // namespace

std::vector<ExtraPath> router_paths(bool with_time) {
  std::vector<ExtraPath> out(kSlotPaths.begin(), kSlotPaths.end());
  out.push_back({"detail-type"});
  if (with_time) out.insert(out.end(), {{"detail.eventTime"}, {"time"}});
  return out;
}

Router::Router(std::shared_ptr<const RuleSet> rules, RouteOptions options)
    : rules_(std::move(rules)),
      options_(options),
      automaton_(*rules_->automaton()),
      matcher_(rules_->automaton()),
      record_walker_(automaton_.paths(), fields_),
      envelope_walker_(automaton_.paths(), fields_) {
  fields_.reset(automaton_.field_count());
  detail_node_ = automaton_.paths().descend(0, "detail");
  for (std::size_t i = 0; i < slot_count; ++i) slots_[i] = automaton_.field_of(kSlotPaths[i].path);
  id_ = automaton_.field_of("id");
  time_ = automaton_.field_of("time");
  detail_type_ = automaton_.field_of("detail-type");
  version_ = automaton_.field_of("version");
  source_ = automaton_.field_of("source");
  account_ = automaton_.field_of("account");
  region_ = automaton_.field_of("region");
  rules_use_id_ = id_ != kNone && automaton_.rules_use(id_);
  for (FieldId i = 0; i < automaton_.field_count(); ++i) {
    wanted_of_envelopes_.push_back(automaton_.rules_use(i) || i == detail_type_ || i == time_);
  }
  envelope_walker_.collect(wanted_of_envelopes_.data());
  envelope_walker_.watch(detail_node_);
}

std::string_view Router::leaf_text(FieldId field) const {
  const LeafId id = field == kNone ? kNone : fields_.first(field);
  return id == kNone || fields_.leaf(id).text() == "null" ? std::string_view{} : fields_.leaf(id).text();
}

template <typename Handle>
void Router::for_each_record(const Block& block, Handle&& handle) {
  for (const RecordRef& ref : block.records) handle(ref, examine(block.record(ref)));
}

// Walks one record; null if it is an event, else why it is none.
const char* Router::examine(std::string_view record) {
  form_ = starts_as_envelope(record) ? Form::envelope : Form::record;
  if (!walk(record, form_)) return "not_json";
  if (is_confirmed()) return nullptr;
  form_ = form_ == Form::record ? Form::envelope : Form::record;
  walk(record, form_);
  return is_confirmed() ? nullptr : "no_event_source";
}

bool Router::walk(std::string_view record, Form form) {
  const char* const end = record.data() + record.size();
  fields_.clear();
  return (form == Form::record ? record_walker_.walk(record.data(), end, detail_node_)
                               : envelope_walker_.walk(record.data(), end, 0)) == end;
}

// A record has an eventSource, or is an insight; an event has detail-type and detail.
bool Router::is_confirmed() const {
  if (form_ == Form::envelope) return fields_.first(detail_type_) != kNone && envelope_walker_.came_by();
  return fields_.first(slots_[slot_source]) != kNone || leaf_text(slots_[slot_type]) == "AwsCloudTrailInsight";
}

void Router::read_head() {
  head_ = {.event_source = leaf_text(slots_[slot_source]),
           .event_name = leaf_text(slots_[slot_name]),
           .event_id = leaf_text(slots_[slot_id]),
           .event_time = leaf_text(slots_[slot_time]),
           .aws_region = leaf_text(slots_[slot_region]),
           .event_type = leaf_text(slots_[slot_type]),
           .recipient_account_id = leaf_text(slots_[slot_account]),
           .event_category = leaf_text(slots_[slot_category]),
           .read_only = leaf_text(slots_[slot_read_only]) == "true"};
}

// Once the record was validated: the rest of the head, and with it the whole envelope.
void Router::complete_head(std::string_view record) {
  const auto member = [&](const char* name) {
    std::string_view text;
    return validator_.root()[name].get(text) ? std::string_view{} : text;
  };
  if (form_ == Form::envelope) {
    envelope_.id = member("id");
    envelope_.time = member("time");
    return;
  }
  head_.event_id = member("eventID");
  envelope_.account = member("recipientAccountId");
  envelope_.time = member("eventTime");
  envelope_.region = member("awsRegion");
  envelope_.detail_type = detail_type_of(head_.event_type);
  envelope_.source.clear();
  append_source(head_, envelope_.source);
  envelope_.id = derived_id(record);
}

// The envelope's members as leaves, where a rule asks for them.
void Router::add_derived_fields(std::string_view record) {
  const auto add = [&](FieldId field, std::string_view text) {
    if (field != kNone && automaton_.rules_use(field)) fields_.add(field, LeafKind::string, text);
  };
  if (source_ != kNone) {
    envelope_.source.clear();
    append_source(head_, envelope_.source);
  }
  add(version_, "0");
  add(detail_type_, detail_type_of(head_.event_type));
  add(source_, envelope_.source);
  add(account_, head_.recipient_account_id);
  add(time_, head_.event_time);
  add(region_, head_.aws_region);
  if (rules_use_id_) {
    envelope_.id = derived_id(record);
    add(id_, envelope_.id);
  }
}

std::string Router::derived_id(std::string_view record) const {
  return uuid_from(head_.event_id.empty() ? record : head_.event_id);
}

bool Router::match_fields(const char*& bad_kind) {
  matched_.clear();
  if (!matcher_.match(fields_, matched_)) bad_kind = "undecidable_arrays";
  return bad_kind == nullptr;
}

// Why the event's time is not asked for; null if it is. A record without a time is within no bounds.
const char* Router::out_of_range() {
  if (options_.since.empty() && options_.until.empty()) return nullptr;
  const std::string_view time = form_ == Form::record ? head_.event_time : leaf_text(time_);
  if (time.size() < kTimeBytes) return "no_time";
  if (time.substr(0, kTimeBytes) < options_.since) return "before_since";
  return !options_.until.empty() && time.substr(0, kTimeBytes) >= options_.until ? "after_until" : nullptr;
}

void Router::route(const Block& block, StartBatch& out) {
  for_each_record(block, [&](const RecordRef& ref, const char* bad_kind) {
    const std::string_view record = block.record(ref);
    ++out.tally.records;
    if (bad_kind == nullptr && options_.strict && validator_.refuse(record)) bad_kind = "not_json";
    if (bad_kind != nullptr) return reject(block, ref, bad_kind, out);
    if (!rules_->any_enabled()) {
      ++out.tally.not_delivered["no_enabled_rule"];
      return;
    }
    bool with_all_only = false;
    if (form_ == Form::record) {
      read_head();
    }
    if (const char* const reason = out_of_range()) {
      ++out.tally.not_delivered[reason];
      return;
    }
    if (form_ == Form::record) {
      with_all_only = is_read_only_management(head_, options_.read_only);
      if (with_all_only && !rules_->any_with_all()) {
        ++out.tally.not_delivered["read_only_management"];
        return;
      }
      add_derived_fields(record);
    }
    if (!match_fields(bad_kind)) return reject(block, ref, bad_kind, out);
    if (with_all_only)
      std::erase_if(matched_, [&](RuleId id) { return rules_->rules()[id].state != RuleState::enabled_with_all; });
    if (!matched_.empty() && validator_.refuse(record)) return reject(block, ref, "not_json", out);
    ++out.tally.routed;
    if (!matched_.empty()) add_starts(record, ref.number, out);
  });
}

void Router::match(const Block& block, StartBatch& out, const Visit& visit) {
  for_each_record(block, [&](const RecordRef& ref, const char* bad_kind) {
    const std::string_view record = block.record(ref);
    ++out.tally.records;
    matched_.clear();
    if (bad_kind == nullptr && form_ == Form::record) {
      read_head();
      add_derived_fields(record);
    }
    if (bad_kind == nullptr) match_fields(bad_kind);
    if (bad_kind == nullptr && validator_.refuse(record)) bad_kind = "not_json";  // its id is wanted in any case
    if (bad_kind != nullptr) return reject(block, ref, bad_kind, out);
    ++out.tally.routed;
    out.tally.matched_events += !matched_.empty();
    out.tally.matches += matched_.size();
    complete_head(record);
    visit(envelope_.id, matched_);
  });
}

std::uint64_t Router::count_matches(const Block& block) {
  std::uint64_t matches = 0;
  for_each_record(block, [&](const RecordRef& ref, const char* bad_kind) {
    if (bad_kind != nullptr) return;
    const std::string_view record = block.record(ref);
    if (form_ == Form::record) {
      read_head();
      add_derived_fields(record);
    }
    if (match_fields(bad_kind) && !matched_.empty() && !validator_.refuse(record)) matches += matched_.size();
  });
  return matches;
}

void Router::add_starts(std::string_view record, std::uint64_t number, StartBatch& out) {
  ++out.tally.matched_events;
  out.tally.matches += matched_.size();
  complete_head(record);
  std::string event = form_ == Form::envelope ? std::string(record) : write_event(envelope_, record);
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
  if (start.input.size() > kInputBytesMax)
    start.refused = {"INVALID_PARAMETER", "the input has more than 262144 bytes, the most that Step Functions takes"};
}

void Router::reject(const Block& block, const RecordRef& ref, const char* kind, StartBatch& out) {
  const std::string_view record = block.record(ref);
  std::string reason;
  if (std::strcmp(kind, "no_event_source") == 0) {
    reason = "is no CloudTrail record (it has no eventSource) and no event (detail-type and detail)";
  } else if (std::strcmp(kind, "undecidable_arrays") == 0) {
    reason = "has too many arrays on one path to decide which elements agree";
  } else {
    reason = validator_.refuse(record).value_or("is not valid JSON");
    kind = kind_of(reason);
  }
  ++out.tally.bad[kind];
  out.rejects.push_back({kind,
                         *block.input + ": record " + std::to_string(ref.number) + " at byte " +
                             std::to_string(ref.offset) + ": " + reason,
                         *block.input, std::string(record), ref.offset, ref.number});
}

}  // namespace millrace
