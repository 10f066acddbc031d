// Every record of an input is found once, whatever holds it, and what is none is reported.
#include "engine/ingest/record_reader.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/inputs.hpp"
#include "tests/random.hpp"

namespace millrace {
namespace {

using test::Found;
using test::gzip;
using test::read_text;
using test::Strings;

const std::string kA = R"({"eventVersion":"1.08","eventSource":"s3.amazonaws.com","n":1})";
const std::string kB = R"({"eventVersion":"1.08","eventSource":"ec2.amazonaws.com","n":[{"x":"]}"}]})";
const std::string kC = R"({"eventVersion":"1.08","eventSource":"sqs.amazonaws.com","n":"\"\\"})";

std::string repeated(const std::string& text, std::size_t times) {
  std::string out;
  while (times-- > 0) out += text;
  return out;
}
std::string quoted(const std::string& text) { return nlohmann::json(text).dump(); }

TEST_CASE("records are found in each container", "[engine]") {
  const std::string wrapped_a = R"({"id":"1","timestamp":1,"message":)" + quoted(kA) + "}";
  const std::string wrapped_b = R"({"id":"2","timestamp":2,"message":)" + quoted(kB) + "}";
  const std::string text = GENERATE_COPY(
      "{\"Records\":[" + kA + "," + kB + "]}", "{ \"Records\" : [ " + kA + " ,\n" + kB + " ] }\n",
      "{\"x\":{\"Records\":[1]},\"Records\":[" + kA + "," + kB + "],\"y\":[]}",
      "{\"Records\":[" + kA + "]}\n{\"Records\":[" + kB + "]}", "[" + kA + "," + kB + "]", kA + "\n" + kB + "\n",
      kA + "\n" + kB, "\n\n" + kA + "\r\n\r\n" + kB + "\r\n", kA + kB, kA + "  " + kB, "\xef\xbb\xbf" + kA + "\n" + kB,
      "\xef\xbb\xbf{\"Records\":[" + kA + "," + kB + "]}",
      R"({"messageType":"DATA_MESSAGE","owner":"1","logEvents":[)" + wrapped_a + "," + wrapped_b + "]}",
      "{\"events\":[" + wrapped_a + "," + wrapped_b + "]}",
      "{\"Events\":[{\"EventId\":\"1\",\"CloudTrailEvent\":" + quoted(kA) +
          "},{\"EventId\":\"2\",\"CloudTrailEvent\":" + quoted(kB) + "}]}");
  INFO(text);
  const Found found = read_text(text);
  CHECK(found.records == Strings{kA, kB});
  CHECK(found.bad.empty());
  CHECK(found.input_bytes == text.size());
}

// PERF: a third of the time of small files went into filling new memory.
TEST_CASE("a reader gives all memory back", "[engine]") {
  const test::TempFile file("{\"Records\":[" + kA + "]}");
  Block block;
  std::string memory;
  for (int i = 0; i < 3; ++i) {
    RecordReader reader(file.path(), kRecordBytesMaxDefault, nullptr, 0, std::move(memory));
    while (reader.next(block)) continue;
    memory = reader.release();
  }
  CHECK(block.text.size() >= kBlockBytes);
  CHECK(memory.size() >= kBlockBytes);
}

TEST_CASE("behind a record that is too large and has no end, the lines are found", "[engine]") {
  const std::string large = "{\"n\":\"" + std::string(3000, 'x');
  for (const std::string& text :
       {"[" + large + "\n" + kA + "\n" + kB + "\n", "{\"Records\":[" + large + "\n" + kA + "\n" + kB}) {
    const Found found = read_text(text, 1000);
    CHECK(found.records == Strings{kA, kB});
    CHECK(found.bad[0] == "too_large");
  }
}

TEST_CASE("behind a member that is too large and has no end, the lines are found", "[engine]") {
  const std::string large = "{\"Records\":[],\"" + std::string(3000, 'x');
  const Found found = read_text(large + "\n" + kA + "\n" + kB + "\n", 1000);
  CHECK(found.records == Strings{kA, kB});
  CHECK(found.bad == Strings{"not_json"});
}

TEST_CASE("a bracket that begins no array hides no wrapped records", "[engine]") {
  const std::string wrapped = R"({"timestamp":1,"message":)" + quoted(kA) + "}\n";
  for (const std::string head : {"[INFO] x\n", "[x\"},", "[[", "[\"a\"]}\"},"}) {
    INFO(head);
    CHECK(read_text(head + wrapped + wrapped).records == Strings{kA, kA});
    CHECK(read_text(head + kA + "\n" + kB + "\n").records == Strings{kA, kB});
  }
}

