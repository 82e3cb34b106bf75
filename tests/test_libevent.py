"""tests/libevent: programs on Debian's libevent, linked with glibc, on each of its back ends, under clients on the host.

With POLLUX_ORACLE=1 the same programs run on Debian's Linux (tools/get-linux).
"""
import hashlib
import os
import re
import socket
import subprocess
import threading
import time

import pytest

import qemu
from support import guest, run_in_guest, tap_cases

LINUX = bool(os.environ.get("POLLUX_ORACLE"))


def backends(name):
    return pytest.mark.parametrize("backend", [pytest.param(b, id=f"{name}_on_{b}") for b in ("epoll", "poll", "select")])


PROGRAMS = qemu.BUILD / "libevent"
CASES = [
    "each_signal_is_an_event", "end_of_a_child_is_an_event", "timers_fire_in_their_order", "timers_fire_no_earlier_than_due",
    "periodic_timer_comes_again", "another_thread_wakes_the_loop", "a_megabyte_crosses_a_pair", "shutdown_is_the_end_of_the_file",
]


def copies(*names):
    return [(PROGRAMS / n, f"/root/{n}") for n in names]


def connect(port):
    """QEMU's forwarding takes the connection before the guest does: it ends at once as long as nobody listens there."""
    return socket.create_connection(("127.0.0.1", port), timeout=30 * qemu.time_scale())


def curl(port, path, *options):
    r = subprocess.run(["curl", "-s", "-m", str(int(60 * qemu.time_scale())), *options, f"http://127.0.0.1:{port}{path}"],
                       capture_output=True)
    return r.stdout


def wait_for_server(port):
    deadline = time.monotonic() + 30 * qemu.time_scale()
    while b"hello" not in curl(port, "/hello"):
        assert time.monotonic() < deadline, "the server does not answer"
        time.sleep(0.05)


@pytest.mark.parametrize("smp", [1, 4], ids=["smp1", "smp4"])
@backends("signals_and_timers")
def test_signals_and_timers(backend, smp, keep_log):
    r = run_in_guest(["/root/signals_timers", backend], copies("signals_timers"), smp=smp, linux=LINUX, log=keep_log)
    cases = tap_cases(r.stdout.decode())
    assert [n for n in CASES if not cases.get(n, (False,))[0]] == [], r.stdout.decode()


@backends("http_server")
def test_http_server(backend, keep_log):
    port = qemu.free_port()
    with guest(["/root/http_server", backend, "80"], copies("http_server"), smp=2, forwards=((port, 80),), linux=LINUX,
               timeout=120, log=keep_log) as g:
        wait_for_server(port)
        assert curl(port, "/hello") == f"hello by {backend}\n".encode()
        body = os.urandom(300_000)
        assert curl(port, "/echo", "--data-binary", "@-", "-H", "Expect:") == b""      # no body at all
        r = subprocess.run(["curl", "-s", "-m", "60", "--data-binary", "@-", f"http://127.0.0.1:{port}/echo"], input=body, capture_output=True)
        assert r.stdout == body
        assert curl(port, "/none", "-o", "/dev/null", "-w", "%{http_code}") == b"404"
        start = time.monotonic()
        assert curl(port, "/slow?ms=300") == b"slow\n" and time.monotonic() - start >= 0.29
        want = b"".join(bytes([ord("a") + i % 26]) * 16384 for i in range(64))
        assert curl(port, "/stream?n=64") == want
        assert hashlib.md5(curl(port, "/self")).digest() == hashlib.md5((PROGRAMS / "http_server").read_bytes()).digest()
        many_at_once(port, want[:16384 * 8])
        keep_alive(port)
        answers = int(curl(port, "/count"))
        curl(port, "/quit")
        r = g.finish()
        assert r.status == 0 and f"answers {answers + 2}" in r.stdout.decode(), r.stdout


def many_at_once(port, want):
    """Eight clients with answers of every kind; a slow one holds nobody up."""
    got = {}

    def client(i):
        path = ["/stream?n=8", "/slow?ms=500", "/hello", "/stream?n=8"][i % 4]
        got[i] = curl(port, path)

    threads = [threading.Thread(target=client, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
        time.sleep(0.02)        # the host's side of the forwarding has a short queue
    for t in threads:
        t.join()
    for i in range(8):
        assert got[i] == want if i % 4 in (0, 3) else got[i] == b"slow\n" if i % 4 == 1 else b"hello" in got[i], f"client {i}"


def keep_alive(port):
    """Twenty requests on one connection, the last five sent together."""
    with connect(port) as s:
        request = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
        f = s.makefile("rb")
        for i in range(20):
            if i < 15:
                s.sendall(request)
            elif i == 15:
                s.sendall(request * 5)
            assert f.readline().startswith(b"HTTP/1.1 200"), f"answer {i}"
            length = 0
            while (line := f.readline().strip()):
                m = re.match(rb"Content-Length: (\d+)", line)
                length = int(m.group(1)) if m else length
            assert f.read(length).startswith(b"hello")


@backends("terminating_signal")
def test_terminating_signal_is_an_event(backend, keep_log):
    script = f"/root/http_server {backend} 80 & sleep 0.3; kill $!; wait $!; echo status $?"
    r = run_in_guest(["sh", "-c", script], copies("http_server"), linux=LINUX, log=keep_log)
    assert "signal 15\nanswers 0\nstatus 0" in r.stdout.decode(), r.stdout


@backends("rate_and_time_limits")
def test_rate_and_time_limits(backend, keep_log):
    port, rate = qemu.free_port(), 65536
    with guest(["/root/rated_echo", backend, "7", str(rate)], copies("rated_echo"), forwards=((port, 7),), linux=LINUX,
               timeout=120, log=keep_log) as g:
        silent = wait_for_line(port)
        assert silent == b"too slow\n"
        results = {}

        def client(i):
            data, back = os.urandom(rate).replace(b"Q", b"q"), b""
            with connect(port) as s:
                start = time.monotonic()
                sender = threading.Thread(target=s.sendall, args=(data,))
                sender.start()
                while len(back) < len(data) and (chunk := s.recv(65536)):
                    back += chunk
                sender.join()
                results[i] = (back == data, time.monotonic() - start)

        threads = [threading.Thread(target=client, args=(i,)) for i in range(3)]
        for t in threads:
            t.start()
            time.sleep(0.05)
        for t in threads:
            t.join()
        with connect(port) as s:
            s.sendall(b"Q")
            r = g.finish()
        # One second's worth each; the first tick's bucket is full, and the host may see a little bunched up.
        assert all(ok for ok, _ in results.values()) and min(t for _, t in results.values()) > 0.8, results
        assert f"served {3 * rate} timeouts" in r.stdout.decode(), r.stdout


def wait_for_line(port):
    """What a connection that says nothing is told; again while nobody listens in the guest yet."""
    deadline = time.monotonic() + 30 * qemu.time_scale()
    while time.monotonic() < deadline:
        with connect(port) as s:
            try:
                line = s.recv(100)
            except ConnectionResetError:
                line = b""
            if line:
                return line
        time.sleep(0.05)
    return b""
