// What is to be prefetched is the file's bytes, and a file that shrinks or cannot be mapped does no harm.
#include "engine/ingest/read_hint.hpp"

#include <catch2/catch.hpp>

#include "engine/ingest/byte_source.hpp"
#include "tests/inputs.hpp"

namespace millrace {
namespace {

constexpr std::size_t kFileBytes = 300'000, kStretch = 100'000, kBytes = 50'000;

std::string text_of_file() {
  std::string out;
  while (out.size() < kFileBytes) out += std::to_string(out.size()) + "\n";
  out.resize(kFileBytes);
  return out;
}

TEST_CASE("a read hint has the bytes of its stretch", "[engine]") {
  const std::string text = text_of_file();
  const test::TempFile file(text);
  const ByteSource source(file.path());
  for (const std::uint64_t begin : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{4096}, std::uint64_t{123'457}}) {
    const ReadHint hint = source.hint_at(begin, kStretch);
    for (const std::uint64_t at : {begin, begin + 1, begin + 50'000}) {
      const char* const bytes = hint.prepare(at, kBytes);
      REQUIRE(bytes != nullptr);
      CHECK(std::string_view(bytes, kBytes) == std::string_view(text).substr(at, kBytes));
    }
    CHECK(hint.prepare(begin + kStretch + 4096, kBytes) == nullptr);
  }
}

TEST_CASE("a read hint of a file that shrank or cannot be mapped is none", "[engine]") {
  const test::TempFile file(text_of_file());
  const ByteSource source(file.path());
  const ReadHint hint = source.hint_at(0, kFileBytes);
  REQUIRE(hint.prepare(200'000, kBytes) != nullptr);
  std::filesystem::resize_file(file.path(), 4096);
  CHECK(hint.prepare(200'000, kBytes) == nullptr);
  prefetch(hint.prepare(0, 4096), kFileBytes);
  CHECK(ReadHint(-1, 0, kBytes).prepare(0, kBytes) == nullptr);
}

}  // namespace
}  // namespace millrace
