"""tests/bench: no operation may cost more guest instructions than Linux 6.1 needs for it in the same QEMU.

Linux's figures stand in tests/bench-linux.json, as `make bench` measured them; that command measures both anew.
"""
import functools
import json
import pathlib

import pytest

import qemu
from support import run_in_guest

LINUX = json.loads((pathlib.Path(__file__).parent / "bench-linux.json").read_text())


@functools.lru_cache
def measured():
    r = run_in_guest(["/sbin/bench"], timeout=300, debug=False, icount=True, cpu="qemu64,+rdrand", mem="256")
    return {line.split()[0]: int(line.split()[1]) for line in r.stdout.decode().splitlines() if not line.startswith("#")}


@pytest.mark.parametrize("row", sorted(LINUX))
def test_not_above_linux(row):
    assert row in measured(), "the row did not run"
    assert measured()[row] <= LINUX[row], f"{measured()[row]} instructions, Linux {LINUX[row]}"
