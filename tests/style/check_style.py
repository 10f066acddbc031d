"""Checks of the house style that a compiler does not make.

check_style.py includes|headers|format SOURCE_DIRECTORY

  includes  tools, bench, tests -> engine -> matcher, and never back
  headers   every header of matcher/ and engine/ compiles alone
  format    clang-format has nothing to change
"""
import concurrent.futures
import re
import shutil
import subprocess
import sys
from pathlib import Path

FOLDERS = ("matcher", "engine", "tools", "bench", "tests")
MAY_INCLUDE = {
    "matcher": {"matcher"},
    "engine": {"matcher", "engine"},
    "tools": {"matcher", "engine", "tools"},
    "bench": {"matcher", "engine", "bench"},
    "tests": {"matcher", "engine", "tools", "tests"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]')


def sources(root, folders=FOLDERS, endings=(".cpp", ".hpp")):
    return sorted(path for folder in folders for path in (root / folder).rglob("*") if path.suffix in endings)


def check_includes(root):
    faults = []
    for path in sources(root):
        folder = path.relative_to(root).parts[0]
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = INCLUDE.match(line)
            included = found and found[1].split("/")[0]
            if included in FOLDERS and included not in MAY_INCLUDE[folder]:
                faults.append(f"{path}:{number}: {folder}/ may not include {found[1]}")
    return faults


def check_headers(root):
    def compile_alone(path):
        command = ["g++", "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-I", root, "-x", "c++", path]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        return [] if done.returncode == 0 else [f"{path} does not compile alone:\n{done.stderr}"]

    headers = sources(root, ("matcher", "engine"), (".hpp",))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return [fault for faults in pool.map(compile_alone, headers) for fault in faults]


def check_format(root):
    formatter = shutil.which("clang-format-14") or shutil.which("clang-format")
    if formatter is None:
        print("skipped: clang-format missing")
        return []
    done = subprocess.run([formatter, "--dry-run", "-Werror", "--style=file", *map(str, sources(root))], capture_output=True, text=True)
    if done.returncode == 0:
        return []
    return sorted({line.split(":")[0] + ": not as clang-format has it" for line in done.stderr.splitlines() if "error:" in line}) or [done.stderr]


def main():
    check, root = sys.argv[1], Path(sys.argv[2])
    faults = {"includes": check_includes, "headers": check_headers, "format": check_format}[check](root)
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
