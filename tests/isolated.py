"""Scenarios on a tap device in a network namespace of their own: many connections, full speed, nothing outside touched."""
import ctypes
import functools
import os
import subprocess
import sys
import traceback

import pytest

SKIPPED = 77        # the child's exit status
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
HOST_IP, GUEST_IP = "10.9.0.1", "10.9.0.2"
TAP = dict(netdev="tap,ifname=t0,script=no,downscript=no", append=f"ip={GUEST_IP}/24:{HOST_IP}")
# Linux gets its address from the runner: the driver is a module, which the kernel's own "ip=" would wait for.
LINUX_TAP = dict(TAP, append=f"RUNNER_ADDR={GUEST_IP}")


def enter_namespace():
    """A new network namespace with lo and t0 up; without root also a user namespace in which we are."""
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET | (CLONE_NEWUSER if uid else 0)):
        raise OSError(ctypes.get_errno(), "unshare")
    if uid:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w") as f:
                f.write(text)
    for command in ("link set lo up", "tuntap add dev t0 mode tap", f"addr add {HOST_IP}/24 dev t0", "link set t0 up"):
        subprocess.run(["ip", *command.split()], check=True)


def isolated(test):
    """
    Run the test in a child in such a namespace; its failure is the test's. The namespace has no name: it ends with the
    last process in it, however that ends. A host that does not allow one skips the test.
    """
    @functools.wraps(test)
    def wrapper(*args, **kwargs):
        r, w = os.pipe()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                os.close(r)
                try:
                    enter_namespace()
                except (OSError, subprocess.CalledProcessError) as e:
                    os.write(w, f"this host allows no network namespace with a tap device: {e}".encode())
                    status = SKIPPED
                else:
                    test(*args, **kwargs)
                    status = 0
            except pytest.skip.Exception as e:
                os.write(w, str(e).encode())
                status = SKIPPED
            except BaseException:
                os.write(w, traceback.format_exc().encode()[-60000:])
            finally:
                sys.stdout.flush()
                os._exit(status)
        os.close(w)
        with os.fdopen(r, "rb") as f:
            report = f.read().decode(errors="replace")
        _, status = os.waitpid(pid, 0)
        if os.waitstatus_to_exitcode(status) == SKIPPED:
            pytest.skip(report)
        assert status == 0, report or f"the scenario ended with wait status {status}"
    return wrapper
