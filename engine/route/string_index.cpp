#include "engine/route/string_index.hpp"

#include <bit>
#include <cstring>
#include <vector>

#include "engine/route/processor.hpp"
#include "engine/route/quote_finder.hpp"

namespace millrace {

#ifdef __x86_64__
QuotesFound find_quotes_avx2(const char* text, std::size_t bytes, QuoteRoom room);
QuotesFound find_quotes_avx512(const char* text, std::size_t bytes, QuoteRoom room);
#endif

namespace {

// Any processor: byte by byte.
class Group {
 public:
  explicit Group(const char* at, std::size_t count = 64) : at_(at), count_(count) {}
  std::uint64_t equal(char c) const {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < count_; ++i) out |= std::uint64_t{at_[i] == c} << i;
    return out;
  }

  class Seen {
   public:
    bool backslash() const { return backslash_; }

   private:
    friend class Group;
    bool backslash_ = false;
  };
  void note(Seen& seen) const {
    for (std::size_t i = 0; i < count_; ++i) seen.backslash_ |= at_[i] == '\\';
  }

  using Place = std::uint32_t;
  static void write(std::uint64_t quotes, Place place, QuoteRoom& room) {
    for (; quotes != 0; quotes &= quotes - 1)
      *room.places++ = place + static_cast<std::uint32_t>(std::countr_zero(quotes));
  }
  static void write_heads(const char* text, std::size_t count, QuoteRoom room) {
    for (std::size_t i = 1; i < count; i += 2) {
      const char* const behind = text + room.places[i] + 1;
      room.heads[i] = static_cast<char>(behind[0] | (behind[1] == '"' ? kQuoteFollows : 0));
    }
  }

 private:
  const char* at_;
  std::size_t count_;
};

std::vector<QuoteFinder> finders_of_this_processor() {
  std::vector<QuoteFinder> out;
#ifdef __x86_64__
  if (has_avx512()) out.push_back(find_quotes_avx512);
  if (has_avx2()) out.push_back(find_quotes_avx2);
#endif
  out.push_back(QuoteLoop<Group>::find);
  return out;
}

}  // namespace

std::span<const QuoteFinder> quote_finders() {
  static const std::vector<QuoteFinder> finders = finders_of_this_processor();
  return finders;
}

void StringIndex::grow(std::size_t bytes) {
  room_ = bytes + bytes / 2;
  places_ = std::make_unique<std::uint32_t[]>(room_ + 2 * kQuotesSlack);
  heads_ = std::make_unique<char[]>(room_ + 2 * kQuotesSlack);
}

void StringIndex::find(std::string_view text) {
  if (text.size() >= room_) grow(text.size() + 1);
  text_ = text;
  places_[0] = ~std::uint32_t{0};
  found_ = finder_(text.data(), text.size(), {places_.get() + 1, heads_.get() + 1});
  places_[found_.count + 1] = static_cast<std::uint32_t>(text.size());
  std::memset(heads_.get() + 2 * count(), 0, kHeadsSlack);
}

}  // namespace millrace
