"""tests/unit: kernel sources compiled for the host under ASan and UBSan; each TAP line of each program is a case."""
import functools
import pathlib
import subprocess

import pytest

import qemu
from support import tap_cases

PROGRAMS = sorted(p.stem for p in (pathlib.Path(__file__).parent / "unit").glob("*.c"))


@functools.lru_cache
def output_of(program):
    r = subprocess.run([qemu.BUILD / "unit" / program], capture_output=True, text=True, timeout=120 * qemu.time_scale())
    return r.returncode, r.stdout, r.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_unit(program):
    status, out, err = output_of(program)
    cases = tap_cases(out)
    assert status == 0 and cases and all(ok is not False for ok, _ in cases.values()), f"exit status {status}\n{out[-4000:]}\n{err[-4000:]}"
