#include <cstdio>

#include "engine/rules/rule_set.hpp"

int main() {
  const auto rules = millrace::RuleSet::parse(R"({"Name":"r","EventPattern":{"source":["aws.s3"]}})", "rules.json");
  if (!rules) return 1;
  std::printf("%zu rule\n", (*rules)->automaton()->rule_count());
}
