#include "engine/route/shape_reader.hpp"

#include <algorithm>
#include <utility>

#include "engine/route/json_scalar.hpp"
#include "engine/route/text_scan.hpp"
#include "matcher/json_cursor.hpp"
#include "matcher/json_escape.hpp"
#include "matcher/key_hash.hpp"
#include "matcher/secret.hpp"

namespace millrace {
namespace {

constexpr char kEnd = '\0';  // where a token's first byte is asked for

}  // namespace

ShapeReader::ShapeReader(ShapeWants wants, ShapeKeys& keys, std::vector<std::string_view>& scalars)
    : wants_(std::move(wants)), keys_(keys), scalars_(scalars), secret_(fresh_secret()) {}

bool ShapeReader::read(const StringIndex& text, NodeId root) {
  text_ = &text;
  shape_.members.fill({});
  shape_.has_watched = false;
  keepable_ = text.count() <= kShapeStringsMax;
  any_unwrapped_ = false;
  scalars_.clear();
  quoted_gaps_.clear();
  fixed_gaps_.clear();
  scalar_gaps_.clear();
  shape_keys_.clear();
  others_.clear();
  steps_.clear();
  keys_hash_ = secret_;
  depth_ = 0;
  enter_gap(0);
  if (next() != '{') return false;
  take();
  if (!object(root, false) || next() != kEnd || at_ != gap_end_) return false;
  if (keepable_) note_gap();
  if (any_unwrapped_)
    std::erase_if(steps_, [](const Shape::Step& step) { return step.value.kind == Shape::Kind::none; });
  shape_.quoted_gaps = quoted_gaps_;
  shape_.fixed_gaps = fixed_gaps_;
  shape_.scalar_gaps = scalar_gaps_;
  shape_.keys = shape_keys_;
  shape_.others = others_;
  shape_.steps = steps_;
  return true;
}

std::span<const Shape::ChainedString> ShapeReader::chained_strings() {
  chained_.clear();
  const auto is_string = [](const Shape::Step& step) { return step.value.kind == Shape::Kind::string; };
  if (!std::all_of(steps_.begin(), steps_.end(), is_string)) return {};
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    std::size_t next = i + 1;
    while (next < steps_.size() && steps_[next].field != steps_[i].field) ++next;
    const LeafId link = next < steps_.size() ? static_cast<LeafId>(next) : kNone;
    chained_.push_back({steps_[i].value.index, steps_[i].field, link});
  }
  return chained_;
}

void ShapeReader::enter_gap(std::size_t gap) {
  gap_ = gap;
  gap_scalars_ = 0;
  at_ = text_->gap(gap);
  gap_end_ = text_->gap_end(gap);
}

// The first byte of the next token, which is not taken yet; kEnd behind the last one.
char ShapeReader::next() {
  while (at_ < gap_end_ && is_json_space(*at_)) ++at_;
  if (at_ < gap_end_) return *at_;
  return gap_ < text_->count() ? '"' : kEnd;
}

// REQUIRES: next() is a quote.
std::uint32_t ShapeReader::take_string() {
  if (keepable_) note_gap();
  const auto string = static_cast<std::uint32_t>(gap_);
  enter_gap(gap_ + 1);
  return string;
}

bool ShapeReader::take_scalar(bool wanted) {
  const char* const end = json_scalar_end(at_, gap_end_);
  if (end == nullptr) return false;
  const auto bytes = static_cast<std::size_t>(end - at_);
  if (wanted) scalars_.emplace_back(at_, bytes);
  gap_scalar_ = {at_, bytes};
  gap_scalar_wanted_ = wanted;
  ++gap_scalars_;
  at_ = end;
  return true;
}

// The gap was read to its end. Of one byte and a quote, the head tells all.
void ShapeReader::note_gap() {
  const char *const begin = text_->gap(gap_), *const end = gap_end_;
  const bool is_last = gap_ == text_->count();
  if (end - begin == 1 && gap_ != 0 && !is_last) return;
  const bool has_scalar = gap_scalars_ != 0;
  const std::string_view before(begin, has_scalar ? gap_scalar_.data() : end);
  const std::string_view behind(has_scalar ? gap_scalar_.end() : end, end);
  keepable_ = gap_scalars_ <= 1 && before.size() <= ShortText::kBytesMax && behind.size() <= ShortText::kBytesMax &&
              quoted_gaps_.size() + fixed_gaps_.size() + scalar_gaps_.size() < kShapeGapsMax;
  if (!keepable_) return;
  const auto gap = static_cast<std::uint32_t>(gap_);
  if (has_scalar) {
    scalar_gaps_.push_back({gap, gap_scalar_wanted_, ShortText(before), ShortText(behind)});
  } else if (gap_ != 0 && !is_last && before.size() + 2 <= sizeof(std::uint64_t)) {
    const std::uint64_t mask = ~std::uint64_t{0} >> (48 - 8 * before.size());
    quoted_gaps_.push_back({gap - 1, load_word(begin - 1) & mask, mask});
  } else {
    fixed_gaps_.push_back({gap, ShortText(before)});
  }
}

