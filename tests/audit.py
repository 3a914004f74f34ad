"""Reports known vulnerabilities of the pinned packages: `python tests/audit.py FILE...`, with pip-audit installed.

Exits with 1 if there is one. Without a connection to PyPI it only reports that it could not look.
"""

import json
import subprocess
import sys
from typing import Any


def audit(file: str) -> list[dict[str, Any]] | None:
    """Return what pip-audit found about each package of a requirements file, or None without a connection."""
    options = ["--requirement", file, "--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
    ran = subprocess.run([sys.executable, "-m", "pip_audit", *options], capture_output=True, text=True)
    try:
        packages: list[dict[str, Any]] = json.loads(ran.stdout)["dependencies"]
    except ValueError:
        return None
    return packages


def main(*files: str) -> int:
    """Print the findings. Return the exit code."""
    found = False
    for file in files:
        packages = audit(file)
        if packages is None:
            print(f"{file}: not audited, pip-audit cannot reach PyPI")
            continue
        unknown = [each for each in packages if "skip_reason" in each]
        print(f"{file}: {len(packages) - len(unknown)} packages audited, {len(unknown)} could not be looked up")
        for package in packages:
            for each in package.get("vulns", ()):
                found = True
                fixed = ", ".join(each["fix_versions"]) or "none"
                print(f"{package['name']} {package['version']}: {each['id']}, fixed in: {fixed}")
    return int(found)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
