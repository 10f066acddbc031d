#include "engine/execute/sink.hpp"

namespace millrace {
namespace {

class NullSink : public Sink {
 public:
  std::optional<Failure> write(std::span<const Start>) override { return {}; }
  std::optional<Failure> finish() override { return {}; }
};

}  // namespace

std::unique_ptr<Sink> make_null_sink() { return std::make_unique<NullSink>(); }

Result<std::unique_ptr<Sink>> make_sink(const std::string& name) {
  constexpr std::string_view kNdjson = "ndjson:";
  if (name == "null") return make_null_sink();
  if (name.starts_with(kNdjson) && name.size() > kNdjson.size()) return make_ndjson_sink(name.substr(kNdjson.size()));
  return Failure{"--to " + name + ": unknown sink; expected null, ndjson:FILE or ndjson:- for standard output"};
}

}  // namespace millrace
