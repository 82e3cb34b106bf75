"""tests/net for what lies below TCP: addresses by DHCP, neighbours, fragments out, path MTU, error limits."""
import contextlib
import time

import pytest

import qemu
from scapy.all import BOOTP, DHCP
from support import guest
from wire import (ARP, GUEST_IP, GUEST_MAC, ICMP, IP, PEER_IP, PEER_MAC, TCP, UDP, Connection, Ether, Raw, Wire, payload_of,
                  wait_for_listener)

BROADCAST = "ff:ff:ff:ff:ff:ff"


@contextlib.contextmanager
def network(command, keep_log, append):
    wire = Wire()
    try:
        with guest(["sh", "-c", command], netdev=wire.netdev, log=keep_log, append=append) as g:
            wire.guest = g
            yield wire
    finally:
        wire.close()


def static(command, keep_log):
    return network(command, keep_log, f"ip={GUEST_IP}/24:{PEER_IP}")


def wait_for_address(wire):
    for _ in range(200):
        wire.send(Ether(src=PEER_MAC, dst=BROADCAST) / ARP(op=1, hwsrc=PEER_MAC, psrc=PEER_IP, pdst=GUEST_IP), wait=False)
        frame = wire.receive(0.1)
        if frame is not None and ARP in frame and frame[ARP].op == 2 and frame[ARP].psrc == GUEST_IP:
            return
    raise AssertionError("the guest has no address")


# --- DHCP ---

def options_of(frame):
    return {o[0]: o[1] for o in frame[DHCP].options if isinstance(o, tuple)}


def is_dhcp(kind):
    return lambda f: DHCP in f and UDP in f and f[UDP].dport == 67 and options_of(f).get("message-type") == kind


def answer(wire, request, kind, lease=3600, **more):
    options = [("message-type", kind), ("server_id", PEER_IP)]
    if kind != "nak":
        options += [("lease_time", lease), ("subnet_mask", "255.255.255.0"), ("router", PEER_IP), ("name_server", PEER_IP)]
    wire.send(Ether(src=PEER_MAC, dst=more.get("to", BROADCAST)) / IP(src=PEER_IP, dst=more.get("ip", "255.255.255.255")) /
              UDP(sport=67, dport=68) /
              BOOTP(op=2, xid=more.get("xid", request[BOOTP].xid), yiaddr=more.get("yiaddr", GUEST_IP), siaddr=PEER_IP,
                    chaddr=request[BOOTP].chaddr) / DHCP(options=options + ["end"]))


DISCOVER, REQUEST = 1, 3


def test_dhcp_discover_offer_request_ack(keep_log):
    """The four messages of RFC 2131 3.1, and the address is in use afterwards."""
    with network("sleep 30", keep_log, "") as wire:
        discover = wire.expect("DISCOVER", is_dhcp(DISCOVER))
        assert discover[IP].src == "0.0.0.0" and discover[IP].dst == "255.255.255.255" and discover.dst == BROADCAST
        assert discover[BOOTP].flags.value & 0x8000, "the answer must be a broadcast: there is no address to send it to"
        answer(wire, discover, "offer")
        request = wire.expect("REQUEST", is_dhcp(REQUEST))
        assert options_of(request)["requested_addr"] == GUEST_IP and options_of(request)["server_id"] == PEER_IP
        answer(wire, request, "ack")
        wait_for_address(wire)


def test_dhcp_asks_again_until_somebody_answers(keep_log):
    """Lost messages are repeated; an answer to somebody else is ignored."""
    with network("sleep 60", keep_log, "") as wire:
        first = wire.expect("DISCOVER", is_dhcp(DISCOVER))
        answer(wire, first, "offer", xid=first[BOOTP].xid ^ 1, yiaddr="10.0.2.66")
        second = wire.expect("the second DISCOVER", is_dhcp(DISCOVER), seconds=10)
        assert second[BOOTP].xid != first[BOOTP].xid
        answer(wire, second, "offer")
        request = wire.expect("REQUEST", is_dhcp(REQUEST))
        third = wire.expect("a DISCOVER again, as the REQUEST was not answered", is_dhcp(DISCOVER), seconds=20)
        assert third[BOOTP].xid != request[BOOTP].xid
        answer(wire, third, "offer")
        answer(wire, wire.expect("REQUEST", is_dhcp(REQUEST)), "ack")
        wait_for_address(wire)


