"""Transfers over a bad link: byte-exact, no silence that the timers do not explain, and about as fast as Linux's.

tests/net/transfer.c is both ends and the link, in one guest that counts time in instructions: the same network and the same
result every time. What Linux 6.1 needs for the same transfers is in tests/net/transfers-linux.json (remade with --remake-linux).
--full-transfers: 16 MiB each way and three seeds instead of at most 256 KiB and one; takes hours.
"""
import json
import pathlib
import re

import pytest

from support import run_in_guest

HERE = pathlib.Path(__file__).resolve().parent
TRANSFER = HERE.parent / "build/net/transfer"
LINUX = HERE / "net/transfers-linux.json"
PATH = "delay=10,rate=50000,queue=256"       # 50 Mbit/s, a round trip of 20 ms, a queue of twice what is in flight
BUFFERS = (4096, 16384, 65536, 262144, 0)     # 0: the system tunes them
LOSSES = (0, 0.5, 1, 2, 5, 10, 20, 30)
REORDER = "reorder=5,late=15,"
SMALL = {10: 128 << 10, 20: 32 << 10, 30: 8 << 10}      # bytes: much loss is an hour of time-outs for a MiB
COMPARED = 5        # % of loss up to which a sum of ten transfers says something: beyond, a few long time-outs are all of it

OTHERS = {
    "duplication": "dup=20",
    "corruption": "corrupt=5",
    "jitter": "jitter=30",
    "everything": "loss=2,dup=2,corrupt=2,reorder=10,late=20,jitter=10",
    "link_away_for_2_s": "down_at=200,down_for=2000",
    "link_away_for_20_s": "down_at=200,down_for=20000",
    "link_away_again_and_again": "down_at=100,down_for=400,down_every=1000",
    "shallow_queue": "queue=12",
    "deep_queue": "queue=2000",
    "slow_and_far": "rate=1000,delay=300,queue=64",
    "mtu_shrinks": "mtu=1500,mtu2=1280",
    "mtu_shrinks_under_loss": "mtu=1500,mtu2=600,loss=3",
}


def matrix(full):
    """{name: options}"""
    cells = {}
    for seed in (1, 2, 3) if full else (1,):
        for buffer in BUFFERS:
            for loss in LOSSES:
                size = 16 << 20 if full else SMALL.get(loss, 256 << 10)
                for reorder in ("", REORDER):
                    name = f"buffer_{buffer or 'auto'}-loss_{loss}{'-reorder' if reorder else ''}-seed_{seed}"
                    cells[name] = f"size={size},buffer={buffer},{PATH},{reorder}loss={loss},seed={seed},limit=10000000"
    return cells


def play(cells, linux=False):
    """{name: {word: value}} of the transfers @cells."""
    result = run_in_guest(["/root/transfer", *cells.values()], [(TRANSFER, "root/transfer")], timeout=20000, icount=True,
                          linux=linux, debug=False, mem="256")
    lines = result.stdout.decode().splitlines()
    assert len(lines) == len(cells), (lines[-1:], result.stderr.decode())
    return {name: dict(re.findall(r'(\w+)=("[^"]*"|\S+)', line)) for name, line in zip(cells, lines)}


def milliseconds(report):
    return float(report["out_ms"]) + float(report["back_ms"])


@pytest.fixture(scope="module")
def full(request):
    return request.config.getoption("--full-transfers")


@pytest.fixture(scope="module")
def reports(full):
    return play(matrix(full))


@pytest.fixture(scope="module")
def linux_ms(request, full):
    if request.config.getoption("--remake-linux"):
        took = {name: round(milliseconds(r)) for name, r in play(matrix(full), linux=True).items()}
        known = json.loads(LINUX.read_text()) if LINUX.exists() else {}
        known["full" if full else "short"] = took
        LINUX.write_text(json.dumps(known, indent=1) + "\n")
    return json.loads(LINUX.read_text())["full" if full else "short"]


@pytest.mark.parametrize("buffer", BUFFERS)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_byte_arrives(reports, loss, buffer):
    prefix = f"buffer_{buffer or 'auto'}-loss_{loss}-"
    mine = {n: r for n, r in reports.items() if n.startswith(prefix)}
    assert mine
    bad = {n: r["bad"] for n, r in mine.items() if "bad" in r}
    assert not bad, bad


@pytest.mark.parametrize("loss", [loss for loss in LOSSES if loss <= COMPARED])
def test_is_as_fast_as_linux(reports, linux_ms, loss):
    names = [n for n in reports if f"-loss_{loss}-" in n]
    ours, theirs = sum(milliseconds(reports[n]) for n in names), sum(linux_ms[n] for n in names)
    print(f"{loss} % loss: goodput {theirs / ours:.2f} of Linux's")
    assert theirs >= 0.9 * ours, "\n".join(f"{n}: {milliseconds(reports[n]):.0f} ms, Linux {linux_ms[n]}" for n in names)


@pytest.fixture(scope="module")
def other_reports():
    base = "size=1000000,limit=10000,seed=7,"
    return play({name: base + (PATH + "," if "rate" not in o else "") + o for name, o in OTHERS.items()})


@pytest.mark.parametrize("name", OTHERS)
def test_other_trouble(other_reports, name):
    report = other_reports[name]
    assert "bad" not in report, report
    happened = {"duplication": "duplicated", "corruption": "corrupted", "everything": "late", "mtu_shrinks": "too_big",
                "mtu_shrinks_under_loss": "too_big", "shallow_queue": "queue_lost"}.get(name, "down_lost" if "away" in name else None)
    assert not happened or int(report[happened]), report
