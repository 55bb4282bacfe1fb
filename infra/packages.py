#!/usr/bin/env python3
"""Checks what `sam build` built: for the right processor, for Amazon Linux 2023, unwinding, and not too large.

    python3 infra/packages.py [--built .aws-sam/build] [--architecture x86_64]

Needs binutils (readelf), Python 3.11 or newer, and nothing else.
"""

import argparse
import platform
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Amazon Linux 2023's.
GLIBC = (2, 34)
# What a package may have; docs/PERFORMANCE.md has what they have, and the goal.
ZIP_MB = 4.0
# The tables that unwinding needs take some hundred kilobytes; a binary that aborts on a panic has next to none.
UNWINDING_BYTES = 100_000
MACHINES = {"x86_64": "X86-64", "arm64": "AArch64"}


def said_by(*command):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


def zipped_mb(bootstrap):
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
            package.write(bootstrap, "bootstrap")
        return file.tell() / 1e6


def problems(bootstrap, architecture):
    """What is wrong with a function's binary; prints what it is like."""
    header = said_by("readelf", "--file-header", "--section-headers", "--wide", bootstrap)
    machine = re.search(r"Machine:\s+(.*)", header)[1]
    tables = re.search(r"\.gcc_except_table\s+PROGBITS\s+\S+\s+\S+\s+([0-9a-f]+)", header)
    wanted = said_by("readelf", "--version-info", "--wide", bootstrap)
    glibc = max(tuple(map(int, version.split("."))) for version in re.findall(r"GLIBC_([0-9.]+)", wanted))
    size = zipped_mb(bootstrap)
    print(f"{bootstrap.parent.name}: {machine}, {size:.2f} MB, glibc {'.'.join(map(str, glibc))}")
    if MACHINES[architecture] not in machine:
        yield f"is built for {machine}, not for {architecture}"
    if glibc > GLIBC:
        yield f"needs glibc {glibc}; Amazon Linux 2023 has {GLIBC}"
    if tables is None or int(tables[1], 16) < UNWINDING_BYTES:
        yield "aborts on a panic: one record's would take its batch along (profile.release, panic)"
    if size > ZIP_MB:
        yield f"has {size:.2f} MB as a package, more than {ZIP_MB}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--built", type=Path, default=ROOT / ".aws-sam/build")
    parser.add_argument("--architecture", choices=MACHINES,
                        default="arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64")
    options = parser.parse_args()
    built = sorted(options.built.glob("*/bootstrap"))
    functions = list((ROOT / "functions").glob("*/Cargo.toml"))
    wrong = [f"{file.parent.name} {problem}" for file in built for problem in problems(file, options.architecture)]
    if len(built) != len(functions):
        wrong.append(f"{len(functions)} functions, but {len(built)} built in {options.built}")
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