def test_dhcp_renews_and_gives_up_after_a_nak(keep_log):
    """At half of the lease the client asks its server; a NAK takes the address away and it begins anew."""
    with network("sleep 60", keep_log, "") as wire:
        answer(wire, wire.expect("DISCOVER", is_dhcp(DISCOVER)), "offer", lease=6)
        answer(wire, wire.expect("REQUEST", is_dhcp(REQUEST)), "ack", lease=6)
        renew = wire.expect("the renewal", is_dhcp(REQUEST), seconds=15)
        assert renew[IP].dst == PEER_IP and renew[IP].src == GUEST_IP and renew[BOOTP].ciaddr == GUEST_IP
        assert "requested_addr" not in options_of(renew)
        answer(wire, renew, "ack", lease=6, to=GUEST_MAC, ip=GUEST_IP)
        again = wire.expect("the next renewal", is_dhcp(REQUEST), seconds=15)
        answer(wire, again, "nak", to=GUEST_MAC, ip=GUEST_IP)
        discover = wire.expect("DISCOVER after the NAK", is_dhcp(DISCOVER), seconds=15)
        assert discover[IP].src == "0.0.0.0"


# --- neighbours ---

def test_neighbour_is_asked_three_times(keep_log):
    with static("ping -c 1 -W 6 10.0.2.77; sleep 5", keep_log) as wire:
        wait_for_address(wire)
        asked = [wire.expect("ARP request", lambda f: ARP in f and f[ARP].op == 1 and f[ARP].pdst == "10.0.2.77") for _ in range(3)]
        assert all(f.dst == BROADCAST and f[ARP].psrc == GUEST_IP for f in asked)
        wire.expect_nothing("fourth request", lambda f: ARP in f and f[ARP].pdst == "10.0.2.77", seconds=3)


def test_neighbour_that_moves_is_followed(keep_log):
    """An announcement (gratuitous ARP) changes an entry that is known, after the second in which the first word stands."""
    with static(f"ping -c 1 {PEER_IP}; sleep 3; ping -c 1 {PEER_IP}; sleep 5", keep_log) as wire:
        wait_for_address(wire)
        wire.expect("the first echo request", lambda f: ICMP in f and f[IP].dst == PEER_IP)
        wire.answer_arp = False
        time.sleep(1.5)
        moved = "52:55:0a:00:02:99"
        wire.send(Ether(src=moved, dst=BROADCAST) / ARP(op=1, hwsrc=moved, psrc=PEER_IP, pdst=PEER_IP))
        request = wire.expect("the second echo request", lambda f: ICMP in f and f[ICMP].type == 8 and f.dst == moved, seconds=15)
        assert request[IP].dst == PEER_IP


@pytest.mark.parametrize("progress", [True, False])
def test_neighbour_is_not_asked_while_tcp_gets_through(progress, keep_log):
    """An entry in doubt is used for 5 s and then checked, unless acknowledgments show that all is well."""
    with static("echo_epoll 7 & sleep 30; kill $!", keep_log) as wire:
        wait_for_address(wire)
        wait_for_listener(wire, 7)
        c = Connection(wire, 7)
        c.open()
        wire.answer_arp = False
        time.sleep(1.1)         # the first word about an address stands for a second
        moved = "52:55:0a:00:02:99"
        wire.send(Ether(src=moved, dst=BROADCAST) / ARP(op=1, hwsrc=moved, psrc=PEER_IP, pdst=PEER_IP))
        begin = time.monotonic()
        asked = False
        while time.monotonic() < begin + 8 and not asked:
            c.send("PA", b"x")
            c.seq += 1
            answer = c.expect("the echo", lambda t: len(payload_of(t)) > 0)
            if progress:
                c.ack = answer.seq + len(payload_of(answer))
            time.sleep(0.3)
            asked = any(ARP in f and f[ARP].op == 1 and f[ARP].pdst == PEER_IP and f.dst == moved for f in wire.seen)
        assert asked != progress


