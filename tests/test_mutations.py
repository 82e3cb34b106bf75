"""tests/mutations: does anything notice when epoll is wrong? Each mutant of tests/mutants.py must fail a case.

A mutant is one file compiled anew and linked with the objects of the debug kernel, in a directory of its own. It plays
the seeds of tests/races, then the ABI cases of epoll, on one CPU with virtual time, until the first that fails.
"""
import concurrent.futures
import functools
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

import qemu
from mutants import MUTANTS
from support import FORBIDDEN, tail

ROOT, DEBUG = qemu.ROOT, "build/debug/"
SEEDS = 420
PROGRAMS = ("epoll_level", "epoll_edge", "epoll_exclusive", "epoll_nested", "epoll_errors")
SCRIPT = (f"/races --first 1 {SEEDS} || exit 1; for p in {' '.join(PROGRAMS)}; do /abi/$p > /tmp/out; cat /tmp/out; "
          "grep -q '^not ok' /tmp/out && exit 1; done; exit 0")


@functools.lru_cache
def commands(source):
    """What make would do if @source had changed, without what it would print."""
    out = subprocess.run(["make", "--no-print-directory", "DEBUG=1", "WERROR=0", "-n", "-W", source, "build/pollux-debug.elf"],
                         cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [line for line in out.splitlines() if not line.startswith(("echo", "mkdir"))]


def build(directory, source, text):
    """A kernel in @directory with @text in place of @source."""
    mutated, own = directory / "mutant.c", (source[:-2] + ".o", "first.elf", "kallsyms.asm", "kallsyms.o", "kallsyms0.asm", "kallsyms0.o")
    mutated.write_text(text)
    for line in commands(source):
        for name in own:
            line = line.replace(DEBUG + name, f"{directory}/{name.replace('/', '_')}")
        line = line.replace("build/pollux-debug.elf", f"{directory}/kernel.elf").replace(f"-c {source}", f"-g0 -w -c {mutated}")
        r = subprocess.run(line, shell=True, cwd=ROOT, capture_output=True, text=True)
        assert r.returncode == 0, f"{line[:200]}\n{r.stderr}"
    return directory / "kernel.elf"


def verdict(kernel, directory):
    """None: all passed. Else the first thing that failed."""
    copies = [(qemu.BUILD / "races/epoll_races", "/races")] + [(qemu.BUILD / "abi" / p, f"/abi/{p}") for p in PROGRAMS]
    machine = qemu.runner_machine(directory, ["sh", "-c", SCRIPT], copies, icount=True, netdev="none", mem="256")
    machine.kernel = kernel
    r = qemu.Guest(machine, timeout=60).run()
    text = r.stdout.decode(errors="replace")
    wrong = re.findall(r"^(?:# seed|not ok).*$", text, re.M) or [line for line in r.console.splitlines() if FORBIDDEN.search(line)]
    if wrong or r.failure:
        return wrong[0] if wrong else f"{r.failure}: {r.detail}\n{tail(r.console, 20)}"
    return None if r.status == 0 else f"exit status {r.status}\n{text[-1000:]}"


@pytest.fixture(scope="session")
def kernels(request):
    """{name: a future of (kernel, its directory)} of the mutants that were chosen: one is built while another runs."""
    here = [i for i in request.session.items if i.path == pathlib.Path(__file__)]
    chosen = [i.callspec.params["mutant"] for i in here if i.originalname == "test_is_caught"]
    with tempfile.TemporaryDirectory(prefix="pollux-mutants-") as top, concurrent.futures.ThreadPoolExecutor(1) as pool:
        def make(mutant):
            name, _, source, right, wrong = mutant
            text, directory = (ROOT / source).read_text(), pathlib.Path(top) / name
            assert text.count(right) == 1, f"{source} has changed: mend the mutant"
            directory.mkdir()
            return build(directory, source, text.replace(right, wrong)), directory
        futures = {m[0]: pool.submit(make, m) for m in chosen}
        yield futures
        for f in futures.values():
            f.cancel()


def test_none(tmp_path):
    """What is right passes: otherwise the others show nothing."""
    assert verdict(qemu.BUILD / "pollux-debug.elf", tmp_path) is None


@pytest.mark.parametrize("mutant", [pytest.param(m, id=m[0]) for m in MUTANTS])
def test_is_caught(mutant, kernels):
    kernel, directory = kernels[mutant[0]].result()
    found = verdict(kernel, directory)
    shutil.rmtree(directory)
    assert found, f"nothing notices that {mutant[1]}"
    print(found)
