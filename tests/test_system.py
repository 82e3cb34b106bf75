"""tests/system: real programs and whole scenarios, driven from the host by real clients."""
import os
import re
import selectors
import socket
import subprocess
import tempfile
import time

import pytest

import qemu
from isolated import GUEST_IP, HOST_IP, TAP, isolated
from leaks import assert_no_leak, connect, measured
from support import guest, run_in_guest, tail, assert_clean

MIB = 1 << 20


def echo_many(port, connections, each):
    """@connections at once, @each bytes there and back on every one, compared byte by byte."""
    data = os.urandom(each)
    sel = selectors.DefaultSelector()
    state = {}
    for _ in range(connections):
        s = connect(port)
        s.setblocking(False)
        state[s] = [0, 0]
        sel.register(s, selectors.EVENT_READ | selectors.EVENT_WRITE)
    deadline = time.monotonic() + 120 * qemu.time_scale()
    while state:
        assert time.monotonic() < deadline, f"{len(state)} connections stand still at {sorted(state.values())[:5]}"
        for key, events in sel.select(1):
            s, (sent, got) = key.fileobj, state[key.fileobj]
            if events & selectors.EVENT_READ:
                chunk = s.recv(65536)
                assert chunk and chunk == data[got:got + len(chunk)], f"after {got} bytes"
                state[s][1] = got = got + len(chunk)
                if got == each:
                    sel.unregister(s)
                    s.close()
                    del state[s]
                    continue
            if events & selectors.EVENT_WRITE:
                sent += s.send(data[sent:sent + 65536])
                state[s][0] = sent
                if sent == each:
                    sel.modify(s, selectors.EVENT_READ)


def measured_echo(keep_log, options="", **kw):
    return measured(f"echo_epoll {options} 7", lambda: echo_many(7, 20, 2000), keep_log, **kw)


