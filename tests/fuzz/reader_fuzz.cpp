// Any bytes as an input: the reader ends, numbers what it finds from 1 on, and accounts for every byte.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/ingest/record_reader.hpp"

namespace {

constexpr std::size_t kRecordBytesMax = 512;

void check(bool holds) {
  if (!holds) std::abort();
}

std::uint64_t unpacked_bytes(const std::string& path) {
  millrace::ByteSource source(path);
  std::string chunk(1 << 16, '\0');
  std::uint64_t out = 0;
  for (std::size_t got; (got = source.read(chunk.data(), chunk.size())) > 0;) out += got;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  const int file = ::memfd_create("input", MFD_CLOEXEC);
  check(file >= 0 && ::write(file, data, bytes) == static_cast<ssize_t>(bytes));
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  millrace::RecordReader reader(path, kRecordBytesMax);
  std::uint64_t accounted = 0, count = 0, numbers = 0;
  for (millrace::Block block; reader.next(block);) {
    for (const auto& ref : block.records) {
      check(std::size_t{ref.begin} + ref.bytes <= block.text_bytes && block.text_bytes <= block.text.size());
      numbers += ref.number;
      ++count;
    }
    for (const auto& bad : block.bad) {
      check(!bad.kind.empty() && !bad.reason.empty());
      numbers += bad.number;
      ++count;
    }
    accounted += block.input_bytes;
  }
  check(numbers == count * (count + 1) / 2);
  check(accounted == unpacked_bytes(path));
  ::close(file);
  return 0;
}
