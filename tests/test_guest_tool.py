"""tools/guest as scripts use it: clean output, the command's status, and failures that are told apart."""
import os
import signal
import subprocess
import time

import pytest

import qemu

GUEST = str(qemu.ROOT / "tools/guest")


def guest(*args, **options):
    return subprocess.run([GUEST, *args], capture_output=True, text=True, timeout=300, **options)


def test_output_and_status():
    r = guest("--", "sh", "-c", "uname -a; exit 7")
    assert r.returncode == 7 and len(r.stdout.splitlines()) == 1 and "x86_64" in r.stdout and not r.stderr


def test_standard_error_is_separate():
    r = guest("--", "sh", "-c", "echo one; echo two >&2")
    assert (r.stdout, r.stderr, r.returncode) == ("one\n", "two\n", 0)


def test_killed_by_signal():
    assert guest("--", "sh", "-c", "kill -9 $$").returncode == 128 + signal.SIGKILL


def test_command_not_found():
    assert guest("--", "no-such-command").returncode == 127


def test_binary_output_is_unchanged():
    r = subprocess.run([GUEST, "--", "sh", "-c", "head -c 200000 /proc/self/exe | tee /tmp/x; md5sum < /tmp/x >&2"], capture_output=True, timeout=300)
    import hashlib
    assert hashlib.md5(r.stdout).hexdigest() in r.stderr.decode() and len(r.stdout) == 200000


def test_copy(tmp_path):
    (tmp_path / "data").write_text("carried over\n")
    r = guest("--copy", str(tmp_path / "data"), "--", "cat", "/root/data")
    assert r.stdout == "carried over\n"


def test_forward():
    port = qemu.free_port()
    p = subprocess.Popen([GUEST, "--forward", f"{port}:80", "--", "sh", "-c", "echo up; timeout 20 httpd_epoll 80 /www"], stdout=subprocess.PIPE, text=True)
    assert p.stdout.readline() == "up\n"
    for _ in range(100):
        r = subprocess.run(["curl", "-s", "-m", "5", f"http://127.0.0.1:{port}/"], capture_output=True, text=True)
        if "Pollux" in r.stdout:
            break
        time.sleep(0.1)
    p.kill()
    p.wait()
    assert "Pollux" in r.stdout


def test_timeout_says_so():
    r = guest("--timeout", "3", "--", "sleep", "1000")
    assert r.returncode == qemu.EXIT_TIMEOUT and "nothing ended within" in r.stderr


def test_panic_says_so():
    r = guest("--debug", "--", "sh", "-c", "echo c > /proc/sysrq-trigger")
    assert r.returncode == qemu.EXIT_PANIC and "panicked" in r.stderr and "sysrq" in r.stderr


def test_early_power_off_says_so():
    r = guest("--", "poweroff", "-f")
    assert r.returncode == qemu.EXIT_NO_STATUS


def test_qemu_failure_says_so():
    r = guest("--", "true", env=dict(os.environ, ACCEL="no-such-accelerator"))
    assert r.returncode == qemu.EXIT_TOOL and "QEMU failed" in r.stderr


@pytest.mark.parametrize("args", [(), ("--",), ("--copy", "/no/such/file", "--", "true"), ("--nonsense", "--", "true")])
def test_wrong_call(args):
    assert guest(*args).returncode == qemu.EXIT_TOOL


def test_slow_reader_gets_the_last_byte_and_the_status(tmp_path):
    """
    QEMU holds back what its reader does not take, and the line's FIFO stays full: a power-off must wait for it, or the
    end is lost, with the status in it.
    """
    machine = qemu.runner_machine(tmp_path, ["sh", "-c", "seq 1000; exit 7"], debug=False)
    with qemu.Guest(machine) as g:
        while g.process.poll() is None:
            data = g.report.recv(100)
            if not data:
                break
            g.buffer += data
            time.sleep(0.02)
        for kind, payload in g._records():
            g._take(kind, payload)
        r = g.finish()
    assert (r.status, r.failure) == (7, None)
    assert r.stdout == b"".join(b"%d\n" % i for i in range(1, 1001))


def test_hotspots_names_the_functions_that_run():
    r = subprocess.run([qemu.ROOT / "tools/hotspots", "--top", "400", "--", "stat", "/"], capture_output=True, text=True, timeout=300)
    lines = [line.split() for line in r.stdout.splitlines()]
    assert r.returncode == 0 and lines[0][1] == "all", r.stderr
    counts = {line[-1]: int(line[0]) for line in lines}
    assert counts["user"] > 1000 and counts["do_syscall_64"] > 100
    assert sum(counts.values()) - counts["all"] <= counts["all"]
