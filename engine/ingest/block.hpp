// A block: some records of one input, side by side in memory, and what could not be read as records.
//
// Shape.   text  [ record | , | record | ... | padding ]     records  { where in text, where in the input, which one }
//
// Threads: owned by one thread at a time; moved through the queues.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

// LIMIT: a block of this size and its index stay in a core's second-level cache.
constexpr std::size_t kBlockBytes = std::size_t{192} << 10;

// LIMIT: of a block, which ends with the last: each may come to be a reject, which takes up to 1.5 KiB for what cannot
// be read, and 0.4 KiB for a line of a few bytes.
constexpr std::size_t kBlockRecordsMax = 4096, kBlockBadMax = 512;

struct RecordRef {
  std::uint32_t begin = 0, bytes = 0;  // in Block::text
  std::uint64_t offset = 0;            // of its first byte in the input, unpacked
  std::uint64_t number = 0;            // in the input, from 1
};

// A stretch of input that is no record, counted as one bad record.
struct BadStretch {
  std::string kind;    // under which it is counted
  std::string reason;  // for people
  std::uint64_t offset = 0;
  std::uint64_t number = 0;
  std::string text;  // its beginning, for the reject file
};

struct Block {
  std::shared_ptr<const std::string> input;  // name
  std::string text;                          // text_bytes, at least kJsonPaddingBytes of padding, what there was before
  std::size_t text_bytes = 0;
  std::vector<RecordRef> records;
  std::vector<BadStretch> bad;
  std::uint64_t records_done = 0;   // of the input, this block's and bad ones included
  std::uint64_t digests = 0;        // CloudTrail digests, which hold no records
  std::uint64_t notices = 0;        // of deliveries, which name log files
  std::uint64_t stored_bytes = 0;   // of the input as stored that were read for this block
  std::uint64_t input_bytes = 0;    // unpacked bytes that this block accounts for
  const char* next_read = nullptr;  // as many bytes as the text, to be prefetched only; null for none

  bool is_full() const { return records.size() >= kBlockRecordsMax || bad.size() >= kBlockBadMax; }
  std::string_view record(const RecordRef& ref) const { return {text.data() + ref.begin, ref.bytes}; }
};

}  // namespace millrace
