#!/usr/bin/env python3
"""make docs: the documents that are lists, written from the lists in the sources."""
import re
import sys

from source import ROOT, files, functions, header_block, rel, rows

NOTE = "<!-- Made by tools/gen_docs.py from {}: change that, then run make docs. -->\n\n"


def table(head, body):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(c).replace("|", "\\|") for c in row) + " |" for row in body]) + "\n"


def locking():
    out = "# Lock order\n\n" + NOTE.format("kernel/lock_order.h")
    out += ("A lock may be taken only while every lock already held stands above it in this table, or is of the same class at a\n"
            "smaller depth. Debug builds check each acquisition against it (kernel/locking/lockdep.c).\n\n")
    body = [(n, name, depths, ctx, what) for n, (name, depths, ctx, what) in enumerate(rows("LOCK_CLASS", "kernel/lock_order.h"), 1)
            if depths.isdigit()]
    return out + table(("rank", "class", "at once", "context", "protects"), body)


def syscalls():
    out = "# System calls\n\n" + NOTE.format("kernel/syscall/table.def")
    body = sorted((int(nr), name, status, why) for nr, name, status, why in rows("SYS", "kernel/syscall/table.def") if nr.isdigit())
    out += (f"{len(body)} calls have a row. A number without one gives ENOSYS and is counted in /proc/pollux/syscalls.\n"
            "PARTIAL: what is said to be missing returns an error. NOOP: success without effect is the whole job.\n\n")
    return out + table(("number", "name", "status", "missing, and why"), body)


def drops():
    out = "# Drop reasons\n\n" + NOTE.format("net/drop_reason.h")
    out += "Why a packet can die. Counted per reason in /proc/net/drops; tests assert the counts.\n\n"
    used = {}
    for path in files(".c", dirs=("net", "drivers")):
        for m in set(re.findall(r"SKB_DROP_REASON_(\w+)", path.read_text())):
            used.setdefault(m, []).append(rel(path))
    body = [(name, what, ", ".join(used.get(name, []))) for name, what in rows("DROP_REASON", "net/drop_reason.h") if name != "name"]
    return out + table(("reason", "what happened", "where"), body)


def tcp_states():
    out = "# TCP states\n\n" + NOTE.format("net/ipv4/tcp_state.c")
    out += ("The legal transitions. Only tcp_set_state() writes a state, and it refuses any other (RFC 9293 3.3.2).\n\n")
    path = ROOT / "net/ipv4/tcp_state.c"
    body = []
    if path.exists():
        text = path.read_text()
        for m in re.finditer(r"\{\s*TCP_(\w+),\s*TCP_(\w+),\s*(\w+)\s*[,}]([^\n]*)", text):
            note = re.search(r"/\*(.*?)\*/", m.group(4))
            body.append((m.group(1), m.group(2), m.group(3), note.group(1).strip() if note else ""))
    return out + table(("from", "to", "event", "note"), body)


def linux_map():
    out = "# Where things are in Linux\n\n" + NOTE.format("the opening comments of the files")
    body = []
    for path in files(".c", ".h"):
        block = header_block(path)
        if "Linux" in block:
            body.append((rel(path), block["Linux"], block.get("Differs", "")))
    return out + table(("here", "Linux", "differs"), body)


def tracepoints():
    out = "# Tracepoints\n\n" + NOTE.format("kernel/trace_points.def")
    body = [(name, ", ".join(a for a in args if a != "_")) for name, *args in rows("TRACE_POINT", "kernel/trace_points.def") if name != "name"]
    return out + table(("name", "numbers it records"), body)


def race_points():
    out = "# Race points\n\n" + NOTE.format("kernel/race_points.def")
    out += "Where a test may make another task run, or delay this one, by a seed: see [debugging.md](debugging.md).\n\n"
    return out + table(("point", "the window it widens"), [r for r in rows("RACE_POINT", "kernel/race_points.def") if r[0] != "name"])


def wake_reasons():
    out = "# Wake reasons\n\n" + NOTE.format("kernel/wake_reasons.def")
    out += "What `outcome=` says in records of ep_poll_callback and wake_not_told: see [debugging.md](debugging.md).\n\n"
    return out + table(("outcome", "meaning"), [r[1:] for r in rows("WAKE_REASON", "kernel/wake_reasons.def") if r[0] != "NAME"])


def documents():
    return [("docs/locking.md", locking()), ("docs/syscalls.md", syscalls()), ("docs/drops.md", drops()),
            ("docs/tcp-states.md", tcp_states()), ("docs/linux-map.md", linux_map()), ("docs/tracepoints.md", tracepoints()),
            ("docs/race-points.md", race_points()),
            ("docs/wake-reasons.md", wake_reasons())]


def main():
    for path, text in documents():
        (ROOT / path).write_text(text)


if __name__ == "__main__":
    sys.exit(main())
