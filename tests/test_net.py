"""tests/net: frames by hand against the guest's stack. Each scenario also passes on Linux (set POLLUX_ORACLE=1)."""
import contextlib
import os
import random
import time

import pytest

import qemu
from support import guest
from wire import (ARP, GUEST_IP, GUEST_MAC, ICMP, IP, PEER_IP, PEER_MAC, TCP, UDP, Connection, Ether, Raw, Wire, payload_of,
                  wait_for_listener)

LINUX = os.environ.get("POLLUX_ORACLE") == "1"


@contextlib.contextmanager
def network(command, keep_log, **options):
    """A guest that runs @command on a wire of its own."""
    wire = Wire()
    try:
        with guest(["sh", "-c", command], netdev=wire.netdev, log=keep_log, linux=LINUX,
                   append="" if LINUX else f"ip={GUEST_IP}/24:{PEER_IP}", **options) as g:
            wire.guest = g
            wait_for_address(wire)
            yield wire
    finally:
        wire.close()


def wait_for_address(wire):
    """Until the guest answers ARP for its address."""
    for _ in range(200):
        wire.send(Ether(src=PEER_MAC, dst="ff:ff:ff:ff:ff:ff") / ARP(op=1, hwsrc=PEER_MAC, psrc=PEER_IP, pdst=GUEST_IP), wait=False)
        frame = wire.receive(0.1)
        if frame is not None and ARP in frame and frame[ARP].op == 2 and frame[ARP].psrc == GUEST_IP:
            return
    raise AssertionError("the guest has no address")


@pytest.fixture
def echo(keep_log):
    with network("echo_epoll 7", keep_log) as wire:
        wait_for_listener(wire, 7)
        yield wire


def test_handshake_and_echo(echo):
    c = Connection(echo, 7)
    syn_ack = c.open()
    assert dict(syn_ack.options)["MSS"] == 1460
    c.put(b"hello")
    assert c.expect_data(5) == b"hello"


def test_close_by_peer(echo):
    c = Connection(echo, 7)
    c.open()
    c.send("FA")
    c.seq += 1
    fin = c.expect("FIN", lambda t: "F" in t.flags)
    assert fin.ack == c.seq & 0xffffffff
    c.ack = fin.seq + 1
    c.send("A")
    c.expect_nothing("retransmitted FIN", lambda t: "F" in t.flags)


def test_closed_port_answers_reset(echo):
    c = Connection(echo, 9999)
    c.send("S")
    rst = c.expect("RST", lambda t: "R" in t.flags)
    assert rst.ack == (c.seq + 1) & 0xffffffff and rst.seq == 0         # RFC 9293 3.5.2, group 1


def test_ack_to_closed_port_takes_its_ack_as_sequence(echo):
    c = Connection(echo, 9999)
    c.send("A", ack=12345)
    rst = c.expect("RST", lambda t: "R" in t.flags)
    assert rst.seq == 12345 and rst.flags == "R"


def test_reset_is_never_answered(echo):
    c = Connection(echo, 9999)
    c.send("R")
    c.expect_nothing("answer to a RST")


def test_out_of_order_is_reassembled(echo):
    c = Connection(echo, 7)
    c.open()
    c.send("PA", b"cd", seq=c.seq + 2)
    dup = c.expect("duplicate ACK", lambda t: t.ack == c.seq)           # asks for what is missing, at once (RFC 5681 4.2)
    assert not payload_of(dup)
    c.send("PA", b"ab")
    c.seq = (c.seq + 4) & 0xffffffff
    assert c.expect_data(4) == b"abcd"


def test_old_data_is_acknowledged_not_delivered(echo):
    c = Connection(echo, 7)
    c.open()
    c.put(b"first")
    assert c.expect_data(5) == b"first"
    c.send("PA", b"first", seq=c.seq - 5)
    assert c.expect("ACK", lambda t: not payload_of(t)).ack == c.seq
    c.put(b"second")
    assert c.expect_data(6) == b"second"


def test_unanswered_data_is_retransmitted_with_backoff(echo):
    c = Connection(echo, 7)
    c.open()
    c.put(b"x")
    times = []
    for _ in range(4):
        c.expect("(re)transmission", lambda t: payload_of(t) == b"x", seconds=10)
        times.append(time.monotonic())
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert gaps[-1] > 1.5 * gaps[-2] > 0