def test_stranger_is_not_learnt_from_what_it_tells_others(keep_log):
    with static("ping -c 1 -W 2 10.0.2.55; sleep 5", keep_log) as wire:
        wait_for_address(wire)
        other = "52:55:0a:00:02:55"
        wire.send(Ether(src=other, dst=BROADCAST) / ARP(op=1, hwsrc=other, psrc="10.0.2.55", pdst="10.0.2.56"))
        wire.expect("a question all the same", lambda f: ARP in f and f[ARP].op == 1 and f[ARP].pdst == "10.0.2.55")


# --- a card that does not send ---

def test_connection_outlives_a_full_transmit_queue(keep_log):
    """
    Nobody takes what QEMU sends, so card and queue fill up and an echo stays where it is. What was never sent is not
    unanswered: fifteen seconds later it goes out, on the same connection.
    """
    flood = "until grep -q ':0007 .* 01 ' /proc/net/tcp; do usleep 20000; done; " \
            "for i in 1 2 3 4 5; do timeout 24 ping -q -i 0.002 -s 1400 10.0.2.2 & done"
    known = f"arp -s {PEER_IP} {PEER_MAC}"       # or packets would soon wait for an answer from the neighbour instead
    with static(f"{known}; ifconfig eth0 txqueuelen 10; echo_epoll 7 & p=$!; {flood}; sleep 40; kill $p", keep_log) as wire:
        wait_for_address(wire)
        wait_for_listener(wire, 7)
        c = Connection(wire, 7)
        c.open()
        wire.expect("the flood", lambda f: ICMP in f)
        time.sleep(5)           # it fills everything
        c.send("PA", b"still here?")
        c.seq += 11
        time.sleep(15)
        answer = c.expect("the echo", lambda t: len(payload_of(t)) > 0 or "R" in str(t.flags), seconds=15)
        assert payload_of(answer) == b"still here?"


# --- IP ---

def test_large_datagram_leaves_in_fragments(keep_log):
    with static(f"ping -c 1 -s 4000 {PEER_IP}; sleep 5", keep_log) as wire:
        wait_for_address(wire)
        parts = [wire.expect("fragment", lambda f: IP in f and f[IP].proto == 1 and f[IP].dst == PEER_IP) for _ in range(3)]
        assert [p[IP].frag for p in parts] == [0, 185, 370]
        assert [bool(p[IP].flags.MF) for p in parts] == [True, True, False]
        assert len({p[IP].id for p in parts}) == 1 and all(p[IP].len <= 1500 for p in parts)
        assert sum(p[IP].len - 20 for p in parts) == 4008


def test_path_mtu_is_learnt(keep_log):
    """After "fragmentation needed" with an MTU, larger datagrams to that host leave in pieces that fit."""
    with static(f"ping -c 1 -s 1400 {PEER_IP}; sleep 1; ping -c 1 -s 1400 {PEER_IP}; sleep 5", keep_log) as wire:
        wait_for_address(wire)
        first = wire.expect("an echo request in one piece", lambda f: ICMP in f and f[ICMP].type == 8)
        quoted = first[IP].copy()
        quoted.flags = "DF"
        del quoted.chksum
        wire.send(IP(src="10.0.2.3", dst=GUEST_IP) / ICMP(type=3, code=4, nexthopmtu=700) / Raw(bytes(quoted)[:28]))
        part = wire.expect("a fragment", lambda f: IP in f and f[IP].proto == 1 and f[IP].flags.MF, seconds=15)
        assert part[IP].len <= 700


