"""Servers nobody here wrote, as Debian ships them: dynamic, with their libraries, under clients on the host.

tools/get-programs unpacks them into build/programs; where apt cannot bring them, these cases are skipped. With
POLLUX_ORACLE=1 the same runs on Debian's Linux (tools/get-linux).
"""
import functools
import os
import pathlib
import re
import socket
import subprocess
import threading
import time

import pytest

import qemu
from support import guest

LINUX = bool(os.environ.get("POLLUX_ORACLE"))
ROOT = qemu.BUILD / "programs"
LIBRARIES = "/lib/x86_64-linux-gnu"
# The guest ends when the host connects to port 9 there; the server's own farewell is in what it prints.
SCRIPT = "{} 2>&1 & nc -l -p 9 < /dev/null > /dev/null; kill -{} $!; wait $!; echo status $?"


@functools.lru_cache
def copies(program):
    """The program and what ldd says it needs, where it looks for it."""
    got = subprocess.run([qemu.BUILD.parent / "tools/get-programs"]).returncode == 0
    if not got:
        pytest.skip("apt does not bring the programs")
    path = next(p for p in (ROOT / program, pathlib.Path("/") / program) if p.exists())
    own = f"{ROOT}/usr{LIBRARIES}:{ROOT}{LIBRARIES}"
    text = subprocess.run(["ldd", path], capture_output=True, text=True, env=dict(os.environ, LD_LIBRARY_PATH=own)).stdout
    assert "not found" not in text, text
    libraries = [(os.path.realpath(p), f"{LIBRARIES}/{n}") for n, p in re.findall(r"(\S+) => (/\S+)", text)]
    loader = "/lib64/ld-linux-x86-64.so.2"
    return [(path.resolve(), f"/{program}"), (os.path.realpath(loader), loader), *libraries]


class Server:
    """A guest with one server; connections to it, and its end."""

    def __init__(self, program, command, port, signal, log, extra=()):
        self.port, self.end_port = qemu.free_port(), qemu.free_port()
        self.context = guest(["sh", "-c", SCRIPT.format(command, signal)], copies(program) + list(extra), smp=2, mem="512",
                             timeout=180, forwards=((self.port, port), (self.end_port, 9)), linux=LINUX, log=log)

    def __enter__(self):
        self.guest = self.context.__enter__()
        return self

    def __exit__(self, *exception):
        return self.context.__exit__(*exception)

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=60 * qemu.time_scale())
        return s, s.makefile("rb")

    def wait(self, request, answer):
        """Until the server answers: QEMU takes the connection first and ends it if nobody listens in the guest."""
        deadline = time.monotonic() + 60 * qemu.time_scale()
        while time.monotonic() < deadline:
            try:
                s, f = self.connect()
                s.sendall(request)
                if f.readline().startswith(answer):
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError("the server does not answer")

    def end(self):
        socket.create_connection(("127.0.0.1", self.end_port)).close()
        return self.guest.finish().stdout.decode(errors="replace")


def test_memcached(keep_log):
    """Four threads, each with an epoll; values of many sizes, many clients, requests sent together."""
    with Server("usr/bin/memcached", "/usr/bin/memcached -u root -l 0.0.0.0 -t 4", 11211, "TERM", keep_log) as server:
        server.wait(b"version\r\n", b"VERSION")
        s, f = server.connect()
        values = [os.urandom(1 + i * 37 % 9000) for i in range(200)]
        for i, v in enumerate(values):
            s.sendall(b"set k%d 0 0 %d\r\n%s\r\n" % (i, len(v), v))
            assert f.readline() == b"STORED\r\n"
        clients = []
        for i in range(20):
            clients.append(server.connect())
            time.sleep(0.01)    # the host's side of the forwarding has a short queue
        for i, (s, f) in enumerate(clients):
            s.sendall(b"".join(b"get k%d\r\n" % (i * 7 + j) for j in range(5)))
        for i, (s, f) in enumerate(clients):
            for j in range(5):
                v = values[i * 7 + j]
                assert f.readline() == b"VALUE k%d 0 %d\r\n" % (i * 7 + j, len(v))
                assert f.read(len(v) + 2) == v + b"\r\n" and f.readline() == b"END\r\n"
        text = server.end()
        assert "status 0" in text, text


