// Inputs for the tests of the engine: files that last as long as a test, packed bytes, and what a reader finds in them.
//
// Threads: one thread an object.
#pragma once

#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ingest/record_reader.hpp"
#include "engine/route/string_index.hpp"

namespace millrace::test {

class TempFile {
 public:
  explicit TempFile(std::string_view bytes, const std::string& name = "input") {
    std::string pattern = (std::filesystem::temp_directory_path() / "millrace-test-").string() + std::string(6, 'X');
    directory_ = ::mkdtemp(pattern.data());
    path_ = directory_ + "/" + name;
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~TempFile() { std::filesystem::remove_all(directory_); }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string directory_, path_;
};

inline std::string gzip(std::string_view text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

inline std::string zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

struct Found {
  std::vector<std::string> records, bad;  // bad: kinds
  std::vector<std::uint64_t> record_offsets, bad_offsets;
  std::uint64_t input_bytes = 0;
  std::uint64_t numbers = 0;  // sum of the numbers of records and bad stretches
};

inline Found read_all(const std::string& path, std::size_t record_bytes_max = kRecordBytesMaxDefault) {
  RecordReader reader(path, record_bytes_max);
  Found out;
  for (Block block; reader.next(block);) {
    REQUIRE(block.text.size() >= block.text_bytes);
    for (const RecordRef& ref : block.records) {
      REQUIRE(std::size_t{ref.begin} + ref.bytes <= block.text_bytes);
      out.records.emplace_back(block.record(ref));
      out.record_offsets.push_back(ref.offset);
      out.numbers += ref.number;
    }
    for (const BadStretch& bad : block.bad) {
      out.bad.push_back(bad.kind);
      out.bad_offsets.push_back(bad.offset);
      out.numbers += bad.number;
    }
    out.input_bytes += block.input_bytes;
  }
  const std::uint64_t count = out.records.size() + out.bad.size();
  REQUIRE(out.numbers == count * (count + 1) / 2);  // each number from 1 on, once
  return out;
}

inline Found read_text(std::string_view bytes, std::size_t record_bytes_max = kRecordBytesMaxDefault) {
  const TempFile file(bytes);
  return read_all(file.path(), record_bytes_max);
}

// A block of these texts, as a reader would hand it over.
inline Block block_of(const std::vector<std::string>& records) {
  Block out;
  out.input = std::make_shared<const std::string>("input");
  for (const std::string& record : records) {
    out.records.push_back({static_cast<std::uint32_t>(out.text.size()), static_cast<std::uint32_t>(record.size()),
                           out.text.size(), out.records.size() + 1});
    out.text += record + "\n";
  }
  out.text_bytes = out.text.size();
  out.text.append(kJsonPaddingBytes, ' ');
  return out;
}

using Strings = std::vector<std::string>;

}  // namespace millrace::test
