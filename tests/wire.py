"""The other end of the guest's network card: frames in and out, one datagram each, over QEMU's socket netdev."""
import os
import select
import socket
import tempfile
import time

from scapy.all import ARP, ICMP, IP, TCP, UDP, Ether, Raw  # noqa: F401  (re-exported to the tests)
from scapy.config import conf

import qemu

conf.verb = 0
GUEST_IP, PEER_IP = "10.0.2.15", "10.0.2.2"
PEER_MAC, GUEST_MAC = "52:55:0a:00:02:02", "52:54:00:12:34:56"


class Wire:
    """A network of one guest and this script, which is host PEER_IP and answers ARP for it."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="pollux-wire-")
        self.mine, self.theirs = (os.path.join(self.directory, n) for n in ("script", "qemu"))
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.socket.bind(self.mine)
        self.netdev = f"dgram,local.type=unix,local.path={self.theirs},remote.type=unix,remote.path={self.mine}"
        self.seen = []          # every frame the guest sent, for the report of a failure
        self.answer_arp = True

    def close(self):
        self.socket.close()
        for name in (self.mine, self.theirs):
            if os.path.exists(name):
                os.unlink(name)
        os.rmdir(self.directory)

    def send(self, packet, wait=True):
        """A scapy packet; an IP one is put into an Ethernet frame to the guest. Bytes go as they are. True: QEMU has it."""
        if isinstance(packet, IP):
            packet = Ether(src=PEER_MAC, dst=GUEST_MAC) / packet
        frame = bytes(packet)
        deadline = time.monotonic() + 5 * qemu.time_scale()
        while True:
            try:
                self.socket.sendto(frame, socket.MSG_DONTWAIT, self.theirs)
                return True
            except BlockingIOError:     # the card's ring is full, or not set up yet
                if not wait or time.monotonic() > deadline:
                    return False
                time.sleep(0.001)
            except (FileNotFoundError, ConnectionRefusedError):
                return False

    def receive(self, seconds):
        """The next frame that is not ours to answer, or None."""
        deadline = time.monotonic() + seconds * qemu.time_scale()
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                return None
            frame = Ether(self.socket.recv(65536))
            self.seen.append(frame)
            if ARP in frame and frame[ARP].op == 1 and frame[ARP].pdst == PEER_IP and self.answer_arp:
                self.send(Ether(src=PEER_MAC, dst=frame.src) /
                          ARP(op=2, hwsrc=PEER_MAC, psrc=PEER_IP, hwdst=frame.src, pdst=frame[ARP].psrc))
                continue
            return frame

    def expect(self, what, matches, seconds=5):
        """The first frame for which matches(frame); others are passed over."""
        deadline = time.monotonic() + seconds * qemu.time_scale()
        while time.monotonic() < deadline:
            frame = self.receive(deadline - time.monotonic())
            if frame is not None and matches(frame):
                return frame
        raise AssertionError(f"no {what} came; last frames:\n" + "\n".join(f.summary() for f in self.seen[-12:]))

    def expect_nothing(self, what, matches, seconds=1):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            frame = self.receive(deadline - time.monotonic())
            assert frame is None or not matches(frame), f"unwanted {what}: {frame.summary()}"


class Connection:
    """One TCP connection played by hand. Sequence numbers start just below the wrap, where bugs live."""

    def __init__(self, wire, port, sport=40000, isn=0xfffffff0):
        self.wire, self.port, self.sport = wire, port, sport
        self.seq, self.ack = isn, 0

    def segment(self, flags, payload=b"", seq=None, ack=None, window=65535, options=(), **fields):
        ip = IP(src=PEER_IP, dst=GUEST_IP)
        tcp = TCP(sport=self.sport, dport=self.port, flags=flags, seq=(self.seq if seq is None else seq) & 0xffffffff,
                  ack=(self.ack if ack is None else ack) & 0xffffffff, window=window, options=list(options), **fields)
        return ip / tcp / Raw(payload) if payload else ip / tcp

    def send(self, flags, payload=b"", **kw):
        self.wire.send(self.segment(flags, payload, **kw))

    def is_ours(self, frame):
        return TCP in frame and frame[TCP].sport == self.port and frame[TCP].dport == self.sport

    def expect(self, what, condition=lambda tcp: True, seconds=5):
        return self.wire.expect(what, lambda f: self.is_ours(f) and condition(f[TCP]), seconds)[TCP]

    def expect_nothing(self, what, condition=lambda tcp: True, seconds=1):
        self.wire.expect_nothing(what, lambda f: self.is_ours(f) and condition(f[TCP]), seconds)

    def open(self, options=(("MSS", 1460),), window=65535, delay=0):
        self.send("S", options=options, window=window)
        syn_ack = self.expect("SYN-ACK", lambda t: t.flags == "SA")
        assert syn_ack.ack == (self.seq + 1) & 0xffffffff
        self.seq = (self.seq + 1) & 0xffffffff
        self.ack = (syn_ack.seq + 1) & 0xffffffff
        time.sleep(delay)
        self.send("A", window=window)
        return syn_ack

    def expect_data(self, length, seconds=5):
        """In-order payload of the guest, acknowledged as it comes."""
        got = b""
        while len(got) < length:
            t = self.expect("data", lambda t: len(payload_of(t)) > 0, seconds)
            if t.seq == self.ack:
                got += payload_of(t)
                self.ack = (self.ack + len(payload_of(t))) & 0xffffffff
            self.send("A")
        return got

    def put(self, payload, flags="PA"):
        self.send(flags, payload)
        self.seq = (self.seq + len(payload)) & 0xffffffff


def wait_for_listener(wire, port):
    for attempt in range(100):
        c = Connection(wire, port, sport=30000 + attempt)
        c.send("S")
        if c.expect("answer").flags == "SA":
            c.send("R", seq=c.seq + 1)
            return
        time.sleep(0.05)
    raise AssertionError(f"nobody listens on {port}")


def payload_of(tcp):
    """The bytes after the header: not Ethernet's padding."""
    ip = tcp.underlayer
    return bytes(tcp.payload)[:ip.len - ip.ihl * 4 - tcp.dataofs * 4]
