"""Plays scripts of segments and system calls against a guest, many at a time.

A script is a name at the left margin with the indented lines below it, played in order (docs/testing.md has an example):

    [+T] < SEGMENT          the peer (this script) sends it. What is left out: the next sequence number, an ACK of all that
                            has come, the last window, the current timestamps.
    [+T[~U]] > SEGMENT      the guest's next segment is this one, and came at once; with +T, T seconds (and less than U) after
                            the last segment or call that could cause one (+0: soon). What
                            is left out is not compared, but there must be no data and no SACK then.
    << A:B [mss N]          a train of segments;   >> A:B [mss N]    the guest sends just those bytes, at most N a segment
    >? SEGMENT              may come, or not
    < icmp TYPE/CODE [mtu N] [seq N]     an ICMP error about the guest's last segment
    [+T] [NAME.]CALL WORDS [= RESULT]    a system call; RESULT is a number, range, "text", errno or event names
    CALL ... &              does not return yet;   done [= RESULT]   it does now
    nothing [T]             no further segment has come, or comes within T seconds
    sink A:B                takes and acknowledges all of these bytes, however they are cut
    forget                  whatever has come until now was allowed to
    open / active [rtt T] [win N] [<OPTIONS>]    a connection made by the peer, or by the guest, with so long a round trip (for
                            time-outs of 0.2 s: rtt 0); shake: the handshake of open alone
    linux: / pollux:        before a line: only there, with the reason in a comment
    sysctl NAME VALUE, alone, differs REASON      set for this script; no other beside it; not for Linux

A letter before < or > (b< b>) plays a further connection of the same peer, from the next port.
"""
import asyncio
import collections
import errno
import itertools
import pathlib
import re
import socket
import struct
import time

import calls
import qemu
import segment as seg
from wire import GUEST_IP, GUEST_MAC, PEER_MAC

CONTROL_IP, CONTROL_PORT, FIRST_WORKER_PORT = "10.0.2.2", 4000, 5000
FIRST_GUEST_PORT, FIRST_PEER_PORT, PEER_ISN = 10000, 30000, 0xfffffd00     # just below the wrap, where bugs live
SO_TIMESTAMPNS = 35
ROUND_TRIP = 0.3        # s, of a handshake: makes the first time-outs long enough for a host that is busy


class Mismatch(AssertionError):
    """The guest did something else."""


class Script:
    def __init__(self, name, where):
        self.name, self.where = name, where
        self.lines, self.sysctls, self.alone, self.differs = [], (), False, None

    def add(self, line, linux):
        for system, here in (("linux:", linux), ("pollux:", not linux)):
            if line.startswith(system):
                if not here:
                    return
                line = line[len(system):].strip()
        word, _, rest = line.partition(" ")
        if word == "sysctl":
            self.sysctls += (tuple(rest.split(None, 1)),)
        elif word == "alone":
            self.alone = True
        elif word == "differs":
            self.differs = rest
        else:
            self.lines.append(line)

    def group(self):
        """Scripts of one group may run at the same time."""
        return self.name if self.alone else self.sysctls


def load(directory, linux):
    scripts = {}
    for path in sorted(pathlib.Path(directory).glob("*.script")):
        script = None
        for n, line in enumerate(path.read_text().splitlines(), 1):
            text = line.split("#")[0].rstrip()
            if not text:
                continue
            if not text[0].isspace():
                script = Script(f"{path.stem}/{text}", f"{path.name}:{n}")
                assert script.name not in scripts, f"{script.where}: {text} again"
                scripts[script.name] = script
            else:
                script.add(text.strip(), linux)
    return scripts


