"""tests/net against an attacker who cannot see the connection: floods and guesses. Each also passes on Linux (POLLUX_ORACLE=1)."""
import asyncio
import contextlib
import itertools
import os
import pathlib
import random
import struct
import sys

from support import guest
from wire import GUEST_IP, PEER_IP, Wire

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "net"))
import play  # noqa: E402
import segment as seg  # noqa: E402

LINUX = os.environ.get("POLLUX_ORACLE") == "1"
AGENT = HERE.parent / "build/net/agent"
FLOOD = int(os.environ.get("POLLUX_FLOOD", 100_000))


@contextlib.contextmanager
def agent(keep_log):
    wire = Wire()
    try:
        with guest(["/root/agent", "3", str(play.FIRST_WORKER_PORT)], [(AGENT, "root/agent")], timeout=300, log=keep_log, linux=LINUX,
                   netdev=wire.netdev, append="" if LINUX else f"ip={GUEST_IP}/16:{PEER_IP}"):
            yield wire
    finally:
        wire.close()


def scenario(wire, lines, attack):
    """Play @lines as a script; where one is "attack", attack(hub, player)."""
    async def run():
        hub = play.Hub(wire)
        asyncio.get_running_loop().add_reader(wire.socket, hub.readable)
        await play.wait_for_guest(hub)
        script = play.Script("attack", "test_net_attacks.py")
        player = play.Player(hub, script, 0, 1)
        player.macro_attack = lambda _: attack(hub, player)
        for line in lines.strip().splitlines():
            script.add(line.split("#")[0].strip(), LINUX)
        report = await player.play()
        assert report is None, report
    asyncio.run(run())


def random_peer(rng):
    return struct.pack("!BBBB", 10, 0, rng.randrange(100, 250), rng.randrange(1, 255))


def test_syn_flood_leaves_room_for_an_honest_client(keep_log):
    """SYNs without end from peers that are not there: requests are bounded, and cookies let in who answers (RFC 4987)."""
    async def flood(hub, player):
        rng = random.Random(1)
        hub.reset_strays = False        # nobody is there who could
        known = [random_peer(rng) for _ in range(64)]
        for ip in known:
            await hub.introduce(ip)
        for _ in range(FLOOD):
            syn = seg.Segment("S", 0, 0, win=(64240, 64240), options={"mss": 1460}, data=b"")
            await hub.send(seg.encode(syn, rng.choice(known), hub.guest, rng.randrange(1024, 65536), player.guest_port,
                                      rng.randrange(1 << 32), 0))

    with agent(keep_log) as wire:
        scenario(wire, """
            listen 128
            attack
            < S 0 <mss 1460>
            +0~5 > S. 0 ack 1
            < . 1 ack 1
            accept
            < P. 1:1001
            +0 > . 1 ack 1001
            recv 1000
            send 1000
            > P. 1:1001
            """, flood)


def test_blind_injection_does_not_break_a_connection(keep_log):
    """RST, SYN and data with guessed numbers, all but the right one: the connection goes on with its bytes (RFC 5961)."""
    async def inject(hub, player):
        rng, p = random.Random(2), player.peers[""]
        for kind in itertools.islice(itertools.cycle(("R", "R.", "S", "S.", "P.", "F.")), 6000):
            seq, ack = rng.randrange(2, 1 << 32), rng.randrange(1 << 17, 1 << 31)
            data = b"forged" if kind == "P." else b""
            s = seg.Segment(kind, seq, len(data), ack=ack, win=(1, 1), options={}, data=data)
            await hub.send(seg.encode(s, player.ip, hub.guest, p.peer_port, p.guest_port, play.PEER_ISN, p.guest_isn))
        await hub.answer(0, "ping", 60)

    with agent(keep_log) as wire:
        scenario(wire, """
            open
            attack
            forget
            send 100
            > P. 1:101
            < . 1 ack 101
            < P. 1:101
            +0 > . 101 ack 101
            recv 100
            """, inject)
