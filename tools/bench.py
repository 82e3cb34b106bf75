#!/usr/bin/env python3
"""make bench: user/bench on Pollux and on Debian's Linux in the same QEMU, in guest instructions for one operation.

Writes build/bench.json, and the table of docs/performance.md on standard output.
"""
import argparse
import json
import pathlib
import sys
import tempfile

import qemu

ROWS = {
    "null_syscall": "null system call", "eventfd_write_read": "eventfd write + read", "pipe_write_read": "pipe write + read, one process",
    "open_read_close": "open + read + close", "stat": "stat", "mmap_touch_256_munmap": "mmap + touch 256 pages + munmap",
    "signal_to_self": "signal to self", "fork_exit_wait": "fork + exit + wait", "fork_exec_wait": "fork + exec + wait",
    "thread_create_join": "thread create + join", "pipe_ping_pong": "pipe ping-pong, two processes", "futex_ping_pong": "futex ping-pong, two threads",
    "unix_round_trip": "AF_UNIX round trip", "epoll_add_del": "epoll ADD + DEL", "epoll_wait_ready": "epoll_wait, one ready",
    "epoll_wait_ready_10k_idle": "the same, 10,000 idle", "epoll_eventfd_round_trip": "epoll + eventfd wake, two processes",
    "tcp_round_trip": "TCP loopback round trip, 1 byte", "tcp_connect_accept_close": "TCP loopback connect + accept + close",
    "tcp_64k_write": "TCP loopback, one 64 KiB write", "udp_round_trip": "UDP loopback round trip",
}


def run(linux, groups):
    with tempfile.TemporaryDirectory() as directory:
        machine = qemu.runner_machine(directory, ["/sbin/bench", *groups], linux=linux, debug=False, mem="256",
                                      icount=True, cpu="qemu64,+rdrand")
        result = qemu.Guest(machine, timeout=600).run()
    if result.failure:
        sys.exit(f"bench: {'Linux' if linux else 'Pollux'}: {result.failure} {result.detail}\n" +
                 result.stdout.decode(errors='replace')[-1000:] + "\n".join(result.console.splitlines()[-30:]))
    out = {}
    for line in result.stdout.decode().splitlines():
        if line.startswith("#"):
            print(line, file=sys.stderr)
        else:
            name, ticks = line.split()
            out[name] = int(ticks)
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("groups", nargs="*")
    p.add_argument("--pollux-only", action="store_true")
    p.add_argument("--json", default=str(qemu.BUILD / "bench.json"))
    args = p.parse_args()
    pollux = run(False, args.groups)
    linux = {} if args.pollux_only else run(True, args.groups)
    pathlib.Path(args.json).write_text(json.dumps({"pollux": pollux, "linux": linux}, indent=1))
    print(f"| one operation | Pollux | Linux | ratio |\n|---|---|---|---|")
    for name, text in ROWS.items():
        if name in pollux or name in linux:
            a, b = pollux.get(name), linux.get(name)
            ratio = f"{a / b:.2f}" if a and b else ""
            print(f"| {text} | {a if a is not None else ''} | {b if b is not None else ''} | {ratio} |")


if __name__ == "__main__":
    main()
