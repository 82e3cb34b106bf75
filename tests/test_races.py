"""tests/races: threads whose steps are ordered by a seed. What fails is printed with the command that replays it."""
import functools
import re

import pytest

import qemu
from support import run_in_guest

PROGRAM = qemu.BUILD / "races/epoll_races"
REPLAY = {1: "tools/guest --debug --icount --copy build/races/epoll_races -- /root/epoll_races --hash {} 1",
          4: "tools/guest --debug --smp 4 --copy build/races/epoll_races -- /root/epoll_races {} 50   # not exactly repeatable"}
# One CPU, where a seed decides everything, and four, where it shakes.
SEEDS = {1: 2000, 4: 1000}


def play(first, count, smp, *options, log=None, then="true"):
    command = ["sh", "-c", f"/races {' '.join(options)} {first} {count}; e=$?; {then}; exit $e"]
    return run_in_guest(command, [(PROGRAM, "/races")], smp=smp, icount=smp == 1, netdev="none", log=log, timeout=120)


@pytest.mark.parametrize("smp", SEEDS)
def test_seeds(smp, keep_log):
    r = play(1, SEEDS[smp], smp, log=keep_log, then="cat /proc/pollux/races")
    text = r.stdout.decode()
    bad = re.findall(r"^# seed (\d+) .*$", text, re.M)
    assert r.status == 0 and f"{SEEDS[smp]} seeds, 0 failed" in text, \
        "\n".join(re.findall(r"^# .*$", text, re.M)) + "\nreplay: " + REPLAY[smp].format(bad[0] if bad else "1")
    # Every point was passed; on one CPU those in atomic context do nothing.
    unused = re.findall(r"^(\w+) +0$", text, re.M)
    assert not [name for name in unused if smp == 4 or name not in ("ep_callback", "ep_safewake")], unused


@functools.lru_cache
def hashes(first, count):
    out = play(first, count, 1, "--hash").stdout.decode()
    return dict(re.findall(r"^seed (\d+) (?!timeout)\w+ (\w+)$", out, re.M))


def test_a_seed_replays_alone():
    """The order of all steps depends on the seed, and not on what ran before (unless a clock has a say)."""
    batch = hashes(1, 300)
    assert len(batch) == 280 and len(set(batch.values())) > 270, "different seeds give different orders"
    alone = hashes(141, 42)
    assert alone == {seed: batch[seed] for seed in alone}


@pytest.mark.parametrize("smp", [1, 4])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_everything_under_a_seed(smp, seed):
    """race_seed= on the command line: pid 1 and all that comes of it."""
    script = "for i in 1 2 3 4 5; do echo $i; done | while read x; do echo a$x; done | sort -r | tr a-z A-Z; wait; head -n 1 /proc/pollux/races"
    r = run_in_guest(["sh", "-c", script], smp=smp, append=f"race_seed={seed}", netdev="none")
    lines = r.stdout.decode().split("\n")
    assert r.status == 0 and lines[:5] == ["A5", "A4", "A3", "A2", "A1"], lines
    assert re.match(rf"seed {seed} hash \w+ switches [1-9]", lines[5])