def test_martians_are_not_answered(keep_log):
    with static("sleep 30", keep_log) as wire:
        wait_for_address(wire)
        for src, dst in (("127.0.0.1", GUEST_IP), (GUEST_IP, GUEST_IP), ("255.255.255.255", GUEST_IP), ("224.0.0.5", GUEST_IP),
                         (PEER_IP, "127.0.0.1"), (PEER_IP, "10.0.2.16"), ("0.0.0.0", GUEST_IP)):
            wire.send(IP(src=src, dst=dst) / ICMP(type=8) / Raw(b"x"))
        wire.expect_nothing("answer", lambda f: ICMP in f, seconds=2)
        wire.send(IP(src=PEER_IP, dst=GUEST_IP) / ICMP(type=8) / Raw(b"x"))
        wire.expect("the answer to a good one", lambda f: ICMP in f and f[ICMP].type == 0)


def test_broadcast_ping_is_not_answered(keep_log):
    with static("sleep 30", keep_log) as wire:
        wait_for_address(wire)
        for dst in ("10.0.2.255", "255.255.255.255"):
            wire.send(Ether(src=PEER_MAC, dst=BROADCAST) / IP(src=PEER_IP, dst=dst) / ICMP(type=8) / Raw(b"x"))
        wire.expect_nothing("answer", lambda f: ICMP in f, seconds=2)


def test_errors_are_limited_per_destination(keep_log):
    """A burst of datagrams to closed ports: six errors at once, then one a second (Linux: icmp_ratelimit)."""
    with static("sleep 60", keep_log) as wire:
        wait_for_address(wire)
        for port in range(40):
            wire.send(IP(src=PEER_IP, dst=GUEST_IP) / UDP(sport=5000, dport=9000 + port) / Raw(b"x"))
        errors, deadline = 0, time.monotonic() + 0.5
        while time.monotonic() < deadline:
            frame = wire.receive(0.1)
            errors += frame is not None and ICMP in frame and frame[ICMP].type == 3
        assert 1 <= errors <= 10


def test_header_options_are_passed_over(keep_log):
    with static("sleep 30", keep_log) as wire:
        wait_for_address(wire)
        from scapy.all import IPOption
        wire.send(IP(src=PEER_IP, dst=GUEST_IP, options=[IPOption(b"\x07\x07\x04\x00\x00\x00\x00"), IPOption(b"\x00")]) / ICMP(type=8) / Raw(b"x"))
        wire.expect("an answer", lambda f: ICMP in f and f[ICMP].type == 0)
        wire.send(IP(src=PEER_IP, dst=GUEST_IP, options=[IPOption(b"\x83\x07\x04\x0a\x00\x02\x02"), IPOption(b"\x00")]) / ICMP(type=8) / Raw(b"x"))
        wire.expect_nothing("answer to a source route", lambda f: ICMP in f and f[ICMP].type == 0, seconds=1)


def test_overlapping_fragments_are_dropped(keep_log):
    with static("sleep 30", keep_log) as wire:
        wait_for_address(wire)
        echo = bytes(ICMP(type=8, id=1, seq=1) / Raw(b"0123456789abcdef" * 4))
        for offset, more, data in ((0, 1, echo[:40]), (2, 0, echo[16:])):       # the second begins inside the first
            wire.send(IP(src=PEER_IP, dst=GUEST_IP, id=77, frag=offset, flags=more, proto=1) / Raw(data))
        wire.expect_nothing("answer", lambda f: ICMP in f, seconds=1)
        for offset, more, data in ((5, 0, echo[40:]), (0, 1, echo[:40])):       # the same in order, the last first
            wire.send(IP(src=PEER_IP, dst=GUEST_IP, id=78, frag=offset, flags=more, proto=1) / Raw(data))
        wire.expect("an answer", lambda f: ICMP in f and f[ICMP].type == 0)
