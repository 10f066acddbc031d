// millrace: replay, test and measure EventBridge rules over CloudTrail logs.
#include <fcntl.h>
#include <simdjson.h>
#include <unistd.h>

#include <csignal>
#include <exception>

#include "tools/command.hpp"
#include "tools/version.hpp"

namespace {

bool processor_is_missing_what_this_build_uses() {
#ifdef __AVX2__
  return !__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2") || !__builtin_cpu_supports("pclmul");
#else
  return false;
#endif
}

// A closed standard stream would lend its number to the first file that is opened, and its messages to that file. What
// takes its place cannot be read, so a closed input is still an error.
void keep_standard_streams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) (void)::open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_WRONLY);
  }
}

}  // namespace

int main(int argc, char** argv) {
  using namespace millrace::tools;
  keep_standard_streams();
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is one that cannot be written
  if (processor_is_missing_what_this_build_uses()) {
    complain("this build needs a processor with AVX2, BMI2 and PCLMUL; build with -DMILLRACE_ARCH=x86-64 for others");
    return kCouldNotRun;
  }
  CLI::App app(
      "Replays CloudTrail logs through EventBridge rules and starts the Step Functions state machines that they "
      "target.",
      "millrace");
  app.set_version_flag("--version", std::string("millrace ") + kVersion + " (simdjson " +
                                        simdjson::get_active_implementation()->name() + ")");
  app.require_subcommand(1);
  app.footer(
      "Example:\n  millrace replay --rules rules.json logs/ --to ndjson:starts.ndjson\n\nExit status: 0 done, 1 the "
      "answer is no, 2 wrong usage, "
      "3 some records were bad or\nsome starts failed, 4 could not run, 130 interrupted.");
  Run run;
  add_replay(app, run);
  add_match(app, run);
  add_bench(app, run);
  add_test(app, run);
  add_gen(app, run);
  add_executions(app, run);
  try {
    app.parse(argc, argv);
    return run();
  } catch (const CLI::ParseError& error) {
    const auto is_named = [&](const CLI::App* command) { return command->check_name(argv[1]); };
    if (argc > 1 && argv[1][0] != '-' && std::as_const(app).get_subcommands(is_named).empty()) {
      complain(std::string(argv[1]) + " is no subcommand; millrace --help lists them");
      return kUsage;
    }
    return app.exit(error) == 0 ? kDone : kUsage;
  } catch (const std::exception& error) {
    complain(error.what());
    return kCouldNotRun;
  }
}
