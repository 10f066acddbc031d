#include "engine/held_events.hpp"

#include <string>

#include "engine/ingest/inputs.hpp"
#include "engine/ingest/record_reader.hpp"

namespace millrace {

Result<HeldEvents> hold_events(const std::vector<std::string>& inputs) {
  const InputList list = list_inputs(inputs);
  if (!list.failures.empty()) return Failure{list.failures.front().sentence()};
  HeldEvents out;
  for (const InputFile& file : list.files) {
    RecordReader reader(file.path, kRecordBytesMaxDefault);
    for (Block block; reader.next(block);) {
      out.events += block.records.size();
      for (const RecordRef& ref : block.records) out.bytes += ref.bytes;
      out.bad += block.bad.size();
      if (!block.records.empty()) out.blocks.push_back(std::move(block));
    }
  }
  if (out.events == 0) {
    const std::string bad =
        out.bad == 0 ? "" : "; " + std::to_string(out.bad) + " bad, which `millrace match` names with their reasons";
    return Failure{(inputs.empty() ? std::string("no input") : inputs.front()) + ": holds no events" + bad};
  }
  return out;
}

}  // namespace millrace
