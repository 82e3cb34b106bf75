"""tests/abi: the same static programs on Pollux and, with --oracle, on Linux; each TAP line is a case.

All programs of one configuration run in one guest. A program that hangs or kills the guest fails its own cases: what
was reported before still counts, and the rest is run in a fresh guest.
"""
import functools
import pathlib
import subprocess

import pytest

import qemu
from support import assert_clean, run_in_guest, tail, tap_cases

PROGRAMS = sorted(p.stem for p in (pathlib.Path(__file__).parent / "abi").glob("*.c"))
KNOWN_GAPS = pathlib.Path(__file__).parent / "abi" / "known-gaps"
CONFIGURATIONS = {"smp1": dict(smp=1), "smp4": dict(smp=4)}


@functools.lru_cache
def cases_of(program):
    """The case names, asked of the program itself: it runs on this host as well."""
    binary = qemu.BUILD / "abi" / program
    if not binary.exists():
        return ()
    return tuple(subprocess.run([binary, "--list"], capture_output=True, text=True, check=True).stdout.split())


def gaps():
    lines = KNOWN_GAPS.read_text().splitlines() if KNOWN_GAPS.exists() else []
    return {line.split(None, 1)[0]: line.split(None, 1)[1] for line in lines if line.strip() and not line.startswith("#")}


@functools.lru_cache
def run_all(configuration, linux):
    """{(program, case): (ok, notes)} and the console, for every program."""
    results, console = {}, ""
    script = "for p in {}; do echo \"PROGRAM $p\"; /abi/$p 2>&1; done"
    copies = [(qemu.BUILD / "abi" / p, f"/abi/{p}") for p in PROGRAMS]
    options = dict(CONFIGURATIONS[configuration], timeout=420, clean=False, linux=linux)
    try:
        r = run_in_guest(["sh", "-c", script.format(" ".join(PROGRAMS))], copies, mem="256", **options)
        text, console = r.stdout.decode(errors="replace"), r.console
    except AssertionError as e:
        text, console = str(e), str(e)
    for part in text.split("PROGRAM ")[1:]:
        name, _, rest = part.partition("\n")
        for case, outcome in tap_cases(rest).items():
            results[name.strip(), case] = outcome
    return results, console


def parameters():
    return [pytest.param(c, p, n, id=f"{p}.{n}-{c}") for c in CONFIGURATIONS for p in PROGRAMS for n in cases_of(p)]


@pytest.mark.parametrize("configuration,program,case", parameters())
def test_case(configuration, program, case, request):
    linux = request.config.getoption("--oracle")
    results, console = run_all(configuration, linux)
    ok, notes = results.get((program, case), (False, "no result: the program or the guest ended early\n" + tail(console)))
    gap = None if linux else gaps().get(f"{program}.{case}")
    if ok is None:
        pytest.skip(notes)
    if gap:
        assert not ok, f"{program}.{case} passes now: take it off {KNOWN_GAPS.name}"
        pytest.skip("known gap: " + gap)
    assert ok, notes


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_console_clean(configuration, request):
    if request.config.getoption("--oracle"):
        pytest.skip("Linux's console is not ours to judge")
    assert_clean(run_all(configuration, False)[1])