NGINX = """user root; worker_processes 2; daemon off; error_log stderr notice; pid /tmp/nginx.pid;
events { worker_connections 256; multi_accept on; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_timeout 60; client_body_temp_path /tmp/b; proxy_temp_path /tmp/p;
fastcgi_temp_path /tmp/f; uwsgi_temp_path /tmp/u; scgi_temp_path /tmp/s;
server { listen 80; root /srv; location /proxy/ { proxy_pass http://127.0.0.1:80/; } location /said { return 200 "said\\n"; } } }
"""


def test_nginx(keep_log, tmp_path):
    """Two workers: files by sendfile, a proxy to itself, keep-alive, ranges, many clients; a new configuration by SIGHUP."""
    blob = os.urandom(2 << 20)
    (tmp_path / "conf").write_text(NGINX)
    (tmp_path / "blob").write_bytes(blob)
    extra = [(tmp_path / "conf", "/etc/nginx/nginx.conf"), (tmp_path / "blob", "/srv/blob")]
    start = "mkdir -p /var/log/nginx /var/lib/nginx; /usr/sbin/nginx"
    with Server("usr/sbin/nginx", start, 80, "HUP $!; sleep 1; kill -QUIT", keep_log, extra) as server:
        server.wait(b"GET /said HTTP/1.0\r\n\r\n", b"HTTP/1.1 200")

        def curl(path, *options):
            return subprocess.run(["curl", "-s", "-m", "100", *options, f"http://127.0.0.1:{server.port}{path}"], capture_output=True).stdout

        assert curl("/blob") == blob and curl("/proxy/blob") == blob
        assert curl("/blob", "-r", "1000-1999") == blob[1000:2000]
        assert curl("/none", "-o", "/dev/null", "-w", "%{http_code}") == b"404"
        many = curl("/said", *["-w", "%{num_connects}\n"], *[f"http://127.0.0.1:{server.port}/said"] * 99).split()
        assert many.count(b"said") == 100 and many.count(b"1") == 1        # one connection serves all
        got = []
        threads = [threading.Thread(target=lambda: got.append(curl("/blob") == blob)) for _ in range(8)]
        for t in threads:
            t.start()
            time.sleep(0.02)
        for t in threads:
            t.join()
        assert got == [True] * 8
        text = server.end()
        assert len(re.findall("worker process \\d+ exited with code 0", text)) == 4 and "status 0" in text, text


def test_redis(keep_log):
    """Commands, pipelines, a blocked reader that another client wakes, and a save by a forked child."""
    command = "cd /tmp; /usr/bin/redis-server --bind 0.0.0.0 --protected-mode no --save ''"
    with Server("usr/bin/redis-server", command, 6379, "TERM", keep_log) as server:
        server.wait(b"PING\r\n", b"+PONG")

        def ask(connection, *words):
            s, f = connection
            s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
            return answer(f)

        def answer(f):
            line = f.readline()
            if line[:1] == b"$":
                return f.read(int(line[1:]) + 2)[:-2]
            return [answer(f) for _ in range(int(line[1:]))] if line[:1] == b"*" else line[1:].strip()

        a, b = server.connect(), server.connect()
        values = {b"key%d" % i: os.urandom(i * 53 % 20000) for i in range(100)}
        for k, v in values.items():
            assert ask(a, b"SET", k, v) == b"OK"
        assert ask(b, b"MGET", *values) == list(values.values())
        a[0].sendall(b"INCR n\r\n" * 1000)
        assert [int(answer(a[1])) for _ in range(1000)] == list(range(1, 1001))
        b[0].sendall(b"BLPOP waiting 60\r\n")
        time.sleep(0.2)
        assert ask(a, b"RPUSH", b"waiting", b"here") == b"1" and answer(b[1]) == [b"waiting", b"here"]
        assert ask(a, b"BGSAVE") == b"Background saving started"
        deadline = time.monotonic() + 60 * qemu.time_scale()
        while b"rdb_bgsave_in_progress:0" not in (info := ask(a, b"INFO", b"persistence")):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert b"rdb_last_bgsave_status:ok" in info and b"rdb_saves:1" in info
        text = server.end()
        assert "Redis is now ready to exit" in text and "status 0" in text, text
