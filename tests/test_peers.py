"""Servers in a guest under peers of another make: wrk, curl and ten thousand sockets of the host's Linux, over a tap device.

Each load lasts seconds; with PYTEST_ARGS=--long five minutes. Nothing may fail, nothing may be left over, no packet may die
for a reason that the load does not explain, and the kernel's console stays silent.
"""
import os
import re
import resource
import selectors
import socket
import subprocess
import time

import pytest

import qemu
from isolated import GUEST_IP, isolated
from leaks import connect, measured

URL = f"http://{GUEST_IP}"
# Frames of the host's that nobody asked for, and what a busy host's late answers make both sides say twice.
HARMLESS = {"UNHANDLED_PROTO", "OTHERHOST", "ARP_IGNORED", "TCP_OLD_DATA", "TCP_TIME_WAIT"}
# A client that goes away with an answer on its way: the RSTs, and segments for what a RST has ended.
ABORTS = {"TCP_RESET", "SOCKET_CLOSED", "TCP_CLOSE", "NO_SOCKET", "TCP_ABORT", "TCP_LISTEN_BAD"}


@pytest.fixture
def seconds(request):
    """(of a short load, of a long one) -> how long this one lasts."""
    return lambda short, long=300: long if request.config.getoption("--long") else short


def drops():
    """{reason: packets} of the guest, asked over HTTP."""
    text = curl(URL + "/proc/net/drops").stdout
    return {reason: int(n) for reason, n in re.findall(r"^(\w+)\s+(\d+)", text, re.M) if int(n)}


def assert_drops(before, after, expected):
    grown = {k: n - before.get(k, 0) for k, n in after.items() if n > before.get(k, 0) and k not in HARMLESS | expected}
    assert not grown, f"packets died: {grown}"


def curl(*words, limit=60):
    return subprocess.run(["curl", "-sS", "-m", str(int(limit * qemu.time_scale())), *words], capture_output=True, text=True,
                          preexec_fn=qemu.die_with_parent)


def warm_http():
    connect(80).close()
    for _ in range(3):
        curl(URL, URL + "/proc/net/drops")


def many_at_once(clients, duration, close):
    """wrk: every request answered with 200, none late beyond its time limit. Returns requests a second."""
    words = ["wrk", "-t2", f"-c{clients}", f"-d{duration}s", "--timeout", f"{int(10 * qemu.time_scale())}s"]
    words += ["-H", "Connection: close"] if close else []
    r = subprocess.run(words + [URL + "/"], capture_output=True, text=True, preexec_fn=qemu.die_with_parent)
    assert r.returncode == 0, r.stdout + r.stderr
    assert "Socket errors" not in r.stdout and "Non-2xx" not in r.stdout, r.stdout
    return float(re.search(r"Requests/sec:\s+([\d.]+)", r.stdout).group(1))


@isolated
def test_httpd_under_wrk(seconds, keep_log):
    """A hundred clients that keep their connections, then a hundred that open one for each request."""
    half = seconds(6) // 2
    with measured("httpd_epoll 80 /www", warm_http, keep_log, timeout=300 + 4 * half, smp=2, mem="256"):
        connect(80).close()
        before = drops()
        kept, closed = many_at_once(100, half, False), many_at_once(100, half, True)
        print(f"wrk: {kept:.0f} requests/s on kept connections, {closed:.0f} on new ones; drops {drops()}")
        assert_drops(before, drops(), ABORTS)
        # What was queued and not read: of those that wrk leaves at its end, not of all that close in order.
        assert drops().get("SOCKET_CLOSED", 0) <= 200


def raw(request, shut=False):
    """All that the server says to @request, sent as it is."""
    with connect(80) as s:
        s.settimeout(60 * qemu.time_scale())
        s.sendall(request)
        if shut:
            s.shutdown(socket.SHUT_WR)
        text = b""
        try:
            while data := s.recv(65536):
                text += data
        except ConnectionResetError:
            pass    # it closed without having read all that we sent
        return text


BAD = {
    b"\r\n\r\n": b"400", b"GET\r\n\r\n": b"400", b"GET / HTTP/9.9\r\n\r\n": b"400", b"GET / SMTP/1.0\r\n\r\n": b"400",
    b"BREW / HTTP/1.1\r\nConnection: close\r\n\r\n": b"405", b"GET /none HTTP/1.1\r\nConnection: close\r\n\r\n": b"404",
    b"GET /../etc/passwd HTTP/1.1\r\nConnection: close\r\n\r\n": b"403", b"GET none HTTP/1.1\r\nConnection: close\r\n\r\n": b"403",
    b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello": b"413", b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n": b"413",
    b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\n\r\n": b"400", b"GET / HTTP/1.1\r\nX: " + b"y" * 8192: b"431",
    b"\x00" * 8192: b"431", bytes(range(256)) * 32: b"431",
}


def bad_requests():
    for request, status in BAD.items():
        answer = raw(request)
        assert answer[9:12] == status, f"{request[:40]!r}: {answer[:60]!r}, not {status}"
    assert raw(b"GET / HTTP/1.1\r\nHos", shut=True) == b""     # half a request is none
    huge = curl(URL, "-H", "X: " + "y" * 7000, "-w", "%{http_code}", "-o", "/dev/null")
    assert huge.stdout == "200", huge