def test_bad_checksum_is_dropped(echo):
    c = Connection(echo, 7)
    c.open()
    c.send("PA", b"lost", chksum=0x1234)
    c.expect_nothing("answer to a bad checksum")
    c.put(b"kept")
    assert c.expect_data(4) == b"kept"


def test_reset_in_window_but_not_exact_is_challenged(echo):
    """RFC 5961 3.2: only a RST at exactly the expected number resets."""
    c = Connection(echo, 7)
    c.open()
    c.send("R", seq=c.seq + 10)
    assert c.expect("challenge ACK", lambda t: t.flags == "A").ack == c.seq
    c.put(b"alive")
    assert c.expect_data(5) == b"alive"
    c.send("R")
    time.sleep(0.1)
    c.send("A")
    c.expect("RST for the connection that is gone", lambda t: "R" in t.flags)


def test_syn_in_established_is_challenged(echo):
    c = Connection(echo, 7)
    c.open()
    c.send("S", seq=c.seq + 100)
    assert c.expect("challenge ACK", lambda t: t.flags == "A").ack == c.seq


def test_ack_of_unsent_data_changes_nothing(echo):
    c = Connection(echo, 7)
    c.open()
    c.send("A", ack=c.ack + 100000)
    c.put(b"alive")
    assert c.expect_data(5) == b"alive"


def test_zero_window_is_probed(echo):
    c = Connection(echo, 7)
    c.open(window=0)
    c.send("PA", b"data", window=0)
    c.seq = (c.seq + 4) & 0xffffffff
    c.expect("ACK", lambda t: t.ack == c.seq)
    c.expect("window probe", lambda t: t.ack == c.seq, seconds=10)
    c.send("A", window=1000)
    assert c.expect_data(4) == b"data"


def test_peer_window_is_respected(echo):
    c = Connection(echo, 7)
    c.open()
    for i in range(4):
        c.send("PA", b"z" * 1000, window=1500)
        c.seq = (c.seq + 1000) & 0xffffffff
    got = 0
    while got < 1000:       # a window's last bytes may wait (silly window avoidance, RFC 9293 3.8.6.2.1)
        t = c.expect("data", lambda t: payload_of(t))
        got = max(got, (t.seq + len(payload_of(t)) - c.ack) & 0xffffffff)
    c.expect_nothing("data beyond the window", lambda t: ((t.seq + len(payload_of(t)) - c.ack) & 0xffffffff) > 1500)


def test_fast_retransmit(echo):
    """
    Three duplicate ACKs bring the lost segment at once, not after the time-out. The handshake is made slow (0.8 s), so that
    the time-out is 2.4 s (RFC 6298 2.2) and the two cannot be taken for each other, however busy this host is.
    """
    c = Connection(echo, 7)
    c.open(delay=0.8)
    start = end = c.ack
    for i in range(8):
        c.put(b"%d" % i * 1000)
    while (end - start) & 0xffffffff < 5000:     # the rest waits for an ACK (Nagle)
        t = c.expect("data", lambda t: payload_of(t))
        end = max(end, t.seq + len(payload_of(t)))
    c.send("A", ack=start)      # follows new data of ours, so it counts as a window update
    for _ in range(3):
        c.send("A", ack=start)
    begin = time.monotonic()
    c.expect("retransmission", lambda t: t.seq == start and payload_of(t))
    assert time.monotonic() - begin < 1.5, "it came by the timer"


def test_icmp_echo(echo):
    echo.send(IP(src=PEER_IP, dst=GUEST_IP) / ICMP(type=8, id=7, seq=9) / Raw(b"ping me" * 20))
    reply = echo.expect("echo reply", lambda f: ICMP in f and f[ICMP].type == 0)
    assert reply[ICMP].id == 7 and reply[ICMP].seq == 9 and bytes(reply[ICMP].payload) == b"ping me" * 20


def test_udp_to_closed_port_is_unreachable(echo):
    echo.send(IP(src=PEER_IP, dst=GUEST_IP) / UDP(sport=5000, dport=9) / Raw(b"anyone?"))
    reply = echo.expect("port unreachable", lambda f: ICMP in f and f[ICMP].type == 3)
    assert reply[ICMP].code == 3 and bytes(reply[ICMP].payload)[:20][12:16] == bytes(IP(src=PEER_IP))[12:16]