// Behind the brace; takes the one that closes it. Of nodes that nobody looks at, only the grammar is read.
bool ShapeReader::object(NodeId node, bool in_array) {
  if (++depth_ > kJsonDepthMax) return false;
  if (next() == '}') {
    --depth_;
    take();
    return true;
  }
  for (;;) {
    NodeId child = kNone;
    if (next() != '"' || !key(node, child)) return false;
    if (next() != ':') return false;
    take();
    if (!value(child, in_array)) return false;
    const char behind = next();
    take();
    if (behind == '}') break;
    if (behind != ',') return false;
  }
  --depth_;
  return true;
}

bool ShapeReader::key(NodeId node, NodeId& child) {
  const std::uint32_t string = take_string();
  if (node == kNone) return true;
  const std::string_view name = text_->string(string);
  const bool escaped = text_->has_backslash() && name.find('\\') != std::string_view::npos;
  unescaped_.clear();
  if (escaped && !unescape_json(name, unescaped_)) return false;
  const bool may_lead_on = escaped || keys_.may_lead_on(node, name.data() - 1);
  if (may_lead_on) child = wants_.paths.descend(node, escaped ? std::string_view(unescaped_) : name);
  if (!keepable_) return true;
  if (!may_lead_on) {
    const std::uint64_t mask = keys_.head_mask(node);
    others_.push_back({string, node, load_word(name.data() - 1) & mask, mask});
    return true;
  }
  keys_hash_ = text_hash(keys_hash_, name);
  const std::uint32_t known = keys_.number_of({name.data() - 1, name.size() + 2});
  keepable_ &= known != kNone;
  shape_keys_.push_back({string, known});
  return true;
}

bool ShapeReader::value(NodeId node, bool in_array) {
  const char kind = next();
  if (node == wants_.watched && node != kNone) shape_.has_watched = true;
  const bool looks_inside = node != kNone && wants_.paths.has_children(node);
  const FieldId field = node == kNone ? kNone : wants_.paths.field(node);
  const bool wanted = field != kNone && wants_.fields[field] != 0;
  if (kind == '{') {
    take();
    return object(looks_inside ? node : kNone, in_array);
  }
  if (kind == '[') {
    take();
    return array(looks_inside || wanted ? node : kNone);
  }
  const std::uint8_t number = node == kNone || in_array ? 0 : wants_.member_of[node];
  Shape::Value* const member =
      number != 0 && shape_.members[number - 1u].kind == Shape::Kind::none ? &shape_.members[number - 1u] : nullptr;
  Shape::Value value;
  if (kind == '"') {
    value = {Shape::Kind::string, take_string()};
  } else {
    value = {Shape::Kind::scalar, static_cast<std::uint32_t>(scalars_.size())};
    if (!take_scalar(wanted || member != nullptr)) return false;
  }
  if (wanted) steps_.push_back({value, field});
  if (member != nullptr) *member = value;
  return true;
}

// Behind the bracket. Elements are noted where leaves come of them, but not one that has all leaves of its array.
bool ShapeReader::array(NodeId node) {
  if (++depth_ > kJsonDepthMax) return false;
  const auto add_bracket = [&](Shape::Kind kind, std::uint32_t depth = 0) { steps_.push_back({{kind, depth}, kNone}); };
  std::size_t elements = 0, opened_at = 0;
  bool ends_in_element = false;
  if (next() == ']') {
    --depth_;
    take();
    return true;
  }
  for (;;) {
    const char kind = next();
    const bool is_element = node != kNone && (kind == '{' || kind == '[');
    const std::size_t before = steps_.size();
    if (is_element && elements == 0) add_bracket(Shape::Kind::open_array, wants_.paths.depth(node));
    if (is_element) add_bracket(Shape::Kind::open_element);
    const std::size_t inside = steps_.size();
    if (!value(node, true)) return false;
    if (steps_.size() == inside) {
      steps_.resize(before);
    } else if ((ends_in_element = is_element)) {
      if (elements++ == 0) opened_at = before;
      add_bracket(Shape::Kind::close_element);
    }
    const char behind = next();
    take();
    if (behind == ']') break;
    if (behind != ',') return false;
  }
  if (elements == 1 && ends_in_element) {
    steps_.pop_back();
    steps_[opened_at].value.kind = steps_[opened_at + 1].value.kind = Shape::Kind::none;
    any_unwrapped_ = true;
  } else if (elements > 0) {
    add_bracket(Shape::Kind::close_array);
  }
  --depth_;
  return true;
}

}  // namespace millrace