class Hub:
    """The guest's wire for all scripts: frames to the script whose peer they are for, answers to the call that waits."""

    def __init__(self, wire):
        self.wire, self.peers, self.answers = wire, {}, {}
        self.reset_strays = True        # answer segments of scripts that have ended
        self.serial = itertools.count(1)
        wire.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        wire.socket.setblocking(False)
        self.guest = socket.inet_aton(GUEST_IP)
        self.head = bytes.fromhex((GUEST_MAC + PEER_MAC).replace(":", "")) + b"\x08\x00"
        self.order = asyncio.Lock()

    async def send(self, ip):
        await self.send_frame(self.head + ip)

    async def send_frame(self, frame):
        async with self.order:
            deadline = time.time() + 20 * qemu.time_scale()
            while True:
                try:
                    return self.wire.socket.sendto(frame, self.wire.theirs)
                except BlockingIOError:     # the card's ring is full
                    if time.time() > deadline:
                        raise
                    await asyncio.sleep(0.002)

    def readable(self):
        for _ in range(64):
            try:
                frame, ancillary, _, _ = self.wire.socket.recvmsg(65536, 256)
            except BlockingIOError:
                return
            when = time.time()
            for _, kind, data in ancillary:
                if kind == SO_TIMESTAMPNS:
                    s, ns = struct.unpack("qq", data[:16])
                    when = s + ns / 1e9
            self.take(frame, when)

    def take(self, frame, when):
        kind, body = frame[12:14], frame[14:]
        if kind == b"\x08\x06":
            if body[6:8] == b"\0\1" and body[24:28] != self.guest:
                self.answer_arp(body)
        elif kind == b"\x08\x00" and body[9] == 17:
            words = body[28:].rstrip(b"\0").decode(errors="replace").split(" ")
            future = self.answers.pop(words[0], None)
            if future and not future.done():
                future.set_result((int(words[1]), int(words[2]), bytes.fromhex(words[3]) if len(words) > 3 else b""))
        elif kind == b"\x08\x00" and body[9] == 6:
            player = self.peers.get(body[16:20])
            if player:
                player.take(body, when)
            elif self.reset_strays:
                self.reset(body)

    def answer_arp(self, body):
        mac = bytes.fromhex(PEER_MAC.replace(":", ""))
        reply = body[8:14] + mac + b"\x08\x06" + body[:6] + b"\0\2" + mac + body[24:28] + body[8:18]
        try:
            self.wire.socket.sendto(reply, self.wire.theirs)
        except BlockingIOError:
            pass        # it will be asked again

    def reset(self, body):
        """What is left of a script that has ended would be sent again for minutes."""
        s, _ = seg.decode(body, 0, 0)
        if "R" not in s.flags and s.ack is not None:
            r = seg.Segment("R", s.ack, 0, win=(0, 0), data=b"")
            sport, dport = struct.unpack("!HH", body[20:24])
            asyncio.ensure_future(self.send(seg.encode(r, body[16:20], body[12:16], dport, sport, 0, 0)))

    async def introduce(self, ip):
        """The guest learns the address of @ip from a question of it: the first segment need not wait for that."""
        mac = bytes.fromhex(PEER_MAC.replace(":", ""))
        body = bytes.fromhex("0001080006040001") + mac + ip + bytes(6) + self.guest
        await self.send_frame(b"\xff" * 6 + mac + b"\x08\x06" + body)

    async def call(self, worker, text):
        """Ask @worker for a system call. Returns a future of (result, errno, bytes)."""
        serial = str(next(self.serial))
        future = self.answers[serial] = asyncio.get_running_loop().create_future()
        payload = f"{serial} {text}".encode()
        udp = struct.pack("!HHHH", CONTROL_PORT, FIRST_WORKER_PORT + worker, 8 + len(payload), 0) + payload
        await self.send(seg.ip_packet(socket.inet_aton(CONTROL_IP), self.guest, 17, udp))
        return future

    async def answer(self, worker, text, seconds=10):
        future = await self.call(worker, text)
        return await asyncio.wait_for(future, seconds * qemu.time_scale())


class Peer:
    """One connection, the peer's side of it."""

    def __init__(self, peer_port):
        self.peer_port, self.guest_port = peer_port, None
        self.guest_isn = None
        self.nxt, self.acked, self.window = 0, 0, 65535
        self.timestamps, self.tsval, self.echo = False, None, 0    # tsval: what the script said last
        self.queue = collections.deque()
        self.last = None                # the guest's last segment
        self.last_tsval = None


