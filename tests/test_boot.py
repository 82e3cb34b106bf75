"""tests/boot: every way to power on, 1 to 8 CPUs, small and large memory; a clean console each time."""
import os
import pathlib
import subprocess
import tempfile
import time

import pytest

import qemu
from support import assert_clean, run_in_guest, tail

REPORT = "uname -s -m; grep -c ^processor /proc/cpuinfo; grep MemTotal /proc/meminfo"


@pytest.mark.parametrize("smp", [1, 2, 4, 8])
@pytest.mark.parametrize("machine", ["q35", "pc"])
def test_direct(machine, smp, keep_log):
    r = run_in_guest(["sh", "-c", REPORT], smp=smp, machine=machine, log=keep_log)
    lines = r.stdout.decode().splitlines()
    assert r.status == 0 and lines[0] == "Linux x86_64" and int(lines[1]) == smp


@pytest.mark.parametrize("mem,least_mib", [("16", 8), ("32", 20), ("512", 480), ("3G", 2900), ("8G", 7900)])
def test_memory(mem, least_mib, keep_log):
    r = run_in_guest(["sh", "-c", REPORT], mem=mem, debug=False, log=keep_log)
    total = int(r.stdout.decode().split("MemTotal:")[1].split()[0]) // 1024
    assert least_mib <= total


@pytest.mark.parametrize("cpu", ["max", "qemu64", "Nehalem"])
def test_cpu_model(cpu, keep_log):
    assert run_in_guest(["true"], cpu=cpu, log=keep_log).status == 0


def boot_iso(tmp_path, keep_log, **options):
    """Boot a GRUB image whose init is the runner."""
    initrd = tmp_path / "initramfs.cpio"
    initrd.write_bytes(qemu.runner_initrd(["sh", "-c", "cat /proc/cmdline"]))
    iso = tmp_path / "pollux.iso"
    subprocess.run([qemu.ROOT / "tools/mkiso", qemu.BUILD / "pollux-debug.elf", initrd, iso], check=True,
                   env=dict(os.environ, CMDLINE="console=ttyS0 init=/sbin/runner from=grub"))
    result = qemu.Guest(qemu.Machine(iso=iso, mem="256", **options), timeout=120, log=keep_log).run()
    assert not result.failure, f"{result.failure} {result.detail}\n{tail(result.console)}"
    assert_clean(result.console)
    return result


def test_grub_bios(tmp_path, keep_log):
    assert b"from=grub" in boot_iso(tmp_path, keep_log, smp=2).stdout


def test_grub_uefi(tmp_path, keep_log):
    assert b"from=grub" in boot_iso(tmp_path, keep_log, smp=2, uefi=True).stdout


def test_init_option(keep_log):
    """init= names the first program."""
    with tempfile.TemporaryDirectory() as d:
        machine = qemu.runner_machine(d, ["true"])
        machine.cmdline = machine.cmdline.replace("init=/sbin/runner", "init=/sbin/nowhere")
        result = qemu.Guest(machine, log=keep_log).run()
    assert result.failure == "panic" and "/sbin/nowhere" in result.console


def test_reboot_ends_qemu(keep_log):
    """With -no-reboot a restart ends QEMU as well: reboot(2) does each of its jobs."""
    r = None
    with tempfile.TemporaryDirectory() as d:
        r = qemu.Guest(qemu.runner_machine(d, ["sh", "-c", "reboot -f"]), log=keep_log).run()
    assert r.failure == "ended" and not r.detail


def test_idle_guest_uses_no_cpu(keep_log):
    """An idle guest halts: QEMU's own CPU time grows by next to nothing while it sleeps."""
    with tempfile.TemporaryDirectory() as d:
        machine = qemu.runner_machine(d, ["sleep", "4"], smp=2, debug=False)
        with qemu.Guest(machine, log=keep_log) as g:
            g.wait_ready()
            time.sleep(1)
            before = cpu_seconds(g.process.pid)
            time.sleep(2)
            used = cpu_seconds(g.process.pid) - before
            g.finish()
    assert used < 0.2, f"{used:.2f} s of CPU time in 2 s of idling"


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_time_to_first_instruction():
    """Direct boot to the first user instruction, in guest instructions: half a second is 500 million of them at 1 GHz."""
    r = run_in_guest(["cat", "/proc/uptime"], icount=True, debug=False)
    assert float(r.stdout.split()[0]) < 0.5