def pipelined():
    one = raw(b"GET /proc/loadavg HTTP/1.1\r\nConnection: close\r\n\r\n")
    many = raw(b"GET /index.html HTTP/1.1\r\n\r\n" * 40 + b"HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert one.startswith(b"HTTP/1.1 200") and many.count(b"HTTP/1.1 200 OK") == 41 and many.count(b"<title>Pollux") == 40
    assert many.endswith(b"Connection: close\r\n\r\n")


def aborted_half_way():
    for i in range(20):
        s = connect(80)
        s.sendall(b"GET /blob HTTP/1.1\r\n\r\n"[:None if i % 2 else 10])
        if i % 2:
            s.recv(1000)
        if i % 4 > 1:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        s.close()


def slow_reader_and_slow_writer():
    with connect(80) as s:
        for byte in b"GET /blob HTTP/1.1\r\nConnection: close\r\n\r\n":
            s.sendall(bytes([byte]))
            time.sleep(0.002)
        got = 0
        while data := s.recv(20000):
            got += len(data)
            time.sleep(0.003)
        assert got > BLOB, got
    r = curl(URL + "/blob", "--limit-rate", "2M", "-o", "/dev/null", "-w", "%{http_code} %{size_download}")
    assert r.stdout == f"200 {BLOB}", r


def kept_and_closed():
    urls = [URL + "/"] * 20
    outputs = sum((["-o", "/dev/null"] for _ in urls), [])
    for header, connections in (("X: y", 1), ("Connection: close", 20)):
        lines = curl("-H", header, "-w", "%{http_code} %{num_connects}\n", *outputs, *urls).stdout.split()
        assert lines[::2] == ["200"] * 20 and sum(map(int, lines[1::2])) == connections, lines


BLOB = 1 << 20
CURL_ROUND = (kept_and_closed, pipelined, bad_requests, aborted_half_way, slow_reader_and_slow_writer)


@isolated
def test_httpd_under_curl(seconds, keep_log):
    """Kept, closed, pipelined and aborted connections, slow sides and bad requests, over and over."""
    duration = seconds(1)
    server = f"head -c {BLOB} /dev/urandom > /www/blob; httpd_epoll 80 /www"
    with measured(f"({server.replace('; ', '; exec ')})", warm_http, keep_log, timeout=300 + 2 * duration, smp=2, mem="256"):
        connect(80).close()
        before, end, rounds = drops(), time.monotonic() + duration, 0
        while not rounds or time.monotonic() < end:
            for step in CURL_ROUND:
                step()
            rounds += 1
        print(f"curl: {rounds} rounds; drops {drops()}")
        assert_drops(before, drops(), ABORTS)


def open_many(port, count):
    """@count connections at once, opened in steps that the accept queue holds."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 200, max(count + 200, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    out = []
    for _ in range(count):
        s = connect(port)
        s.setblocking(False)
        out.append(s)
    return out


def echo_round(sockets, data):
    """@data there and back on each of the open @sockets, all at once, compared byte by byte."""
    deadline = time.monotonic() + 120 * qemu.time_scale()
    left = dict.fromkeys(sockets, 0)
    with selectors.DefaultSelector() as sel:
        for s in sockets:
            assert s.send(data) == len(data)
            sel.register(s, selectors.EVENT_READ)
        while left:
            assert time.monotonic() < deadline, f"{len(left)} connections stand still"
            for key, _ in sel.select(1):
                s, got = key.fileobj, left[key.fileobj]
                chunk = s.recv(65536)
                assert chunk and chunk == data[got:got + len(chunk)], f"after {got} bytes: {chunk[:20]!r}"
                left[s] = got + len(chunk)
                if left[s] == len(data):
                    del left[s]
                    sel.unregister(s)


@isolated
def test_echo_on_ten_thousand_connections(seconds, keep_log):
    """All open at once; rounds of bytes on all of them, until the time is up. The figure is rounds."""
    count, duration = 10000, seconds(1)

    def warm():
        for s in open_many(7, 20):
            s.close()

    with measured("echo_epoll 7", warm, keep_log, timeout=600 + 2 * duration, smp=2, mem="512"):
        begin = time.monotonic()
        sockets = open_many(7, count)
        opened, end, rounds = time.monotonic() - begin, time.monotonic() + duration, 0
        while not rounds or time.monotonic() < end:
            echo_round(sockets, os.urandom(500))
            rounds += 1
        print(f"echo: {count} connections in {opened:.1f} s, {rounds} rounds of 500 bytes on each in {duration} s")
        for s in sockets:
            s.close()


@isolated
def test_small_guest_whose_peers_do_not_read(keep_log):
    """32 MiB, a thousand clients that ask and do not read: within tcp_mem, nobody is killed, and all get their answer in the end."""
    size, clients = 400000, 1000
    server = f"(head -c {size} /dev/urandom > /www/blob; exec httpd_epoll 80 /www)"
    with measured(server, warm_http, keep_log, timeout=400, smp=2, mem="32"):
        connect(80).close()
        limit = int(curl(URL + "/proc/sys/net/ipv4/tcp_mem").stdout.split()[2])
        sockets = open_many(80, clients)
        for s in sockets:
            s.send(b"GET /blob HTTP/1.1\r\nConnection: close\r\n\r\n")
        time.sleep(3)
        held = int(re.search(r"TCP: .* mem (\d+)", curl(URL + "/proc/net/sockstat").stdout).group(1))
        print(f"small guest: {held} pages held, tcp_mem's limit is {limit}")
        # Over the limit only by what each queue is granted always: the first segment, tcp_wmem[0] bytes.
        assert 0 < held < limit + 2 * clients, (held, limit)
        deadline = time.monotonic() + 120 * qemu.time_scale()
        for s in sockets:
            s.settimeout(max(1, deadline - time.monotonic()))
            got = 0
            while data := s.recv(65536):
                got += len(data)
            assert got > size, f"{got} bytes, then the end"
            s.close()