TEST_CASE("behind a line, a container is told by any first key that it may have", "[engine]") {
  for (const std::string first : {R"("owner":"1")", R"("logGroup":"g")", R"("logStream":"s")",
                                  R"("subscriptionFilters":["f"])", R"("messageType":"DATA_MESSAGE")"}) {
    const std::string container = "{" + first + R"(,"logEvents":[{"id":"1","message":)" + quoted(kA) + "}]}\n";
    INFO(container);
    CHECK(read_text(kB + "\n" + container + kB + "\n").records == Strings{kB, kA, kB});
  }
  for (const std::string key : {"nextForwardToken", "nextBackwardToken", "searchedLogStreams", "ResponseMetadata"}) {
    const std::string container = "{\"" + key + R"(":[],"events":[{"eventId":"1","message":)" + quoted(kA) + "}]}\n";
    INFO(container);
    CHECK(read_text(kB + "\n" + container).records == Strings{kB, kA});
  }
}

TEST_CASE("a block holds a bounded number of records and of what is bad", "[engine]") {
  const std::string good = kA + "\n";
  for (const std::string& text : {good + repeated("{}\n", 20000), repeated("{\n", 20000), good + repeated("{\n", 20000),
                                  "[" + repeated("1,", 20000) + "1]"}) {
    const test::TempFile file(text);
    RecordReader reader(file.path(), kRecordBytesMaxDefault);
    std::size_t count = 0;
    for (Block block; reader.next(block);) {
      CHECK(block.records.size() <= kBlockRecordsMax);
      CHECK(block.bad.size() <= kBlockBadMax + 1);
      count += block.records.size() + block.bad.size();
    }
    CHECK(count >= 20000);
  }
}

TEST_CASE("one record in many lines is one record", "[engine]") {
  const std::string record = "{\n  \"eventSource\": \"s3.amazonaws.com\"\n}";
  CHECK(read_text(record + "\n").records == Strings{record});
  CHECK(read_text(record + "\n" + record + "\n").records == Strings{record, record});
}

TEST_CASE("control messages of CloudWatch Logs hold no records", "[engine]") {
  const Found found =
      read_text(R"({"messageType":"CONTROL_MESSAGE","logEvents":[{"id":"","message":"CWL CONTROL MESSAGE"}]})");
  CHECK(found.records.empty());
  CHECK(found.bad.empty());
}

TEST_CASE("compression is told by content, and members and frames are one text", "[engine]") {
  const std::string head = "{\"Records\":[" + kA + "," + kB.substr(0, 20), tail = kB.substr(20) + "," + kC + "]}";
  const std::string packed =
      GENERATE_COPY(gzip(head + tail), gzip(head) + gzip(tail), gzip("") + gzip(head) + gzip("") + gzip(tail),
                    test::zstd(head + tail), test::zstd(head) + test::zstd(tail));
  const Found found = read_text(packed);
  CHECK(found.records == Strings{kA, kB, kC});
  CHECK(found.bad.empty());
  CHECK(found.input_bytes == head.size() + tail.size());
}

TEST_CASE("a zstd frame that fails as one of an old format does gives nothing", "[engine]") {
  const std::string text = kA + "\n" + kB + "\n",
                    old = std::string("\x28\x25\xb5\x2f\xfd\0or\xb3\r[\t", 12) + std::string(500, '\0');
  const Found found = read_text(test::zstd(text) + old);
  CHECK(found.records == Strings{kA, kB});
  CHECK(found.bad == Strings{"corrupt"});
  CHECK(found.input_bytes == text.size());
}

TEST_CASE("an empty input has no records and nothing bad", "[engine]") {
  const std::string text =
      GENERATE_COPY(std::string(), std::string(" \n\n"), gzip(""), std::string("{\"Records\":[]}"), std::string("[]"));
  const Found found = read_text(text);
  CHECK(found.records.empty());
  CHECK(found.bad.empty());
}

TEST_CASE("an input that cannot be read is one bad stretch", "[engine]") {
  const Found found = test::read_all("/nonexistent/input");
  CHECK(found.records.empty());
  CHECK(found.bad.size() == 1);
}

std::string many_records(std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) {
    out += (i == 0 ? "" : ",") + std::string(R"({"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventID":")") +
           std::to_string(i * 2654435761u) + "\"}";
  }
  return out;
}

TEST_CASE("a truncated gzip file yields the records before the cut and one bad stretch", "[engine]") {
  const std::string packed = gzip("{\"Records\":[" + many_records(5000) + "]}");
  for (const std::size_t cut : {packed.size() / 2, packed.size() - 1, packed.size() - 8}) {
    const Found found = read_text(std::string_view(packed).substr(0, cut));
    INFO("cut at " << cut << " of " << packed.size());
    CHECK(found.records.size() > 1000);
    CHECK(found.bad == Strings{found.bad.empty() ? "a bad stretch" : found.bad.front()});
  }
}

TEST_CASE("a gzip file with a wrong checksum is reported", "[engine]") {
  std::string packed = gzip("{\"Records\":[" + kA + "]}");
  packed[packed.size() - 6] = static_cast<char>(packed[packed.size() - 6] ^ 1);
  const Found found = read_text(packed);
  CHECK(found.bad.size() == 1);
}

TEST_CASE("text that is not JSON is bad, and lines behind it still count", "[engine]") {
  CHECK(read_text("hello").bad == Strings{"not_json"});
  const Found found = read_text("{hello\n" + kA + "\n" + kB + "\n");
  CHECK(found.records.size() + found.bad.size() == 3);
  CHECK(std::count(found.records.begin(), found.records.end(), kA) == 1);
  CHECK(std::count(found.records.begin(), found.records.end(), kB) == 1);
}

