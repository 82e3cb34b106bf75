"""What a load must leave behind: nothing. Snapshots of a guest's kernel objects, taken by its shell, and their comparison."""
import contextlib
import re
import socket
import time

import qemu
from isolated import GUEST_IP, HOST_IP, TAP
from support import guest

# What must be back where it was: kernel objects by cache, before and after. Names a program's life leaves nothing in.
# The ping's reply makes the driver take back all that it has sent. On a busy host the peers' last FINs and our answers
# may still be under way: so until no packet is alive, or for twenty seconds.
QUIET = (f"for i in $(seq 40); do ping -c 1 {HOST_IP} > /dev/null; sleep 0.5; "
         "[ $(grep '^skbuff ' /proc/slabinfo | tr -s ' ' | cut -d ' ' -f 2) -le 1 ] && break; done")
SNAPSHOT = f"sleep 1; {QUIET}; sleep 0.2; echo 3 > /proc/sys/vm/drop_caches; echo SNAPSHOT; cat /proc/slabinfo; grep MemFree /proc/meminfo; echo END"
# For the report of a failure: what the network saw, and what became of it.
COUNTERS = "echo COUNTERS; cat /proc/net/snmp /proc/net/netstat /proc/net/drops /proc/net/sockstat /proc/net/tcp | head -n 80"
# Pages that CPUs and caches of stacks and page tables may keep for their next use.
KEPT_KIB = 2048


def snapshots(text):
    """[{cache: live objects}] for each SNAPSHOT ... END in a command's output."""
    out = []
    for part in re.findall(r"SNAPSHOT\n(.*?)END\n", text, re.S):
        out.append({f[0]: int(f[1]) for f in (line.split() for line in part.splitlines()[2:]) if len(f) > 2})
        out[-1].pop("MemFree:", None)
        records = re.search(r"^tw_sock_TCP\s+\d+\s+(\d+)\s+(\d+)", part, re.M)      # they have their minute to live
        waiting = int(records.group(1)) * int(records.group(2)) // 1024 if records else 0
        out[-1]["free KiB"] = int(re.search(r"MemFree:\s+(\d+)", part).group(1)) + waiting * 9 // 8
    return out


# Caches by design: names and inodes that were looked up, and the routes that each CPU has looked up.
CACHES = ("dentry", "inode_cache", "ramfs_inode", "ip_dst_cache")


def assert_no_leak(text, ignore=CACHES):
    before, after = snapshots(text)[0], snapshots(text)[-1]
    # A TIME_WAIT record has its minute to live; a frame stays in the transmit ring until the next one is sent.
    for name in ("tw_sock_TCP", "tcp_bind_bucket"):
        after.pop(name, None)
    for name in ("skbuff", "skb_small_head"):
        after[name] = max(0, after.get(name, 0) - 1)
    lost = before.pop("free KiB") - after.pop("free KiB")
    assert lost < KEPT_KIB, f"{lost} KiB less are free"
    grown = {k: (before.get(k, 0), v) for k, v in after.items() if v > before.get(k, 0) and k not in ignore}
    assert not grown, f"caches that did not come back (before, after): {grown}"


def connect(port, address=GUEST_IP):
    """To a server that may not be listening yet."""
    deadline = time.monotonic() + 30 * qemu.time_scale()
    while True:
        try:
            return socket.create_connection((address, port), timeout=max(1, deadline - time.monotonic()))
        except OSError as e:
            assert time.monotonic() < deadline, f"nobody listens on {port}: {e!r}"
            time.sleep(0.05)


def server_script(server):
    """Snapshots around the life of a server; the host says that a load is over by connecting to port 8, then 9."""
    return (f"{server} & nc -l -p 8 < /dev/null > /dev/null; kill $!; wait; {SNAPSHOT}; "
            f"{server} & nc -l -p 9 < /dev/null > /dev/null; {COUNTERS}; kill $!; wait; {SNAPSHOT}")


@contextlib.contextmanager
def measured(server, warm_up, keep_log, timeout=300, **options):
    """A guest with a @server that has seen @warm_up, which fills the caches; at the end nothing may be left over."""
    with guest(["sh", "-c", server_script(server)], timeout=timeout, log=keep_log, **TAP, **options) as g:
        warm_up()
        connect(8).close()
        g.pump(lambda: b"END" in g.result.stdout, time.monotonic() + 30 * qemu.time_scale())
        failure = None
        try:
            yield g
        except (AssertionError, OSError) as e:
            failure = e
        connect(9).close()
        r = g.finish()
        text = r.stdout.decode(errors="replace")
        if failure:
            raise AssertionError(f"{failure!r}\nwhat the guest counted:\n{text.rpartition('COUNTERS')[2]}") from failure
        assert r.status is not None, r.failure
        assert_no_leak(text)
