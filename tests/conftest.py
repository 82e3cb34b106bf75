"""What all host-side tests share: choosing cases by pattern, time limits, and one report for what failed."""
import fnmatch
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))


def pytest_addoption(parser):
    parser.addoption("--pattern", default="", help="only cases whose name holds this text or matches this glob")
    parser.addoption("--list-cases", action="store_true", help="print the names of the cases, one a line, and run none")
    parser.addoption("--storm-seconds", type=int, default=15, help="how long the epoll storm of tests/system lasts")
    parser.addoption("--long", action="store_true", help="the loads of tests/test_peers.py last five minutes each, not seconds")
    parser.addoption("--full-transfers", action="store_true", help="tests/test_net_bad.py: 16 MiB each way, three seeds")
    parser.addoption("--remake-linux", action="store_true", help="tests/test_net_bad.py: measure Linux anew, too")
    parser.addoption("--oracle", action="store_true", help="run the ABI cases on Debian's Linux instead of Pollux")


def pytest_collection_modifyitems(config, items):
    pattern = config.getoption("--pattern")
    if pattern:
        glob = pattern if any(c in pattern for c in "*?[") else f"*{pattern}*"
        keep = [i for i in items if fnmatch.fnmatchcase(case_name(i), glob)]
        config.hook.pytest_deselected(items=[i for i in items if i not in keep])
        items[:] = keep
    if pattern and not items:
        raise pytest.UsageError(f"no case's name matches {pattern!r}; LIST=1 without T lists all")
    if config.getoption("--list-cases"):
        with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            print(*map(case_name, items), sep="\n", flush=True)
        pytest.exit("listed", returncode=0)


def case_name(item):
    """
    tests/test_abi.py::test_case[epoll_basic-smp1] is "abi/epoll_basic-smp1", test_boot.py::test_memory[16] is
    "boot/memory-16".
    """
    name = item.originalname.removeprefix("test_")
    if hasattr(item, "callspec"):
        id = item.callspec.id.lstrip("-")
        name = id if name in ("case", "unit") or id.startswith(name) else f"{name}-{id}"
    return f"{item.path.stem.removeprefix('test_')}/{name}"


def pytest_configure(config):
    # A case that loops for ever must not take the run with it; its own limits are far below this one.
    import qemu
    config.option.timeout = config.option.timeout or 900 * qemu.time_scale()


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    """The plain closing line."""
    stats = terminalreporter.stats
    failed = len(stats.get("failed", [])) + len(stats.get("error", []))
    line = f"{len(stats.get('passed', []))} passed, {failed} failed"
    if stats.get("skipped"):
        line += f", {len(stats['skipped'])} skipped"
    terminalreporter.write_line(line)


@pytest.fixture
def keep_log(request):
    """A path under build/logs for what this case leaves behind; shown when it fails."""
    logs = pathlib.Path(__file__).resolve().parent.parent / "build/logs"
    logs.mkdir(parents=True, exist_ok=True)
    return logs / (case_name(request.node).replace("/", "_") + ".log")
