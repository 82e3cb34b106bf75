"""How QEMU is started for Pollux: one place for every tool and test.

A Machine is a description; argv() turns it into a command line, Guest runs one and reads the runner's reports
(user/runner.c). Nothing here waits for a fixed time: limits are scaled by time_scale(), a measure of this machine.
"""
import ctypes
import dataclasses
import functools
import os
import pathlib
import re
import selectors
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import mkinitramfs

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
RUNNER_MAGIC = b"\nPOLLUX-RUNNER\n"    # records follow it (user/runner.c)
PANIC_EXIT = 101 << 1 | 1       # isa-debug-exit of PANIC_EXIT_CODE (kernel/bug.h)

# Exit statuses of tools/guest that are not the command's own.
EXIT_PANIC, EXIT_NO_STATUS, EXIT_TIMEOUT, EXIT_TOOL = 121, 122, 124, 125


def kvm_works():
    """A /dev/kvm on a host whose CPU shows neither vmx nor svm cannot run us."""
    try:
        flags = re.search(r"^flags\s*:(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
        if not flags or not {"vmx", "svm"} & set(flags.group(1).split()):
            return False
        os.close(os.open("/dev/kvm", os.O_RDWR))
        return True
    except OSError:
        return False


@functools.lru_cache
def time_scale():
    """How many times slower than the reference machine this one is just now; never below 1."""
    best = 1e9
    for _ in range(3):
        begin = time.perf_counter()
        n = 0
        for i in range(400_000):
            n += i & 7
        best = min(best, time.perf_counter() - begin)
    return max(1.0, best / 0.035) * (1 + max(0.0, os.getloadavg()[0] - 1) / os.cpu_count())


@dataclasses.dataclass
class Machine:
    kernel: pathlib.Path = BUILD / "pollux.elf"
    initrd: pathlib.Path = None
    cmdline: str = ""
    smp: int = 1
    mem: str = "128"
    cpu: str = "max"
    machine: str = "q35"
    accel: str = None           # None: $ACCEL, else tcg
    icount: bool = False        # guest time from instructions: repeatable, one CPU
    forwards: tuple = ()        # (host port, guest port) on 127.0.0.1
    netdev: str = "user"        # "user", "none", or the text of a -netdev option without its id
    net_options: str = ""       # more properties of the virtio-net device
    iso: pathlib.Path = None
    uefi: bool = False
    extra: tuple = ()

    def argv(self):
        accel = self.accel or os.environ.get("ACCEL") or "tcg"
        if accel == "tcg" and (self.smp == 1 or self.icount):
            accel = "tcg,thread=single"
        a = [os.environ.get("QEMU", "qemu-system-x86_64"), "-nodefaults", "-no-user-config", "-no-reboot",
             "-machine", self.machine, "-accel", accel, "-cpu", self.cpu, "-smp", str(self.smp), "-m", str(self.mem),
             "-display", "none", "-vga", "none",
             "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]
        if self.icount:
            a += ["-icount", "shift=0,sleep=off", "-rtc", "clock=vm", "-seed", "1"]
        if self.uefi:
            a += ["-bios", uefi_firmware()]
        if self.iso:
            a += ["-cdrom", str(self.iso)]
        else:
            a += ["-kernel", str(self.kernel), "-append", self.cmdline]
            if self.initrd:
                a += ["-initrd", str(self.initrd)]
        if self.netdev == "user":
            forwards = "".join(f",hostfwd=tcp:127.0.0.1:{h}-:{g}" for h, g in self.forwards)
            a += ["-netdev", "user,id=n0" + forwards]
        elif self.netdev != "none":
            kind, _, rest = self.netdev.partition(",")
            a += ["-netdev", f"{kind},id=n0,{rest}"]
        if self.netdev != "none":
            a += ["-device", "virtio-net-pci,netdev=n0,romfile=" + (f",{self.net_options}" if self.net_options else "")]
        a += ["-device", "virtio-rng-pci"]
        return a + list(self.extra)


def uefi_firmware():
    for path in ("/usr/share/ovmf/OVMF.fd", "/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/qemu/OVMF.fd"):
        if os.path.exists(path):
            return path
    raise SystemExit("no UEFI firmware found: install the package ovmf")


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


@dataclasses.dataclass
class Result:
    status: int = None          # the command's wait status as a shell shows it; None: none arrived
    failure: str = None         # why there is none: "panic", "timeout", "qemu", "ended", "setup"
    detail: str = ""
    stdout: bytes = b""
    stderr: bytes = b""
    console: str = ""
    seconds: float = 0.0


class Guest:
    """One run of a machine whose pid 1 is the runner. Use as a context manager, or call run()."""

    def __init__(self, machine, timeout=60.0, echo=False, log=None):
        self.machine, self.echo = machine, echo
        self.limit = timeout * time_scale()
        self.log = log
        self.result = Result()
        self.buffer = b""
        self.ready = self.synced = False

    def start(self):
        self.dir = tempfile.mkdtemp(prefix="pollux-")
        path = os.path.join(self.dir, "report")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)
        self.console_path = self.log or os.path.join(self.dir, "console.log")
        argv = self.machine.argv() + [
            "-chardev", f"file,id=con,path={self.console_path}", "-serial", "chardev:con",
            "-chardev", f"socket,id=rep,path={path}", "-serial", "chardev:rep"]
        self.begin = time.monotonic()
        try:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                            stderr=subprocess.PIPE, preexec_fn=die_with_parent)
        except FileNotFoundError:
            raise SystemExit(f"{argv[0]} is not installed: run make setup, or install qemu-system-x86")
        listener.settimeout(20 * time_scale())
        try:
            self.report, _ = listener.accept()
        except TimeoutError:
            self.report = None
        listener.close()
        return self

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        if self.report:
            self.report.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def console(self):
        try:
            return pathlib.Path(self.console_path).read_text(errors="replace")
        except OSError:
            return ""

    def _records(self):
        if not self.synced:
            _, self.synced, rest = self.buffer.partition(RUNNER_MAGIC)
            if not self.synced:
                return
            self.buffer = rest
        while len(self.buffer) >= 5:
            kind, length = chr(self.buffer[0]), struct.unpack("<I", self.buffer[1:5])[0]
            if len(self.buffer) < 5 + length:
                return
            yield kind, self.buffer[5:5 + length]
            self.buffer = self.buffer[5 + length:]

    def _take(self, kind, data):
        r = self.result
        if kind == "R":
            self.ready = True
        elif kind == "o":
            r.stdout += data
            if self.echo:
                sys.stdout.buffer.write(data)
                sys.stdout.buffer.flush()
        elif kind == "e":
            r.stderr += data
            if self.echo:
                sys.stderr.buffer.write(data)
                sys.stderr.buffer.flush()
        elif kind == "x":
            wait = struct.unpack("<i", data)[0]
            r.status = 128 + (wait & 0x7f) if wait & 0x7f else wait >> 8 & 0xff
        elif kind == "m":
            r.failure, r.detail = "setup", data.decode(errors="replace")

    def pump(self, until, deadline):
        """Read reports until until() says so, QEMU ends, or the deadline passes. False: the deadline."""
        selector = selectors.DefaultSelector()
        if self.report:
            selector.register(self.report, selectors.EVENT_READ)
        while not until():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if selector.get_map():
                for _ in selector.select(min(left, 0.2)):
                    try:
                        data = self.report.recv(1 << 16)
                    except ConnectionResetError:
                        data = b""
                    if not data:
                        selector.unregister(self.report)
                    self.buffer += data
                    for kind, payload in self._records():
                        self._take(kind, payload)
            elif self.process.poll() is not None:
                return True
            else:
                time.sleep(0.01)
        return True

    def wait_ready(self):
        """Until the runner is about to start the command. Raises if it never is."""
        self.pump(lambda: self.ready, self.begin + self.limit)
        if not self.ready:
            raise RuntimeError("the guest did not come up:\n" + self.console()[-4000:])
        return self

    def finish(self):
        """Wait for the end and say how it was."""
        r = self.result
        in_time = self.pump(lambda: self.process.poll() is not None and not self._more(), self.begin + self.limit)
        if not in_time:
            self.process.kill()
        self.process.wait()
        error = self.process.stderr.read().decode(errors="replace").strip()
        r.seconds = time.monotonic() - self.begin
        r.console = self.console()
        if r.failure:
            r.status = None
        elif not in_time:
            r.failure, r.status = "timeout", None
        elif self.process.returncode == PANIC_EXIT or "PANIC" in r.console:
            r.failure, r.status = "panic", None
        elif self.process.returncode != 0:
            r.failure, r.detail, r.status = "qemu", error or f"exit status {self.process.returncode}", None
        elif r.status is None:
            r.failure = "ended"
        return r

    def _more(self):
        if not self.report:
            return False
        try:
            return bool(self.report.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except (BlockingIOError, ConnectionResetError):
            return False

    def run(self):
        with self:
            return self.finish()


def runner_initrd(command, copies=(), linux=False):
    """The bytes of an initramfs whose runner starts @command; @copies are (file here, path there)."""
    a = mkinitramfs.Archive()
    a.file("etc/runner/argv", b"".join(os.fsencode(w) + b"\0" for w in command))
    if linux:
        modules = (BUILD / "oracle/initramfs-modules").read_text().split()
        for m in modules:
            a.copy("lib/modules/" + os.path.basename(m), ROOT / m)
        a.file("etc/runner/modules", "".join(f"/lib/modules/{os.path.basename(m)}\n" for m in modules).encode())
    for source, dest in copies:
        a.copy(dest, source)
    return (BUILD / "initramfs.cpio").read_bytes() + a.bytes()


def runner_machine(directory, command, copies=(), linux=False, debug=True, append="", **options):
    """A Machine that runs @command; its initramfs is put into @directory, which must outlive it."""
    kernel = BUILD / ("oracle/vmlinuz" if linux else "pollux-debug.elf" if debug else "pollux.elf")
    initrd = pathlib.Path(directory) / "initrd.cpio"
    initrd.write_bytes(runner_initrd(command, copies, linux))
    init = "rdinit=/sbin/runner quiet panic=-1 RUNNER_ADDR=10.0.2.15 " if linux else "init=/sbin/runner "
    return Machine(kernel=kernel, initrd=initrd, cmdline="console=ttyS0 " + init + append, **options)


def free_port():
    """A loopback TCP port that nobody uses now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
