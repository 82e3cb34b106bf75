"""tests/abi: the same static programs on Pollux and, with --oracle, on Linux; each TAP line is a case.

All programs of one configuration run in one guest, and of them only the cases that were chosen. A program that hangs or
kills the guest fails its own cases: what was reported before still counts, and the rest is run in a fresh guest.
"""
import functools
import pathlib
import re
import subprocess
import tempfile

import pytest

import qemu
from support import assert_clean, tail, tap_cases

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
    return dict(line.split(None, 1) for line in lines if line.strip() and not line.startswith("#"))


def run_guest(programs, configuration, linux):
    """@programs {name: cases} in turn. ({(program, case): outcome}, the program that ended the guest, console)."""
    script = "; ".join(f"echo PROGRAM {p}; /abi/{p} {' '.join(cases)} 2>&1" for p, cases in programs.items())
    copies = [(qemu.BUILD / "abi" / p, f"/abi/{p}") for p in programs]
    with tempfile.TemporaryDirectory(prefix="pollux-abi-") as directory:
        options = CONFIGURATIONS[configuration]
        machine = qemu.runner_machine(directory, ["sh", "-c", script], copies, linux, mem="256", **options)
        r = qemu.Guest(machine, timeout=420).run()
    results, last = {}, None
    for part in re.split(r"^PROGRAM ", r.stdout.decode(errors="replace"), flags=re.M)[1:]:
        last, _, text = part.partition("\n")
        results |= {(last, case): outcome for case, outcome in tap_cases(text).items()}
    return results, last if r.failure else None, f"{r.failure or ''} {r.detail}\n{r.console}"


def run_programs(programs, configuration, linux):
    """({(program, case): (ok, notes)}, console), whatever a program does to its guest."""
    results, consoles, left = {}, [], dict(programs)
    while left:
        some, ended_at, console = run_guest(left, configuration, linux)
        results |= some
        consoles.append(console)
        names = list(left)
        done = names.index(ended_at) + 1 if ended_at else len(names) if some else 1
        left = {p: left[p] for p in names[done:]}
    return results, "".join(consoles)


@pytest.fixture(scope="session")
def outcomes(request):
    """outcomes(configuration): what run_programs() says of the cases that were chosen, and of no others."""
    chosen = {c: {} for c in CONFIGURATIONS}
    for item in request.session.items:
        if getattr(item, "originalname", "") == "test_case" and item.path.name == "test_abi.py":
            p = item.callspec.params
            chosen[p["configuration"]].setdefault(p["program"], []).append(p["case"])
    linux = request.config.getoption("--oracle")

    @functools.lru_cache
    def of(configuration):
        programs = {p: () if len(cases) == len(cases_of(p)) else cases for p, cases in chosen[configuration].items()}
        return run_programs(programs or dict.fromkeys(PROGRAMS, ()), configuration, linux)
    return of


def parameters():
    return [pytest.param(c, p, n, id=f"{p}.{n}-{c}") for c in CONFIGURATIONS for p in PROGRAMS for n in cases_of(p)]


@pytest.mark.parametrize("configuration,program,case", parameters())
def test_case(configuration, program, case, request, outcomes):
    linux = request.config.getoption("--oracle")
    results, console = outcomes(configuration)
    early = (False, "no result: the program or the guest ended early\n" + tail(console))
    ok, notes = results.get((program, case), early)
    gap = None if linux else gaps().get(f"{program}.{case}")
    if ok is None:
        pytest.skip(notes)
    if gap:
        assert not ok, f"{program}.{case} passes now: take it off {KNOWN_GAPS.name}"
        pytest.skip("known gap: " + gap)
    assert ok, notes


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_console_clean(configuration, request, outcomes):
    if request.config.getoption("--oracle"):
        pytest.skip("Linux's console is not ours to judge")
    assert_clean(outcomes(configuration)[1])
