"""busybox on both sides of a tap device: the guest's wget, nc, httpd, ping and traceroute against the host's, each way."""
import functools
import hashlib
import os
import pathlib
import subprocess
import tempfile
import time

import qemu
from isolated import GUEST_IP, HOST_IP, LINUX_TAP, TAP, isolated
from leaks import connect
from support import guest, run_in_guest

LINUX = os.environ.get("POLLUX_ORACLE") == "1"
in_guest = functools.partial(run_in_guest, linux=LINUX, **(LINUX_TAP if LINUX else TAP))
BLOB = os.urandom(3 << 20)
# nc ends when its peer has said all, so whoever only listens needs an input without an end: descriptor 3.
OPEN = "mkfifo /tmp/never; exec 3<>/tmp/never"


def busybox(*words, **options):
    return subprocess.Popen(["busybox", *words], preexec_fn=qemu.die_with_parent, **options)


def host_says(*words):
    r = subprocess.run(["busybox", *words], capture_output=True, timeout=60 * qemu.time_scale(), preexec_fn=qemu.die_with_parent)
    assert r.returncode == 0, r
    return r.stdout


def digest(data):
    return hashlib.md5(data).hexdigest()


@isolated
def test_guest_as_client(keep_log):
    with tempfile.TemporaryDirectory() as d:
        pathlib.Path(d, "blob").write_bytes(BLOB)
        servers = [busybox("httpd", "-f", "-p", f"{HOST_IP}:8000", "-h", d),
                   busybox("nc", "-l", "-p", "5001", stdin=open(f"{d}/blob", "rb")),
                   busybox("nc", "-l", "-p", "5002", stdin=subprocess.PIPE, stdout=open(f"{d}/got", "wb"))]
        connect(8000, HOST_IP).close()
        r = in_guest(["sh", "-c", f"{OPEN}; wget -q -O - http://{HOST_IP}:8000/blob | md5sum; wget -q -O - http://{HOST_IP}:8000/none; "
                      f"echo status $?; nc {HOST_IP} 5001 <&3 | tee /tmp/blob | md5sum; nc {HOST_IP} 5002 < /tmp/blob; "
                      f"ping -c 3 -s 1000 {HOST_IP}; echo status $?; traceroute -n -q 1 -w 5 {HOST_IP}; echo status $?"], log=keep_log)
        assert servers[2].wait(60) == 0     # it has written all
        for s in servers:
            s.kill()
        out = r.stdout.decode()
        assert out.count(digest(BLOB)) == 2, out
        assert "status 1" in out and out.count("status 0") == 2, out
        assert "3 packets transmitted, 3 packets received, 0% packet loss" in out, out
        assert f"1  {HOST_IP}  " in out, out
        assert pathlib.Path(d, "got").read_bytes() == BLOB


@isolated
def test_guest_as_server(keep_log):
    script = (f"{OPEN}; head -c {len(BLOB)} /dev/urandom > /www/blob; md5sum < /www/blob; httpd -p 80 -h /www; nc -l -p 5001 < /www/blob; "
              "nc -l -p 5002 <&3 | md5sum")
    options = LINUX_TAP if LINUX else TAP
    with guest(["sh", "-c", script], log=keep_log, linux=LINUX, **options) as g, tempfile.TemporaryDirectory() as d:
        forever, never = os.pipe()
        connect(80).close()
        page = host_says("wget", "-q", "-O", "-", f"http://{GUEST_IP}/blob")
        assert len(page) == len(BLOB) and digest(page) in g_text(g, digest(page))
        assert b"3 packets received, 0% packet loss" in host_says("ping", "-c", "3", "-s", "1000", GUEST_IP)
        assert f"1  {GUEST_IP}  ".encode() in host_says("traceroute", "-n", "-q", "1", "-w", "5", GUEST_IP)
        assert when_listening(5001, stdin=forever) == page
        os.close(never)
        pathlib.Path(d, "blob").write_bytes(BLOB)
        with open(f"{d}/blob", "rb") as blob:
            when_listening(5002, stdin=blob)
        r = g.finish()
        assert r.status == 0 and digest(BLOB) in r.stdout.decode(), r


def g_text(g, word):
    g.pump(lambda: word.encode() in g.result.stdout, time.monotonic() + 20 * qemu.time_scale())
    return g.result.stdout.decode()


def when_listening(port, **options):
    """What the host's nc gets from the guest's, which may not be there yet."""
    deadline = time.monotonic() + 30 * qemu.time_scale()
    while time.monotonic() < deadline:
        r = subprocess.run(["busybox", "nc", GUEST_IP, str(port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                           timeout=60 * qemu.time_scale(), preexec_fn=qemu.die_with_parent, **options)
        if r.returncode == 0:
            return r.stdout
        time.sleep(0.05)
    raise AssertionError(f"nobody listens on {port}")
