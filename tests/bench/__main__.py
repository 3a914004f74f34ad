"""`make bench`: all measurements, in one report. A figure that misses its budget is marked MISSED."""

import argparse
import os
import platform

from tests.bench import evenness, flood, growth, hashers, memory, path, report, speed


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--full", action="store_true", help="measure growth up to a million rows")
    options = parser.parse_args()
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    print(f"Python {platform.python_version()}, {platform.machine()}, {cores} cores, load at the start {load:.1f}")
    report.header("argon2, alone")
    print(f"  runs here: {hashers.build()}: {hashers.cost():.1f} ms a hash")
    print(f"  the other: {hashers.describe_other_build()}", flush=True)
    speed.run()
    flood.run()
    memory.run()
    evenness.run()
    path.run()
    # Last: it sets this process's environment.
    growth.run(growth.FULL if options.full else growth.SIZES)


if __name__ == "__main__":
    main()
