"""What ten thousand idle connections cost a guest's kernel, beside Linux 6.1 in the same QEMU (POLLUX_ORACLE=1 runs it there)."""
import os
import re
import time

import qemu
from isolated import LINUX_TAP, TAP, isolated
from leaks import connect
from support import guest
from test_peers import echo_round, open_many

LINUX = os.environ.get("POLLUX_ORACLE") == "1"
COUNT = 10000
LOOK = ("sleep 1; echo 3 > /proc/sys/vm/drop_caches; sleep 0.5; echo LOOK; grep -E 'MemFree|Slab' /proc/meminfo; "
        "grep -E 'VmRSS|VmPTE' /proc/$p/status; cat /proc/slabinfo; echo END")
# Bytes of kernel memory for each connection: accepted and silent; and after an answer of 16 KB. Linux 6.1 by this test.
LINUX_BYTES = {"silent": 3261, "answered": 4261}


def looks(text):
    """[(MemFree, VmRSS in KiB, {cache: size of its objects})]"""
    for part in re.findall(r"LOOK\n(.*?)END\n", text, re.S):
        number = {k: int(v) for k, v in re.findall(r"^(\w+):\s+(\d+) kB", part, re.M)}
        yield number, {f[0]: int(f[3]) for f in map(str.split, part.splitlines()) if len(f) > 10 and f[3].isdigit()}


@isolated
def test_memory_of_ten_thousand_idle_connections(keep_log):
    """MemFree less what the server's own pages take: below Linux's, silent and after traffic."""
    script = ("echo_epoll 7 & p=$!; " + "".join(f"nc -l -p {port} < /dev/null > /dev/null; {LOOK}; " for port in (8, 9, 10)) + "kill $p")
    with guest(["sh", "-c", script], timeout=300, log=keep_log, linux=LINUX, debug=False, smp=1, mem="768",
               **(LINUX_TAP if LINUX else TAP)) as g:
        def look(port, n):
            connect(port).close()
            g.pump(lambda: g.result.stdout.count(b"END") == n, time.monotonic() + 60 * qemu.time_scale())

        warm = open_many(7, 50)
        echo_round(warm, b"x" * 16000)
        look(8, 1)
        sockets = open_many(7, COUNT)
        look(9, 2)
        for begin in range(0, COUNT, 500):
            echo_round(sockets[begin:begin + 500], b"x" * 16000)
        look(10, 3)
        text = g.finish().stdout.decode()
    (start, sizes), *later = looks(text)
    cost = {name: ((start["MemFree"] - end["MemFree"]) - (end["VmRSS"] - start["VmRSS"])) * 1024 // COUNT
            for name, (end, _) in zip(("silent", "answered"), later)}
    small = {k: v for k, v in sizes.items() if re.search("tw_sock_TCP$|request_sock_TCP$|^TCP$|sock_inode|^socket$|^filp|dentry|^inode", k)}
    print(f"bytes of kernel memory for each connection: {cost}; objects: {small}")
    if not LINUX:
        # A connection that is idle keeps no page for its next answer.
        assert cost["answered"] < cost["silent"] + 100, cost
        assert all(cost[k] < LINUX_BYTES[k] for k in cost), cost
