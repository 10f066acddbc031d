// Any bytes as an input: the reader ends, numbers what it finds from 1 on, and accounts for every byte. It finds the
// same, however the bytes are cut into reads. Any bytes behind a line: read in stretches as far as they are lines, they
// hold the same records. Any bytes before a line: its record is found.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/ingest/record_reader.hpp"

namespace {

constexpr std::size_t kRecordBytesMax = 512;

void check(bool holds) {
  if (!holds) std::abort();
}

struct Unpacked {
  std::uint64_t bytes = 0;
  bool compressed = false, damaged = false;
};

Unpacked unpack(const std::string& path) {
  millrace::ByteSource source(path);
  std::string chunk(1 << 16, '\0');
  Unpacked out{.compressed = source.is_compressed()};
  do {
    for (std::size_t got; (got = source.read(chunk.data(), chunk.size())) > 0;) out.bytes += got;
    out.damaged |= !source.failure().empty();
  } while (source.go_on_behind_damage());
  return out;
}

// Kept from reader to reader, as a worker keeps it. PERF: filling it with zeros took most of the time.
struct Memory {
  std::string buffer;
  millrace::Block block;
} memory;

millrace::RecordReader reader_of(const std::string& path) {
  return {path, kRecordBytesMax, nullptr, 0, std::move(memory.buffer)};
}

template <typename Take>
void take_blocks(millrace::RecordReader& reader, Take&& take) {
  while (reader.next(memory.block)) take(memory.block);
  memory.buffer = reader.release();
}

using Places = std::vector<std::pair<std::uint64_t, std::uint64_t>>;  // offset and bytes; of what is bad, 0

void add(const millrace::Block& block, Places& places) {
  std::multimap<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>> in_order;
  for (const auto& ref : block.records) in_order.insert({ref.number, {ref.offset, ref.bytes}});
  for (const auto& bad : block.bad) in_order.insert({bad.number, {bad.offset, 0}});
  for (const auto& [number, place] : in_order) places.push_back(place);
}

Places places_in(const std::string& path) {
  Places out;
  millrace::RecordReader reader = reader_of(path);
  take_blocks(reader, [&](const millrace::Block& block) { add(block, out); });
  return out;
}

// What is open can be opened once more by the path.
class OpenFile {
 public:
  explicit OpenFile(int file) : file_(file) { check(file >= 0); }
  ~OpenFile() { ::close(file_); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  int file_;
};

void write_all(int file, std::string_view text) {
  check(::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

int memory_file(std::string_view text) {
  const int file = ::memfd_create("input", MFD_CLOEXEC);
  check(file >= 0);
  write_all(file, text);
  return file;
}

// A pipe whose reads each give one piece of the text.
int pipe_of_pieces(std::string_view text, std::size_t first, std::size_t other) {
  constexpr int kPipeBytes = 1 << 20;
  constexpr std::size_t kPiecesMax = 200;  // that fit into the pipe, a page each
  int ends[2];
  check(::pipe2(ends, O_DIRECT | O_CLOEXEC) == 0 && ::fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes) >= 0);
  const std::size_t piece = std::min<std::size_t>(std::max(other, text.size() / kPiecesMax + 1), PIPE_BUF);
  for (std::size_t at = 0, bytes = first; at < text.size(); at += bytes, bytes = piece) {
    bytes = std::min(bytes, text.size() - at);
    write_all(ends[1], text.substr(at, bytes));
  }
  ::close(ends[1]);
  return ends[0];
}

void check_stretches(const std::string& path, std::uint64_t first_line_bytes, std::size_t bytes, std::size_t stretch) {
  const Places in_one = places_in(path);
  Places in_stretches;
  millrace::RecordReader rest = reader_of(path);
  millrace::LinesFile lines = rest.lines_file();
  in_stretches.push_back({0, first_line_bytes - 1});
  std::uint64_t at = first_line_bytes, accounted = first_line_bytes;
  const auto take = [&](const millrace::Block& block) {
    add(block, in_stretches);
    accounted += block.input_bytes;
  };
  for (; at + stretch < bytes && at < lines.irregular_from(); at += stretch) {
    millrace::LinesReader part(lines, at, at + stretch);
    while (part.next(0, memory.block)) take(memory.block);
  }
  const std::uint64_t goes_on = std::min(at, lines.irregular_from());
  check(accounted == goes_on);
  rest.go_on_at(goes_on);
  take_blocks(rest, take);
  check(in_one == in_stretches && accounted == bytes);
}

// Elements that wrap records are awaited in their arrays, behind a broken event its detail, and base64 in a payload.
bool awaits_no_record(const std::string& text) {
  const auto has = [&](const char* part) { return text.find(part) != std::string::npos; };
  return has("vents") || has("detail") || has("awslogs");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  const std::string text(reinterpret_cast<const char*>(data), bytes);
  const OpenFile input(memory_file(text));
  const std::string path = input.path();
  millrace::RecordReader reader = reader_of(path);
  std::uint64_t accounted = 0, count = 0, numbers = 0;
  take_blocks(reader, [&](const millrace::Block& block) {
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
  });
  check(numbers == count * (count + 1) / 2);
  const Unpacked unpacked = unpack(path);
  check(accounted == unpacked.bytes);

  // How much ISA-L gives of what stands right before the damage depends on how much it was given at once.
  if (bytes >= 2 && !(unpacked.compressed && unpacked.damaged)) {
    const OpenFile pieces(pipe_of_pieces(text, 1 + data[0], 1 + data[1] % 64));
    check(places_in(pieces.path()) == places_in(path));
  }

  const std::string line = "{\"eventVersion\":\"1.08\"}\n";
  const OpenFile before_line(memory_file(text + "\n" + line));
  if (!unpacked.compressed && !awaits_no_record(text)) {
    const Places places = places_in(before_line.path());
    check(std::count(places.begin(), places.end(),
                     std::pair<std::uint64_t, std::uint64_t>(bytes + 1, line.size() - 1)) == 1);
  }
  const OpenFile behind_line(memory_file(line + text));
  check_stretches(behind_line.path(), line.size(), line.size() + bytes, 1 + (bytes > 0 ? data[0] : 0));
  return 0;
}