TEST_CASE("an input that ends in the middle of a record keeps the records before it", "[engine]") {
  const Found found = read_text("{\"Records\":[" + kA + "," + kB.substr(0, 30));
  CHECK(found.records == Strings{kA});
  CHECK(found.bad == Strings{"truncated"});
  CHECK(read_text("{\"Records\":[" + kA).bad == Strings{"truncated"});
  CHECK(read_text("{\"Records\":[" + kA + "]").bad == Strings{"truncated"});
}

TEST_CASE("a broken record in a list costs none of the records behind it", "[engine]") {
  const std::string broken = GENERATE(R"({"eventVersion":"1.08","x":"unclosed})", R"({"eventVersion":"1.08","x":[})",
                                      R"(17)", R"("text")", R"({"eventVersion":"1.08","x":{{{)");
  INFO(broken);
  const Found found = read_text("{\"Records\":[" + kA + "," + broken + "," + kB + "," + kC + "]}");
  CHECK(std::count(found.records.begin(), found.records.end(), kA) == 1);
  CHECK(std::count(found.records.begin(), found.records.end(), kB) == 1);
  CHECK(std::count(found.records.begin(), found.records.end(), kC) == 1);
  CHECK(found.bad.size() == 1);
}

TEST_CASE("a record over the limit is bad, and its neighbours are not", "[engine]") {
  const std::string large = R"({"eventVersion":"1.08","x":")" + std::string(3000, 'x') + "\"}";
  for (const std::string& text :
       {"{\"Records\":[" + kA + "," + large + "," + kB + "]}", kA + "\n" + large + "\n" + kB + "\n",
        "[" + kA + "," + large + "," + kB + "]", kA + large + kB}) {
    INFO(text.substr(0, 20));
    const Found found = read_text(text, 1024);
    CHECK(found.records == Strings{kA, kB});
    CHECK(found.bad == Strings{"too_large"});
  }
}

TEST_CASE("the last record is found behind one that is lost, however short it is", "[engine]") {
  const std::string large = R"({"eventVersion":"1.08","x":")" + std::string(3 * kBlockBytes, 'x') + "\"}";
  const std::string last = R"({"eventSource":"s3.amazonaws.com"})";
  for (const std::string& text : {"{\"Records\":[" + large + "," + last + "]}", "[" + large + "," + last + "]",
                                  large + "\n" + last, large + "\n" + last + "\n"}) {
    INFO(text.substr(0, 20));
    const Found found = read_text(text, 1024);
    CHECK(found.records == Strings{last});
    CHECK(found.bad == Strings{"too_large"});
  }
}

TEST_CASE("a wrapped element without its string is one bad record", "[engine]") {
  const Found found = read_text("{\"logEvents\":[{\"id\":\"1\"},{\"message\":" + quoted(kA) + "},{\"message\":5}]}");
  CHECK(found.records == Strings{kA});
  CHECK(found.bad.size() == 2);
}

TEST_CASE("offsets are places in the unpacked input", "[engine]") {
  const std::string text = "  {\"Records\":[" + kA + ", " + kB + "]}";
  for (const std::string& stored : {text, gzip(text)}) {
    const Found found = read_text(stored);
    CHECK(found.record_offsets == std::vector<std::uint64_t>{text.find(kA), text.find(kB)});
  }
}

TEST_CASE("records are the same wherever the borders of reads and blocks fall", "[engine]") {
  const auto seed = test::seed_of_run();
  test::Random random(seed);
  for (int round = 0; round < 24; ++round) {
    Strings records;
    const std::size_t target = kBlockBytes * 2 + random.below(kBlockBytes);
    for (std::size_t bytes = 0; bytes < target; bytes += records.back().size()) {
      std::string noise;
      for (std::size_t i = random.below(400); i > 0; --i)
        noise += random.of({"a", "\\\\", "\\\"", "}", "]", "{", ",", "é"});
      records.push_back(R"({"eventVersion":"1.08","eventID":")" + std::to_string(records.size()) + R"(","x":")" +
                        noise + "\"}");
    }
    std::string joined, lines, wrapped;
    for (const auto& record : records) {
      joined += (joined.empty() ? "" : ",") + record;
      lines += record + "\n";
      wrapped += (wrapped.empty() ? "" : ",") + std::string("{\"message\":") + quoted(record) + "}";
    }
    const std::string padding(random.below(64), ' ');
    INFO("MILLRACE_TEST_SEED=" << seed << " round " << round << ", padding " << padding.size());
    for (const std::string& text : {padding + "{\"Records\":[" + joined + "]}", padding + "[" + joined + "]",
                                    padding + lines, padding + "{\"logEvents\":[" + wrapped + "]}"}) {
      const Found found = read_text(text);
      REQUIRE(found.bad == Strings{});
      REQUIRE(found.records.size() == records.size());
      REQUIRE(found.records == records);
      REQUIRE(found.input_bytes == text.size());
    }
  }
}

}  // namespace
}  // namespace millrace
