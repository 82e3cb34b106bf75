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


@functools.lru_cache
def scale():
    r = run_in_guest(["/sbin/bench", "epoll_scale"], timeout=300, debug=False, icount=True, cpu="qemu64,+rdrand", mem="768")
    return {line.split()[0]: int(line.split()[1]) for line in r.stdout.decode().splitlines()}


def test_epoll_wake_does_not_depend_on_idle_files():
    """100,000 watched files that are idle: a wake-up costs less than a tenth more."""
    assert scale()["epoll_round_trip_100k_idle"] < 1.1 * scale()["epoll_round_trip_0_idle"], scale()


def test_epoll_add_grows_as_the_logarithm():
    """Ten times as many files: some steps more down the tree, each of the same cost; caches and page walks are not counted."""
    costs = [scale()[f"epoll_add_at_{n}"] for n in (100, 1000, 10000, 100000)]
    steps = [b - a for a, b in zip(costs, costs[1:])]
    # log2(10) levels, a comparison and a step each, with some for the balance.
    assert all(s < 3.33 * 60 for s in steps) and costs[-1] < 1.6 * costs[0], costs


def test_epoll_memory_of_a_watch():
    """Linux 6.1: an epitem of 128 bytes and an eppoll_entry of 64 (measured by the same program, with slab_nomerge)."""
    assert scale()["epoll_bytes_per_watch"] <= 192
