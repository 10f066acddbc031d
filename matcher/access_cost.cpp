#include "matcher/access_cost.hpp"

#include <algorithm>
#include <array>

#include "matcher/long_list.hpp"

namespace millrace {
namespace {

struct Prior {
  std::string_view path;
  double chance;
};

constexpr double kPriorElsewhere = 0.02;
constexpr std::array<Prior, 14> kPriors = {{{"version", 1.0},
                                            {"detail-type", 1.0},
                                            {"account", 0.9},
                                            {"region", 0.6},
                                            {"source", 0.17},
                                            {"detail.awsRegion", 0.6},
                                            {"detail.eventSource", 0.17},
                                            {"detail.eventName", 0.019},
                                            {"detail.eventType", 0.97},
                                            {"detail.eventCategory", 0.9},
                                            {"detail.eventVersion", 0.9},
                                            {"detail.readOnly", 0.5},
                                            {"detail.managementEvent", 0.9},
                                            {"detail.userIdentity.type", 0.5}}};

}  // namespace

double prior_of(std::string_view path) {
  const auto at = std::find_if(kPriors.begin(), kPriors.end(), [&](const Prior& prior) { return prior.path == path; });
  return at == kPriors.end() ? kPriorElsewhere : at->chance;
}

double chance_of(double prior, Words values, std::size_t lists_on_field, double used) {
  const double share = std::max(2.0 / static_cast<double>(std::max<std::size_t>(lists_on_field, 1)), used);
  double sum = 0;
  for (Words words = alternatives_of(values); !words.empty();) {
    const Entry entry = read_entry(words);
    double chance = 0.9;  // anything-but and both kinds of exists
    switch (entry.op) {
      case Op::exact_string:
      case Op::exact_number:
      case Op::exact_token:
      case Op::ignore_case:
      case Op::fold:
        chance = std::min(prior, share);
        break;
      case Op::prefix:
      case Op::suffix:
      case Op::prefix_ignore_case:
      case Op::suffix_ignore_case:
      case Op::cidr:
        // A team's or a tenant's own is the event's for its own events only, of which there are few.
        chance = entry.op != Op::cidr && entry.count == 0 ? 0.9 : std::min(0.1, used);
        break;
      case Op::prefix_fold:
      case Op::suffix_fold:
      case Op::wildcard:
        chance = std::min(0.2, 4 * share);
        break;
      case Op::range:
        chance = 0.3;
        break;
      default:
        break;
    }
    sum += chance;
  }
  return std::min(sum, 1.0);
}

}  // namespace millrace