def test_fragments_are_reassembled(echo):
    from scapy.all import fragment
    big = IP(src=PEER_IP, dst=GUEST_IP, id=77) / ICMP(type=8, id=1, seq=1) / Raw(bytes(range(256)) * 12)
    parts = fragment(big, fragsize=1000)
    for part in reversed(parts):
        echo.send(part)
    data = b""
    pieces = {}
    while len(data) < 3072 + 8:
        f = echo.expect("fragment of the reply", lambda f: IP in f and f[IP].proto == 1 and f[IP].src == GUEST_IP)
        pieces[f[IP].frag] = bytes(f[IP].payload)[:f[IP].len - f[IP].ihl * 4]
        data = b"".join(pieces[k] for k in sorted(pieces))
    assert data[8:] == bytes(range(256)) * 12


def test_packet_waits_for_address(keep_log):
    """A packet to a neighbour that is not known yet waits until ARP has answered, and is not lost."""
    with network("ping -c 1 10.0.2.77; sleep 5", keep_log) as wire:
        ask = wire.expect("ARP request", lambda f: ARP in f and f[ARP].op == 1 and f[ARP].pdst == "10.0.2.77")
        mac = "52:55:0a:00:02:77"
        wire.send(Ether(src=mac, dst=ask.src) / ARP(op=2, hwsrc=mac, psrc="10.0.2.77", hwdst=ask.src, pdst=GUEST_IP))
        request = wire.expect("the echo request", lambda f: ICMP in f and f[IP].dst == "10.0.2.77")
        assert request.dst == mac and request[ICMP].type == 8


def test_silent_peer_times_out(keep_log):
    """connect() to an address that nobody has fails with EHOSTUNREACH after the ARP retries."""
    with network("nc -w 20 10.0.2.99 80 2>&1; echo done", keep_log) as wire:
        deadline = time.monotonic() + 15 * qemu.time_scale()
        wire.guest.pump(lambda: b"done" in wire.guest.result.stdout, deadline)
        assert b"No route to host" in wire.guest.result.stdout


SEEDS = range(4)


@pytest.mark.parametrize("seed", SEEDS)
def test_garbage_frames(echo, seed):
    """Truncated, random and mutated frames: dropped with a reason, never a crash; the server still answers."""
    rng = random.Random(seed)
    c = Connection(echo, 7)
    c.open()
    templates = [bytes(Ether(src=PEER_MAC, dst=GUEST_MAC) / p) for p in (
        c.segment("S", options=[("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 0)), ("WScale", 7)]), c.segment("PA", b"x" * 100, seq=c.seq + 5000),
        IP(src=PEER_IP, dst=GUEST_IP) / UDP(sport=1, dport=7) / Raw(b"u" * 50), IP(src=PEER_IP, dst=GUEST_IP) / ICMP() / Raw(b"p" * 56),
        IP(src=PEER_IP, dst=GUEST_IP) / ICMP(type=3, code=4) / IP(src=GUEST_IP, dst=PEER_IP) / TCP(sport=7, dport=40000),
        IP(src=PEER_IP, dst=GUEST_IP, flags="MF", frag=3) / Raw(b"f" * 64), ARP(op=1, psrc=PEER_IP, pdst=GUEST_IP))]
    for _ in range(1500):
        frame = bytearray(rng.choice(templates))
        how = rng.randrange(4)
        if how == 0:
            frame = frame[:rng.randrange(14, len(frame))]
        elif how == 1:
            for _ in range(rng.randrange(1, 8)):
                frame[rng.randrange(12, len(frame))] = rng.randrange(256)
        elif how == 2:
            frame = frame[:14] + rng.randbytes(rng.randrange(0, 1500))
        else:
            frame += rng.randbytes(rng.randrange(1, 60))
        echo.send(bytes(frame))
    while echo.receive(0.3) is not None:
        pass
    again = Connection(echo, 7, sport=41000)
    again.open()
    again.put(b"still here")
    assert again.expect_data(10) == b"still here"
