"""tests/wakes: does the trace say, in words, why a wake-up reached a program, and why another did not?"""
import functools
import re

import pytest

import qemu
from support import run_in_guest

ROWS = re.findall(r'^WAKE_REASON\(\w+,\s*"([\w-]+)"', (qemu.ROOT / "kernel/wake_reasons.def").read_text(), re.M)
RECORD = re.compile(r"^ *[\d.]+ cpu\d+ pid=(\d+) +(\w+) +(\w+)(.*)$", re.M)


@functools.lru_cache
def played():
    """{case: (its fd, text, [(waker, tracepoint, {argument: word})])}"""
    program = qemu.BUILD / "walk/wake_reasons"
    out = run_in_guest(["/wake_reasons"], [(program, "/wake_reasons")], icount=True, netdev="none").stdout.decode()
    cases = {}
    for part in out.split("CASE ")[1:]:
        name, fd = re.match(r"(\w+) fd=(\d+)", part).groups()
        records = [(m[1], m[3], dict(kv.split("=", 1) for kv in m[4].split())) for m in RECORD.finditer(part)]
        cases[name] = fd, part, records
    return cases


def callbacks(case, fd=None):
    own, _, records = played()[case]
    return [a for _, point, a in records if point == "ep_poll_callback" and a["fd"] == (fd or own)]


@pytest.mark.parametrize("case,outcomes", [
    ("listed", ["listed"]), ("nobody_waits", ["listed-nobody-waits"]),
    ("already_listed", ["listed-nobody-waits", "already-listed-nobody-waits"]), ("mask", ["mask"]),
    ("disarmed", ["listed-nobody-waits", "disarmed"]), ("exclusive_tasks", ["listed"])])
def test_outcome(case, outcomes):
    assert [a["outcome"] for a in callbacks(case)] == outcomes
    assert all(a["key"] == "IN" for a in callbacks(case))


def woken(case):
    return [a["pid"] for _, point, a in played()[case][2] if point == "try_to_wake_up" and a["success"] == "1"]


def test_who_is_told_is_woken():
    _, _, records = played()["listed"]
    at = next(i for i, (_, point, _) in enumerate(records) if point == "ep_poll_callback")
    waker = records[at][0]
    target = next(a["pid"] for p, point, a in records[at:] if point == "try_to_wake_up" and p == waker)
    assert any(point == "epoll_wait_return" and p == target and a["result"] == "1" for p, point, a in records[at:])


def not_told(case):
    return [a for _, point, a in played()[case][2] if point == "wake_not_told"]


def test_an_exclusive_epoll_satisfies_the_wake_up():
    """The item behind it on the file's queue is named by its fd."""
    other = re.search(r"NOT TOLD fd=(\d+)", played()["exclusive_epolls"][1]).group(1)
    assert [a["outcome"] for a in callbacks("exclusive_epolls")] == ["listed"] and not callbacks("exclusive_epolls", other)
    assert any(a["who"] == other and a["ip"].startswith("ep_poll_callback") and a["outcome"] == "exclusive" for a in not_told("exclusive_epolls"))


def test_an_exclusive_task_satisfies_the_wake_up():
    """The task behind it in the same epoll is named by its pid."""
    passed = [a for a in not_told("exclusive_tasks") if a["ip"].startswith("autoremove_wake_function")]
    assert len(passed) == 1 and passed[0]["outcome"] == "exclusive" and passed[0]["who"] not in woken("exclusive_tasks")


def test_an_exclusive_item_that_wakes_nobody_lets_it_go_on():
    other = re.search(r"GOES ON fd=(\d+)", played()["exclusive_goes_on"][1]).group(1)
    assert [a["outcome"] for a in callbacks("exclusive_goes_on")] == ["listed-nobody-waits"]
    assert [a["outcome"] for a in callbacks("exclusive_goes_on", other)] == ["listed"]


def test_the_overflow_list():
    """By seeds that put a write into a scan; the words of the race points come along."""
    script = "echo '+ep_poll_callback +race_point' > /proc/pollux/trace_on; /races --scenario edge_notifies_again 1 12 > /dev/null; cat /proc/pollux/trace"
    out = run_in_guest(["sh", "-c", script], [(qemu.BUILD / "races/epoll_races", "/races")], icount=True, netdev="none").stdout.decode()
    assert re.search(r"outcome=overflow(-nobody-waits)?$", out, re.M)
    assert re.search(r" race_point id=\d+ point=ep_start_scan action=switch$", out, re.M)


def test_all_words_are_known():
    """Every word of the list is one of those that the cases here show, or a variant of one."""
    shown = {"mask", "disarmed", "listed", "already-listed", "overflow", "exclusive"}
    assert {re.sub("-nobody-waits$", "", word) for word in ROWS} == shown
