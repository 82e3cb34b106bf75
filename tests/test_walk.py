"""tests/walk: one byte from a host client, and the trace of its way to the program, held against docs/walk.md."""
import re
import socket
import time

import pytest

import qemu
from support import guest

WALK = (qemu.ROOT / "docs/walk.md").read_text


def documented(section):
    """[(function, context)] of the numbered table below the heading @section of docs/walk.md."""
    text = WALK().split(f"## {section}", 1)[1].split("\n## ", 1)[0]
    return [(m.group(1), m.group(2)) for m in re.finditer(r"^\|\s*\d+\s*\|\s*`(\w+)`[^|]*\|[^|]*\|\s*(\w+)", text, re.M)]


def trace_of(program, section, play, keep_log, smp=1):
    """Run a server with the section's tracepoints on while play(port) talks to it; returns the trace's records."""
    points = " ".join("+" + name for name in sorted({name for name, _ in documented(section)}))
    port = qemu.free_port()
    # The first exchange resolves addresses and fills caches; then the rings are cleared and the real one is recorded.
    script = f"({program}) & p=$!; read x < /proc/uptime; usleep 1500000; echo clear > /proc/pollux/trace; for t in {points}; do echo $t > /proc/pollux/trace_on; done; " \
             f"echo READY; usleep 2500000; echo '-*' > /proc/pollux/trace_on; cat /proc/pollux/trace; kill $p"
    with guest(["sh", "-c", script], forwards=((port, 7),), smp=smp, log=keep_log) as g:
        with connected(port) as s:
            deadline = time.monotonic() + 30 * qemu.time_scale()
            state = play(s, port, lambda: g.pump(lambda: b"READY" in g.result.stdout, deadline))
            r = g.finish()
            del state
    assert r.status is not None, r.failure
    return parse(r.stdout.decode(errors="replace").split("READY", 1)[1])


def connected(port):
    for _ in range(200):
        try:
            s = socket.create_connection(("127.0.0.1", port), timeout=20)
            s.sendall(b"a")
            if s.recv(1):
                return s
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError("no server answered")


def parse(text):
    """Lines "time cpu pid context name key=value..." of /proc/pollux/trace."""
    out = []
    for line in text.splitlines():
        m = re.match(r"\s*([\d.]+)\s+cpu(\d+)\s+pid=(\d+)\s+(task|softirq|hardirq)\s+(\w+)\s*(.*)", line)
        if m:
            args = dict(kv.split("=", 1) for kv in m.group(6).split() if "=" in kv)
            out.append((m.group(5), m.group(4), int(m.group(3)), args))
    return out


def assert_walk(records, section):
    """The documented functions occur in the documented order, each in its context."""
    position = 0
    for name, context in documented(section):
        for i in range(position, len(records)):
            if records[i][0] == name and records[i][1] == context:
                position = i + 1
                break
        else:
            seen = [f"{n} ({c})" for n, c, _, _ in records]
            raise AssertionError(f"{name} in {context} did not follow; the trace:\n" + "\n".join(seen[:400]))


def one_byte(s, port, wait_for_ready):
    wait_for_ready()
    s.sendall(b"x")
    assert s.recv(1) == b"x"


def test_one_byte_to_epoll_wait(keep_log):
    records = trace_of("echo_epoll 7", "One byte to epoll_wait", one_byte, keep_log)
    assert_walk(records, "One byte to epoll_wait")
    # The epoll_wait that returned names the packet that woke it.
    packet = next(a["skb"] for n, c, p, a in records if n == "tcp_queue_rcv")
    assert any(n == "epoll_wait_return" and a["skb"] == packet for n, c, p, a in records)


def test_one_byte_to_a_blocking_read(keep_log):
    records = trace_of("nc -l -p 7 -e cat", "One byte to a blocking read", one_byte, keep_log)
    assert_walk(records, "One byte to a blocking read")


def test_accept(keep_log):
    def connect_again(s, port, wait_for_ready):
        wait_for_ready()
        other = socket.create_connection(("127.0.0.1", port), timeout=20)
        other.sendall(b"y")
        assert other.recv(1) == b"y"
        return other
    records = trace_of("echo_epoll 7", "A connection to accept", connect_again, keep_log)
    assert_walk(records, "A connection to accept")