class Player:
    """Plays one script."""

    def __init__(self, hub, script, number, worker):
        self.hub, self.script, self.worker = hub, script, worker
        self.ip = socket.inet_aton(f"10.0.{10 + number // 250}.{1 + number % 250}")
        self.ip_text = socket.inet_ntoa(self.ip)
        self.guest_port = FIRST_GUEST_PORT + number % 20000
        self.peers = {}
        self.slots, self.pending = {}, None
        self.arrived = asyncio.Event()
        self.columns = []               # (what was to be, what was)
        self.event = time.time()        # when the last thing happened
        self.epoch = time.time()
        self.stuck = False

    # --- the wire

    def peer(self, name):
        if name not in self.peers:
            self.peers[name] = Peer(FIRST_PEER_PORT + len(self.peers))
        return self.peers[name]

    def take(self, ip, when):
        sport, dport = struct.unpack("!HH", ip[20:24])
        for p in self.peers.values():
            if p.peer_port == dport and p.guest_port in (None, sport):
                p.guest_port = sport
                break
        else:
            return
        s, raw = seg.decode(ip, PEER_ISN, p.guest_isn)
        if "S" in s.flags:
            p.guest_isn, s.seq = raw, 0
        s.time = when
        if "ts" in s.options:
            p.echo = s.options["ts"][0]
        p.acked = max(p.acked, s.end) if "R" not in s.flags else p.acked
        p.queue.append(s)
        p.last = s
        self.arrived.set()

    def clock(self):
        return int((time.time() - self.epoch) * 1000) + 1000

    async def transmit(self, p, s):
        s.seq = p.nxt if s.seq is None else s.seq
        s.length = s.length or 0
        s.data = seg.pattern(s.seq - 1, s.length) if s.data is None else s.data
        if s.ack is None and "." in s.flags:
            s.ack = p.acked
        if s.win is None:
            s.win = (p.window, p.window)
        p.window = s.win[0]
        if s.options is None:
            s.options = {}
        if "ts" in s.options:
            val, ecr = s.options["ts"] if s.options["ts"] is not True else (None, None)
            p.tsval = p.tsval if val is None else val
            s.options["ts"] = (self.clock() if p.tsval is None else p.tsval, p.echo if ecr is None else ecr)
            p.timestamps = p.timestamps or "S" in s.flags
        elif s.options.pop("nots", None) is None and p.timestamps:
            s.options["ts"] = (self.clock() if p.tsval is None else p.tsval, p.echo)
        p.nxt = max(p.nxt, s.end) if "R" not in s.flags else p.nxt
        self.event = time.time()
        await self.hub.send(seg.encode(s, self.ip, self.hub.guest, p.peer_port, p.guest_port or self.guest_port, PEER_ISN,
                                       p.guest_isn or 0))

    async def next_segment(self, p, seconds=None):
        """The guest's next segment, or None: with no time given, if it has not been sent by now."""
        if not p.queue:
            barrier = await self.hub.call(0, "ping") if seconds is None else None
            deadline = time.time() + (seconds if seconds is not None else 10) * qemu.time_scale()
            while not p.queue and not (barrier and barrier.done()) and time.time() < deadline:
                self.arrived.clear()
                waits = [asyncio.ensure_future(self.arrived.wait())] + ([barrier] if barrier else [])
                await asyncio.wait(waits, timeout=deadline - time.time(), return_when=asyncio.FIRST_COMPLETED)
                waits[0].cancel()
        return p.queue.popleft() if p.queue else None

    # --- comparing

    @staticmethod
    def difference(want, got, p):
        """Why @got is not what @want says, or None."""
        if set(want.flags) - {"P"} != set(got.flags) - {"P"} or ("P" in want.flags and "P" not in got.flags):
            return "flags"
        if (want.seq if want.seq is not None else got.seq) != got.seq or (want.length or 0) != got.length:
            return "sequence numbers"
        if want.ack is not None and want.ack != got.ack:
            return "ack"
        if want.win is not None and not want.win[0] <= got.win[0] <= want.win[1]:
            return "window"
        if want.urg != got.urg:
            return "urgent pointer"
        if want.options is None:
            if "sack" in got.options:
                return "a SACK option"
        elif set(want.options) != set(got.options) or any(v not in (None, got.options[k]) for k, v in want.options.items() if k != "ts"):
            return "options"
        elif "ts" in want.options:
            for w, g in zip(want.options["ts"] if want.options["ts"] is not True else (), got.options["ts"]):
                if w is not None and w != g:
                    return "timestamps"
        if got.length and got.data != (seg.pattern(got.seq - 1, got.length) if want.data is None else want.data):
            return "the bytes sent"
        return None

    def gap(self, p, got):
        """Seconds from the last event to @got; by the guest's clock if both are its segments with timestamps."""
        tsval = got.options.get("ts", (None,))[0]
        by_guest = p.last_tsval is not None and tsval is not None and self.event == p.last_time
        seconds = ((tsval - p.last_tsval) & 0xffffffff) / 1000 if by_guest else got.time - self.event
        p.last_tsval, p.last_time, self.event = tsval, got.time, got.time
        return seconds, by_guest

    async def expect(self, p, text, when):
        want = seg.parse(text)
        # A task that sleeps in a call must be scheduled first: it may answer later than the one that is asked.
        got = await self.next_segment(p, when[1] if when else 5 if self.pending else None)
        self.columns.append((("" if when is None else f"+{when[0]:g} ") + "> " + text, f"> {got}" if got else "nothing" + (
            " at once" if when is None else "")))
        if got is None:
            raise Mismatch("no such segment")
        why = self.difference(want, got, p)
        seconds, by_guest = self.gap(p, got)
        if why:
            raise Mismatch(why)
        if when is None:
            return
        self.columns[-1] = (self.columns[-1][0], f"+{seconds:.3f} > {got}")
        # A tick of either clock, and what the host may have added to the moment before.
        if when[0] and seconds < when[0] - (0.005 if by_guest else 0.012):
            raise Mismatch("too early")
        if seconds > when[1] * qemu.time_scale():
            raise Mismatch("too late")

    async def expect_train(self, p, text):
        m = re.match(r"(\d+):(\d+)(?: mss (\d+))?$", text)
        at, end, mss = int(m[1]), int(m[2]), int(m[3] or 1460)
        first = None
        while at < end:
            got = await self.next_segment(p)
            self.columns.append((f">> {text}", f"> {got}" if got else "nothing"))
            if got is None or got.seq != at or not 0 < got.length <= mss or got.seq + got.length > end:
                raise Mismatch("not the next part")
            if got.data != seg.pattern(got.seq - 1, got.length):
                raise Mismatch("the bytes sent")
            first = first or got
            at += got.length
        self.gap(p, first)      # the retransmission timer runs from the first of them

    async def expect_nothing(self, seconds=0.0):
        for p in self.peers.values():
            got = await self.next_segment(p, seconds or None)
            if got:
                self.columns.append((f"nothing {seconds or ''}", f"> {got}"))
                raise Mismatch("an unexpected segment")

    # --- lines

    TIMED = re.compile(r"\+(?P<least>[\d.]+)(?:~(?P<most>[\d.]+))?\s+(?P<rest>.*)$")
    WIRE = re.compile(r"(?P<peer>[a-z]?)(?P<what><<|>>|>\?|<|>)\s+(?P<rest>.*)$")

    async def line(self, text):
        when = None
        m = self.TIMED.match(text)
        if m:
            least = float(m["least"])
            when, text = (least, float(m["most"] or 1.5 * least + 0.4)), m["rest"]
        m = self.WIRE.match(text)
        if when and not (m and m["what"] == ">"):
            self.columns.append((f"+{when[0]:g}", ""))
            self.event += when[0]
            await asyncio.sleep(max(0, self.event - time.time()))
        if m:
            await self.wire_line(self.peer(m["peer"]), m["what"], m["rest"], when)
        else:
            await self.call_line(text)

    async def wire_line(self, p, what, rest, when):
        if what == ">":
            return await self.expect(p, rest, when)
        if what == ">>":
            return await self.expect_train(p, rest)
        if what == ">?":
            got = await self.next_segment(p)
            self.columns.append((f">? {rest}", f"> {got}" if got else "nothing"))
            if got and self.difference(seg.parse(rest), got, p):
                p.queue.appendleft(got)
            return None
        self.columns.append((f"{what} {rest}", ""))
        if what == "<<":
            return await self.transmit_train(p, rest)
        if rest.startswith("icmp"):
            return await self.transmit_icmp(p, rest.split())
        return await self.transmit(p, seg.parse(rest))

    async def transmit_train(self, p, text):
        m = re.match(r"(\d+):(\d+)(?: mss (\d+))?$", text)
        at, end, mss = int(m[1]), int(m[2]), int(m[3] or 1460)
        while at < end:
            n = min(mss, end - at)
            await self.transmit(p, seg.Segment(".", at, n))
            at += n

    async def transmit_icmp(self, p, words):
        kind, code = (int(x) for x in words[1].split("/"))
        more = dict(zip(words[2::2], words[3::2]))
        about = int(more.get("seq", p.last.seq if p.last else 0)) + (p.guest_isn or 0) & 0xffffffff
        quoted = seg.ip_packet(self.hub.guest, self.ip, 6, struct.pack("!HHI", p.guest_port or self.guest_port, p.peer_port, about))
        body = struct.pack("!BBHHH", kind, code, 0, 0, int(more.get("mtu", 0))) + quoted
        body = body[:2] + struct.pack("!H", seg.checksum(body)) + body[4:]
        self.event = time.time()
        await self.hub.send(seg.ip_packet(self.ip, self.hub.guest, 1, body))

    async def call_line(self, text):
        word, _, rest = text.partition(" ")
        macro = getattr(self, f"macro_{word}", None)
        if macro:
            return await macro(rest)
        background = text.endswith("&")
        left, _, wanted = text.rstrip("& ").partition(" = ")
        # what the kernel did for the last segment comes before what it does for the call
        command, check = calls.compile_call(self, left.split(), wanted.strip())
        self.columns.append((text, ""))
        if command.split()[0] in calls.CAUSES:
            self.event = time.time()
        self.pending = await self.hub.call(self.worker, command), check, text
        if background:
            await asyncio.sleep(0.1 * qemu.time_scale())    # until it waits in the kernel
            return None
        return await self.macro_done("")

    async def macro_done(self, rest):
        """The call that was begun returns."""
        future, check, text = self.pending
        try:
            answer = await asyncio.wait_for(asyncio.shield(future), 10 * qemu.time_scale())
        except asyncio.TimeoutError:
            self.stuck = True
            self.columns[-1] = (self.columns[-1][0], "does not return")
            raise Mismatch("the call does not return") from None
        self.pending = None
        result, error, _ = answer
        shown = errno.errorcode.get(error, str(error)) if result < 0 else str(result)
        if rest:
            check = calls.compile_call(self, text.rstrip("& ").partition(" = ")[0].split(), rest.lstrip("= "))[1]
            self.columns.append((f"done {rest}", shown))
        else:
            self.columns[-1] = (self.columns[-1][0], shown)
        wrong = check(answer)
        if wrong:
            self.columns[-1] = (self.columns[-1][0], wrong if isinstance(wrong, str) else shown)
            raise Mismatch("the result of the call")

    async def macro_pending(self, _):
        """The call that was begun has not returned."""
        await self.hub.answer(0, "ping")
        if self.pending[0].done():
            raise Mismatch(f"the call has returned: {self.pending[0].result()[:2]}")

    async def macro_nothing(self, rest):
        await self.expect_nothing(float(rest or 0))

    async def macro_forget(self, _):
        await self.hub.answer(0, "ping")
        for p in self.peers.values():
            p.queue.clear()

    async def macro_one_of(self, rest):
        """Exactly one of the sockets @rest is readable."""
        ready = [(await self.hub.answer(self.worker, f"poll {self.slot(name)} 1 0"))[0] for name in rest.split()]
        self.columns.append((f"one_of {rest}", str(ready)))
        if sorted(ready) != [0] * (len(ready) - 1) + [1]:
            raise Mismatch("not exactly one is readable")

    async def macro_sink(self, rest):
        """Take all bytes A:B, however they are cut and however often they come, and acknowledge each segment."""
        p = self.peer("")
        at, end = (int(x) for x in rest.split(":"))
        p.acked = at
        while at < end:
            got = await self.next_segment(p, 10)
            self.columns.append((f"sink {rest}", f"> {got}" if got else "nothing"))
            if not got:
                raise Mismatch(f"the bytes end at {at}")
            if got.length and got.data != seg.pattern(got.seq - 1, got.length):
                raise Mismatch("the bytes sent")
            if got.seq <= at:
                at = max(at, got.seq + got.length)
            await self.transmit(p, seg.Segment(".", ack=at))

    async def macro_listen(self, rest):
        self.peer("")
        for line in ("l.socket", "l.set SO_REUSEADDR 1", "l.bind", f"l.listen {rest or 5}"):
            await self.line(line)

    @staticmethod
    def arguments(rest):
        m = re.match(r"(?:rtt ([\d.]+))?\s*(?:win (\d+))?\s*(?:<(.*)>)?$", rest)
        return m[1] or ROUND_TRIP, m[2] or 65535, "mss 1460" if m[3] is None else m[3]

    async def macro_shake(self, rest):
        rtt, window, options = self.arguments(rest)
        for line in (f"< S 0 win {window} <{options}>", "> S. 0 ack 1", f"+{rtt} < . 1 ack 1 win {window}"):
            await self.line(line)

    async def macro_open(self, rest):
        await self.macro_listen("")
        await self.macro_shake(rest)
        await self.line("accept")

    async def macro_active(self, rest):
        rtt, window, options = self.arguments(rest)
        if "c" not in self.slots:
            await self.line("socket")
        for line in ("nonblock 1", "connect = EINPROGRESS", "> S 0", f"+{rtt} < S. 0 ack 1 win {window} <{options}>", "> . 1 ack 1",
                     "nonblock 0"):
            await self.line(line)

    def slot(self, name):
        return self.slots.setdefault(name, len(self.slots))

    async def play(self):
        """Return None, or the report of what went wrong."""
        self.hub.peers[self.ip] = self
        await self.hub.introduce(self.ip)
        try:
            for text in self.script.lines:
                await self.line(text)
            if self.script.lines[-1] != "forget":
                await self.expect_nothing()
            return None
        except (Mismatch, asyncio.TimeoutError, ValueError, KeyError) as e:
            return self.report(f"{type(e).__name__}: {e}" if not isinstance(e, Mismatch) else str(e))
        finally:
            del self.hub.peers[self.ip]
            await self.clean_up()

    async def clean_up(self):
        if self.pending and not self.pending[0].done():
            self.stuck = True
        if not self.stuck:
            try:
                await self.hub.answer(self.worker, "reset")
            except asyncio.TimeoutError:
                self.stuck = True

    def report(self, why):
        width = max([len(left) for left, _ in self.columns] + [20]) + 2
        rows = [f"  {left:<{width}}{right}" for left, right in self.columns]
        if rows:
            rows[-1] = "!" + rows[-1][1:]
        left_over = [f"  {'':<{width}}> {s}" for p in self.peers.values() for s in p.queue]
        return "\n".join([f"{self.script.where} {self.script.name}: {why}", f"  {'script':<{width}}guest", *rows, *left_over])


