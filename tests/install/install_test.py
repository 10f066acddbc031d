"""An installed millrace can be found, linked and run.

install_test.py CMAKE BUILD_DIRECTORY CXX_COMPILER
"""
import subprocess
import sys
import tempfile
from pathlib import Path


def main():
    cmake, build, compiler = sys.argv[1:]
    with tempfile.TemporaryDirectory() as directory:
        prefix, consumer = Path(directory) / "prefix", Path(directory) / "consumer"

        def run(*arguments):
            return subprocess.run(list(map(str, arguments)), check=True, stdout=subprocess.PIPE, text=True).stdout

        run(cmake, "--install", build, "--prefix", prefix)
        run(cmake, "-S", Path(__file__).parent, "-B", consumer, f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_CXX_COMPILER={compiler}")
        run(cmake, "--build", consumer)
        assert run(consumer / "consumer") == "1 rule\n"
        command = prefix / "bin" / "millrace"
        if command.exists():
            run(command, "--help")


if __name__ == "__main__":
    main()
