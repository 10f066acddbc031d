// Lines that workers read in stretches are those that one reader finds.
#include "engine/ingest/lines_file.hpp"

#include <catch2/catch.hpp>

#include "engine/ingest/record_reader.hpp"
#include "tests/inputs.hpp"
#include "tests/random.hpp"

namespace millrace {
namespace {

using test::Random;
using test::TempFile;

constexpr std::size_t kRecordBytesMax = 40'000;  // more than is read at once behind a stretch

const std::string kFirst = "{\"eventVersion\":\"1.08\"}\n";

struct Read {
  test::Strings records;
  std::vector<std::uint64_t> offsets;
  std::uint64_t bytes = 0;

  void add(const Block& block) {
    for (const RecordRef& ref : block.records) {
      records.emplace_back(block.record(ref));
      offsets.push_back(ref.offset);
    }
    bytes += block.input_bytes;
  }
};

// What stretches of the file hold, and whoever goes on behind them.
Read read_stretches(const std::string& path, std::uint64_t file_bytes, std::uint64_t stretch_bytes,
                    std::uint64_t& irregular_from) {
  RecordReader rest(path, kRecordBytesMax);
  LinesFile lines = rest.lines_file();
  Read out;
  Block block;
  std::uint64_t at = kFirst.size();
  for (; at + stretch_bytes < file_bytes && at < lines.irregular_from(); at += stretch_bytes) {
    LinesReader reader(lines, at, at + stretch_bytes);
    std::uint64_t numbered = 7;
    while (reader.next(numbered, block)) {
      for (const RecordRef& ref : block.records) CHECK(ref.number == ++numbered);
      CHECK(block.records_done == numbered);
      out.add(block);
    }
  }
  irregular_from = lines.irregular_from();
  CHECK(out.bytes + kFirst.size() == std::min(at, irregular_from));
  rest.go_on_at(std::min(at, irregular_from));
  while (rest.next(block)) out.add(block);
  return out;
}

void check_stretches(const std::string& text, std::uint64_t stretch_bytes, std::uint64_t irregular_from) {
  const TempFile file(kFirst + text);
  const std::uint64_t bytes = kFirst.size() + text.size();
  const auto in_one = test::read_all(file.path(), kRecordBytesMax);
  std::uint64_t found_irregular = 0;
  const Read in_stretches = read_stretches(file.path(), bytes, stretch_bytes, found_irregular);
  CHECK(found_irregular == irregular_from);
  CHECK(test::Strings(in_one.records.begin() + 1, in_one.records.end()) == in_stretches.records);
  CHECK(std::vector(in_one.record_offsets.begin() + 1, in_one.record_offsets.end()) == in_stretches.offsets);
  CHECK(in_stretches.bytes + kFirst.size() == bytes);
}

std::string random_line(Random& random) {
  const std::string record = "{\"n\":\"" + std::string(random.below(random.one_in(50) ? 30'000 : 300), 'x') + "\"}";
  const std::string around = random.of({"", "", "", "\r", " ", "\t \r"});
  return random.of({"", "", "", "\xef\xbb\xbf", "2023-07-10T12:00:00.000Z ", " "}) +
         (random.one_in(10) ? std::string() : record) + around + "\n";
}

TEST_CASE("stretches of any size hold the lines of the whole", "[engine]") {
  const std::uint64_t seed = test::seed_of_run();
  INFO("seed " << seed);
  Random random(seed);
  constexpr std::uint64_t kNowhere = ~std::uint64_t{0};
  for (int i = 0; i < 40; ++i) {
    std::string text;
    for (std::size_t lines = random.below(400); lines > 0; --lines) text += random_line(random);
    check_stretches(text, 1 + random.below(random.one_in(3) ? 20 : 50'000), kNowhere);
  }
}

TEST_CASE("stretches end where something else than a line begins", "[engine]") {
  const std::string line = "{\"n\":1}\n";
  const std::string too_large = "{\"n\":\"" + std::string(kRecordBytesMax, 'x') + "\"}\n";
  const std::string other =
      GENERATE_COPY(as<std::string>{}, "{\"Records\":[{\"eventVersion\":\"1\"},\n{\"eventVersion\":\"2\"}]}\n",
                    "{\"messageType\":\"CONTROL_MESSAGE\",\"logEvents\":[]}\n", too_large);
  const std::size_t stretch = GENERATE(as<std::size_t>{}, 1, 7, 100, 5'000);
  const std::string text = line + line + other + line + line;
  check_stretches(text + std::string(20'000, '\n'), stretch, kFirst.size() + 2 * line.size());
}

TEST_CASE("a last line without an end is left to the reader", "[engine]") {
  const std::string line = "{\"n\":1}\n";
  check_stretches(line + line + "{\"n\":\"" + std::string(20'000, 'x') + "\"}", 100, kFirst.size() + 2 * line.size());
}

TEST_CASE("a file that has shrunk is left to the reader", "[engine]") {
  const TempFile file(kFirst + kFirst);
  const RecordReader reader(file.path(), kRecordBytesMax);
  LinesFile lines = reader.lines_file();
  std::filesystem::resize_file(file.path(), kFirst.size() + 5);
  LinesReader stretch(lines, kFirst.size(), 2 * kFirst.size());
  Block block;
  while (stretch.next(0, block)) CHECK(block.records.empty());
  CHECK(stretch.irregular());
  CHECK(lines.irregular_from() == kFirst.size());
}

}  // namespace
}  // namespace millrace