@pytest.mark.parametrize("smp", [1, 4])
@pytest.mark.parametrize("options", ["", "--lt"])
@isolated
def test_thousand_connections_at_once(smp, options, keep_log):
    with measured_echo(keep_log, options, smp=smp, mem="512"):
        echo_many(7, 1000, MIB // 10)


@isolated
def test_twenty_thousand_connections_in_turn(keep_log):
    with measured_echo(keep_log, smp=2, mem="256"):
        for i in range(20000):
            with connect(7) as s:
                s.sendall(b"%d" % i)
                assert s.recv(100) == b"%d" % i


def test_epoll_storm(request, keep_log):
    """Eight threads on shared and nested epolls (tests/system/epoll_storm.c): every count arrives, nothing is left over."""
    seconds = request.config.getoption("--storm-seconds")
    look = "sleep 0.5; echo SNAPSHOT; cat /proc/slabinfo; grep MemFree /proc/meminfo; echo END"
    script = f"/storm 1 1 && {look} && /storm {seconds} 2 && {look}"
    r = run_in_guest(["sh", "-c", script], [(qemu.BUILD / "system/epoll_storm", "/storm")], smp=4, netdev="none", mem="256",
                     timeout=60 + 3 * seconds, log=keep_log)
    text = r.stdout.decode(errors="replace")
    assert r.status == 0 and text.count("counts arrived") == 2, text
    assert_no_leak(text)


@isolated
def test_client_that_dies_in_the_middle(keep_log):
    """Connections reset, half-closed and abandoned with data in flight: the server goes on, nothing leaks."""
    with measured_echo(keep_log, smp=2):
        for i in range(300):
            s = connect(7)
            s.sendall(os.urandom(20000))
            if i % 3 == 0:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            elif i % 3 == 1:
                s.shutdown(socket.SHUT_WR)
                s.recv(1000)
            s.close()
        echo_many(7, 10, 1000)


@isolated
def test_http_pages_and_proc_texts(keep_log):
    with guest(["sh", "-c", "httpd_epoll 80 /www & nc -l -p 9 </dev/null; kill $!"], smp=2, log=keep_log, **TAP) as g:
        connect(80).close()
        page = subprocess.run(["curl", "-s", "-m", "20", f"http://{GUEST_IP}/"], capture_output=True, text=True).stdout
        assert "<title>Pollux</title>" in page
        tcp = subprocess.run(["curl", "-s", "-m", "20", f"http://{GUEST_IP}/proc/net/tcp"], capture_output=True, text=True).stdout
        assert ":0050" in tcp and " 01 " in tcp         # the connection this very text came over
        urls = [f"http://{GUEST_IP}/"] * 50
        r = subprocess.run(["curl", "-s", "-m", "60", "-w", "%{http_code} %{num_connects}\n", "-o", "/dev/null"] + sum([["-o", "/dev/null"] for _ in urls[1:]], []) + urls, capture_output=True, text=True)
        lines = r.stdout.split()
        assert lines[::2] == ["200"] * 50 and lines[1::2].count("1") == 1         # one connection serves all
        codes = [subprocess.run(["curl", "-s", "-m", "20", "-o", "/dev/null", "-w", "%{http_code}", *a], capture_output=True, text=True).stdout
                 for a in ((f"http://{GUEST_IP}/none",), ("-X", "POST", f"http://{GUEST_IP}/"), ("--path-as-is", f"http://{GUEST_IP}/../etc/passwd"))]
        assert codes == ["404", "405", "403"]
        connect(9).close()
        assert g.finish().status is not None


@isolated
def test_chat_mixes_listener_clients_eventfd_and_stdin(keep_log):
    with guest(["sh", "-c", "(sleep 3; echo from stdin; sleep 1) | chat_epoll 6667"], log=keep_log, **TAP) as g:
        a, b = connect(6667), connect(6667)
        a.sendall(b"hello from a\n")
        text = b""
        while b"from stdin" not in text:
            chunk = b.recv(1000)
            assert chunk, text
            text += chunk
        assert b"hello from a\n" in text and b"here" in text
        assert g.finish().status == 0       # the end of stdin ends it


@isolated
def test_wget_in_the_guest_fetches_from_the_host(keep_log):
    with tempfile.TemporaryDirectory() as d:
        data = os.urandom(3 * MIB)
        with open(os.path.join(d, "blob"), "wb") as f:
            f.write(data)
        server = subprocess.Popen(["/usr/bin/python3", "-m", "http.server", "8000", "--bind", HOST_IP, "-d", d], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        connect(8000, HOST_IP).close()
        import hashlib
        r = run_in_guest(["sh", "-c", f"wget -q -O /tmp/blob http://{HOST_IP}:8000/blob && md5sum < /tmp/blob"], log=keep_log, **TAP)
        server.kill()
        server.wait()
        assert hashlib.md5(data).hexdigest() in r.stdout.decode()


def test_dhcp_and_forwarded_port(keep_log):
    """The default: an address by DHCP from QEMU's user network, and a forwarded port."""
    port = qemu.free_port()
    with guest(["sh", "-c", "httpd_epoll 80 /www"], forwards=((port, 80),), log=keep_log) as g:
        for _ in range(200):
            r = subprocess.run(["curl", "-s", "-m", "5", f"http://127.0.0.1:{port}/"], capture_output=True, text=True)
            if "Pollux" in r.stdout:
                break
            time.sleep(0.05)
        assert "Pollux" in r.stdout


class Console:
    """The serial console as a user has it: typed at, and read."""

    def __init__(self, smp=1):
        self.dir = tempfile.mkdtemp()
        path = os.path.join(self.dir, "serial")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)
        machine = qemu.Machine(kernel=qemu.BUILD / "pollux-debug.elf", initrd=qemu.BUILD / "initramfs.cpio", smp=smp, mem="128",
                               cmdline="console=ttyS0", extra=("-chardev", f"socket,id=s,path={path}", "-serial", "chardev:s"))
        self.process = subprocess.Popen(machine.argv(), stdin=subprocess.DEVNULL, preexec_fn=qemu.die_with_parent)
        self.socket = listener.accept()[0]
        self.text = ""

    def type(self, text):
        self.socket.sendall(text.encode())

    def expect(self, pattern, seconds=15):
        """Wait until the pattern has come; what came before it is returned and forgotten."""
        deadline = time.monotonic() + seconds * qemu.time_scale()
        while not (m := re.search(pattern, self.text)):
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                data = self.socket.recv(4096)
            except TimeoutError:
                data = b""
            assert data, f"{pattern!r} did not come; the console says:\n{tail(self.text)}"
            self.text += data.decode(errors="replace")
        before, self.text = self.text[:m.end()], self.text[m.end():]
        return before

    def close(self):
        self.process.kill()
        self.process.wait()
        self.socket.close()


PROMPT = r"pollux:[^\n]*# "


@pytest.fixture
def console():
    c = Console()
    c.expect(PROMPT)
    yield c
    c.close()


def command(c, text):
    c.type(text + "\n")
    c.expect(re.escape(text) + r"\r?\n")
    return c.expect(PROMPT)


def test_shell_runs_commands(console):
    assert "42" in command(console, "echo $((6 * 7))")
    assert "3" in command(console, "printf 'a\\nb\\nc\\n' | grep -c .")
    assert "hello from" in command(console, "hello")
    assert re.search(r"\d+ .*ps", command(console, "ps"))


def test_shell_control_c_ends_the_job_not_the_shell(console):
    console.type("sleep 1000\n")
    time.sleep(0.5)
    console.type("\x03")
    console.expect(PROMPT)
    assert "status 130" in command(console, "echo status $?")


def test_shell_control_z_stops_and_fg_continues(console):
    console.type("sleep 1000\n")
    time.sleep(0.5)
    console.type("\x1a")
    console.expect("Stopped")
    console.expect(PROMPT)
    console.type("fg\n")
    time.sleep(0.5)
    console.type("\x03")
    console.expect(PROMPT)


def test_shell_line_editing_and_end_of_file(console):
    assert "right" in command(console, "echo right")
    console.type("cat\n")
    time.sleep(0.3)
    console.type("wrongg\x7f\n")
    console.expect("wrong\r?\n")
    console.type("\x04")
    console.expect(PROMPT)


def test_shell_poweroff(console):
    console.type("poweroff\n")
    assert console.process.wait(timeout=20 * qemu.time_scale()) == 0


APPLETS = r"""
cd /tmp && mkdir d && cp /www/index.html d/x && ln -s x d/l && ln d/x d/h && mv d/h d/m && ls -l d && rm d/l
find / -xdev -name index.html | head -n 1; du -s /www >/dev/null; df >/dev/null; stat /tmp >/dev/null
tar cf t.tar d && mkdir e && tar xf t.tar -C e && cmp d/x e/d/x && gzip -k t.tar && gunzip -c t.tar.gz | cmp - t.tar
seq 1 1000 | sort -n -r | head -n 1; seq 5 | awk '{ s += $1 } END { print s }'; echo abc | sed s/b/X/; echo abc | tr a-z A-Z
dd if=/dev/zero of=z bs=4096 count=64 2>/dev/null && wc -c < z; md5sum z | cut -c1-8; od -c d/x | head -n 1 >/dev/null
ps >/dev/null; top -b -n 1 >/dev/null; free >/dev/null; uptime >/dev/null; id -u; hostname; date +%Y >/dev/null; uname -r >/dev/null
mount | head -n 1 >/dev/null; dmesg | head -n 1 >/dev/null; env | grep -c PATH; kill -l >/dev/null; which ls; chmod 600 z; chown 1:1 z
touch -d '2020-01-01' z && ls -l z | grep -c 2020; readlink -f /bin/sh; test -x /bin/busybox; xargs echo < /dev/null; sleep 0.1
timeout 1 sleep 10; echo timeout $?; (sleep 0.2; echo bg) & wait; cat /proc/self/stat >/dev/null; echo all-done
"""


@pytest.mark.parametrize("smp", [1, 4])
def test_busybox_applets(smp, keep_log):
    r = run_in_guest(["sh", "-ec", APPLETS.replace("timeout 1 sleep 10; echo timeout $?", "timeout 1 sleep 10 || echo timeout $?")], smp=smp, log=keep_log)
    out = r.stdout.decode()
    assert r.status == 0 and "all-done" in out, out + r.stderr.decode()
    for word in ("1000", "15", "aXc", "ABC", "262144", "/www/index.html", "bg"):
        assert word in out
