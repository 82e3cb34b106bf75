"""Helpers of the guest tests: run something in a guest and hold its console to the rules that every run must keep."""
import contextlib
import re
import tempfile

import qemu

# A console line that fails any run, whatever else it tested.
FORBIDDEN = re.compile(r"WARN|BUG|PANIC|lockdep|leak|Oops|unexpected|corrupt", re.I)


def assert_clean(console):
    # The kernel's own lines have a time in front; firmware and boot loader may complain as they like.
    bad = [line for line in console.splitlines() if re.match(r"\[ *\d+\.\d+\]", line) and FORBIDDEN.search(line)]
    assert not bad, "the console complains:\n" + "\n".join(bad[:20]) + "\n--- last lines ---\n" + tail(console)


def tail(console, lines=60):
    return "\n".join(console.splitlines()[-lines:])


def run_in_guest(command, copies=(), timeout=60, log=None, linux=False, clean=True, **options):
    """Run @command (a list of words) to its end. Fails the test on a panic, a hang, or a console that complains."""
    with tempfile.TemporaryDirectory(prefix="pollux-test-") as directory:
        machine = qemu.runner_machine(directory, command, copies, linux, **options)
        result = qemu.Guest(machine, timeout, log=log).run()
    assert not result.failure, f"{result.failure}: {result.detail}\n{result.stdout.decode(errors='replace')[-2000:]}\n{tail(result.console)}"
    if clean and not linux:
        assert_clean(result.console)
    return result


@contextlib.contextmanager
def guest(command, copies=(), timeout=60, log=None, linux=False, **options):
    """A guest that runs @command while the test talks to it; yields it once the command is about to start."""
    with tempfile.TemporaryDirectory(prefix="pollux-test-") as directory:
        machine = qemu.runner_machine(directory, command, copies, linux, **options)
        with qemu.Guest(machine, timeout, log=log) as g:
            g.wait_ready()
            yield g
            if not linux:
                assert_clean(g.console())


def tap_cases(text):
    """{name: (ok, diagnostics)} of TAP text; a name that is skipped maps to (None, reason)."""
    cases, notes = {}, []
    for line in text.splitlines():
        m = re.match(r"(not )?ok \d+ (?:- )?(\S+)(?:\s+# (SKIP|TODO)\s*(.*))?", line)
        if m:
            cases[m.group(2)] = (None if m.group(3) == "SKIP" else not m.group(1), "\n".join(notes) or (m.group(4) or ""))
            notes = []
        elif line.startswith("#"):
            notes.append(line)
    return cases