async def wait_for_guest(hub):
    """Until the agent answers."""
    for _ in range(300):
        try:
            return await asyncio.wait_for(await hub.call(0, "ping"), 0.2)
        except asyncio.TimeoutError:
            pass
    raise AssertionError("the agent does not answer")


async def set_sysctls(hub, sysctls):
    """Returns what must be written to have it as before."""
    before = []
    for name, value in sysctls:
        path = "/proc/sys/net/" + name
        n, _, old = await hub.answer(0, f"read {path}")
        assert n > 0, f"no {path}"
        before.append((name, old.decode().strip()))
        n, error, _ = await hub.answer(0, f"write {path} {value.encode().hex()}")
        assert n > 0, f"{path}: {errno.errorcode.get(error)}"
    return before


async def play_group(hub, scripts, numbers, workers, results):
    """All of @scripts, as many at a time as there are @workers (a list; one that hangs is taken off)."""
    free = asyncio.Queue()
    for w in workers:
        free.put_nowait(w)

    async def one(script):
        worker = await free.get()
        player = Player(hub, script, next(numbers), worker)
        begin = time.time()
        try:
            report = await asyncio.wait_for(player.play(), 150 * qemu.time_scale())
        except asyncio.TimeoutError:
            player.stuck, report = True, player.report("it takes too long")
        results[script.name] = (report, time.time() - begin)
        if player.stuck:
            workers.remove(worker)
        else:
            free.put_nowait(worker)

    await asyncio.gather(*(one(s) for s in scripts))


async def play_all(wire, scripts, nr_workers):
    """{name: (report or None, seconds)}"""
    hub = Hub(wire)
    asyncio.get_running_loop().add_reader(wire.socket, hub.readable)
    await wait_for_guest(hub)
    results, numbers = {}, itertools.count()
    workers = list(range(1, nr_workers))
    groups = collections.defaultdict(list)
    for s in scripts:
        groups[s.group()].append(s)
    for group in sorted(groups, key=lambda g: (isinstance(g, str), str(g))):
        members = groups[group]
        before = await set_sysctls(hub, members[0].sysctls)
        await play_group(hub, members, numbers, workers, results)
        await set_sysctls(hub, before)
    return results


