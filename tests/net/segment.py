"""TCP segments as scripts write them, and as bytes.

    S. 0:0 ack 1 win 65535 <mss 1460, sack_ok, wscale 7>
    P. 1:1001 ack 1
    . 1 ack 1001 <sack 2001:3001>
    FPU. 1:6 ack 1 urg 3 "hello"

Flags: S F R P U E C and "." for ACK. Then the sequence numbers of the first byte and of the one after the last (or one number
for a segment without data), relative to the sender's initial number, so the SYN is 0 and the first byte 1.
"""
import dataclasses
import re
import struct

FLAG_BITS = {"F": 1, "S": 2, "R": 4, "P": 8, ".": 16, "U": 32, "E": 64, "C": 128}
FLAG_ORDER = "SFRPUEC."
NOP, MSS, WSCALE, SACK_OK, SACK, TS = 1, 2, 3, 4, 5, 8


def pattern(start, length):
    """The bytes that stand at @start of either stream (tests/net/agent.c)."""
    return bytes((i ^ (i >> 8) * 31) & 0xff for i in range(start, start + length))


def checksum(data):
    if len(data) & 1:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


@dataclasses.dataclass
class Segment:
    flags: str = ""
    seq: int = None             # relative; None: not said
    length: int = None
    ack: int = None
    win: tuple = None           # (least, most)
    urg: int = 0
    options: dict = None        # None: not said
    data: bytes = None
    bad_checksum: bool = False
    time: float = 0.0           # when the guest sent it, by this machine's clock

    def __str__(self):
        end = "" if not self.length else f":{self.seq + self.length}"
        text = f"{self.flags} {'' if self.seq is None else self.seq}{end}"
        if self.ack is not None:
            text += f" ack {self.ack}"
        if self.win is not None:
            text += f" win {self.win[0]}" + (f"..{self.win[1]}" if self.win[1] != self.win[0] else "")
        if self.urg:
            text += f" urg {self.urg}"
        if self.options:
            text += " <" + ", ".join(option_text(k, v) for k, v in self.options.items()) + ">"
        if self.data and len(self.data) <= 16 and self.data.isascii():
            text += f" {self.data!r}"
        return text

    @property
    def end(self):
        """Where the sender's next sequence number stands after this."""
        return self.seq + (self.length or 0) + ("S" in self.flags) + ("F" in self.flags)


def option_text(name, value):
    if name == "sack":
        return "sack " + " ".join(f"{a}:{b}" for a, b in value)
    if name == "ts":
        return "ts " + " ".join(str(v) for v in value)
    return name if value is True else f"{name} {value}"


def parse_options(text):
    options = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, *values = part.split()
        if name == "sack":
            options[name] = [tuple(int(x) for x in v.split(":")) for v in values]
        elif name == "ts" and values:
            options[name] = tuple(None if v == "*" else int(v) for v in values)
        elif name == "raw":
            options[name] = values[0]
        else:
            options[name] = None if values == ["*"] else int(values[0]) if values else True
    return options


SEGMENT = re.compile(r"""(?P<flags>[SFRPUEC.]+|-)
    (?:\s+(?P<seq>-?\d+)(?::(?P<end>-?\d+))?)?
    (?:\s+ack\s+(?P<ack>-?\d+))?
    (?:\s+win\s+(?P<win>\d+)(?:\.\.(?P<winmax>\d+))?)?
    (?:\s+urg\s+(?P<urg>\d+))?
    (?:\s+<(?P<options>[^>]*)>)?
    (?:\s+"(?P<data>[^"]*)")?
    (?P<bad>\s+bad_checksum)?$""", re.X)


def parse(text):
    m = SEGMENT.match(text.strip())
    if not m:
        raise ValueError(f"not a segment: {text}")
    s = Segment(flags="".join(sorted(m["flags"].replace("-", ""), key=FLAG_ORDER.index)))
    if m["seq"]:
        s.seq = int(m["seq"])
        s.length = int(m["end"]) - s.seq if m["end"] else 0
    if m["data"]:
        s.data = m["data"].encode()
        s.length = len(s.data)
    if m["ack"]:
        s.ack = int(m["ack"])
    if m["win"]:
        s.win = (int(m["win"]), int(m["winmax"] or m["win"]))
    s.urg = int(m["urg"] or 0)
    s.bad_checksum = bool(m["bad"])
    if m["options"] is not None:
        s.options = parse_options(m["options"])
    return s


def encode_options(options, guest_isn):
    out = b""
    for name, value in (options or {}).items():
        if name == "mss":
            out += struct.pack("!BBH", MSS, 4, value)
        elif name == "wscale":
            out += struct.pack("!BBBB", NOP, WSCALE, 3, value)
        elif name == "sack_ok":
            out += bytes([NOP, NOP, SACK_OK, 2])
        elif name == "ts":
            out += struct.pack("!BBBBII", NOP, NOP, TS, 10, value[0] & 0xffffffff, value[1] & 0xffffffff)
        elif name == "sack":
            out += bytes([NOP, NOP, SACK, 2 + 8 * len(value)])
            for a, b in value:
                out += struct.pack("!II", a + guest_isn & 0xffffffff, b + guest_isn & 0xffffffff)
        elif name == "raw":
            out += bytes.fromhex(value)
    return out + b"\0" * (-len(out) % 4)


def decode_options(raw, peer_isn):
    options, i = {}, 0
    while i < len(raw) and raw[i] != 0:
        if raw[i] == NOP:
            i += 1
            continue
        kind, length = raw[i], raw[i + 1]
        value = raw[i + 2:i + length]
        if kind == MSS:
            options["mss"] = int.from_bytes(value, "big")
        elif kind == WSCALE:
            options["wscale"] = value[0]
        elif kind == SACK_OK:
            options["sack_ok"] = True
        elif kind == TS:
            options["ts"] = struct.unpack("!II", value)
        elif kind == SACK:
            edges = struct.unpack(f"!{len(value) // 4}I", value)
            options["sack"] = [(relative(a, peer_isn), relative(b, peer_isn)) for a, b in zip(edges[::2], edges[1::2])]
        else:
            options[f"kind{kind}"] = value.hex()
        i += max(length, 2)
    return options


def relative(number, isn):
    """A little below the initial number is negative, not four thousand million."""
    n = number - isn & 0xffffffff
    return n if n < 1 << 31 else n - (1 << 32)


def ip_packet(src, dst, proto, payload):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, proto, 0, src, dst)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def encode(s, src, dst, sport, dport, my_isn, guest_isn):
    """The IP packet of @s, all of whose fields are said."""
    options = encode_options(s.options, guest_isn)
    flags = sum(FLAG_BITS[f] for f in s.flags)
    tcp = struct.pack("!HHIIBBHHH", sport, dport, s.seq + my_isn & 0xffffffff, s.ack + guest_isn & 0xffffffff if s.ack is not None else 0,
                      (20 + len(options)) // 4 << 4, flags, s.win[0], 0, s.urg) + options + s.data
    pseudo = src + dst + struct.pack("!BBH", 0, 6, len(tcp))
    total = checksum(pseudo + tcp)
    if s.bad_checksum:
        total ^= 0x5555
    return ip_packet(src, dst, 6, tcp[:16] + struct.pack("!H", total) + tcp[18:])


def decode(ip, my_isn, guest_isn):
    """The Segment in the IP packet @ip that the guest sent; guest_isn None: the one its own number would be, for a SYN."""
    head = (ip[0] & 15) * 4
    tcp = ip[head:int.from_bytes(ip[2:4], "big")]
    _, _, seq, ack, offset, flags, win, _, urg = struct.unpack("!HHIIBBHHH", tcp[:20])
    s = Segment(flags="".join(f for f in FLAG_ORDER if flags & FLAG_BITS[f]), win=(win, win))
    s.seq = relative(seq, guest_isn or 0)
    s.ack = relative(ack, my_isn) if "." in s.flags else None
    s.urg = urg if "U" in s.flags else 0
    s.options = decode_options(tcp[20:(offset >> 4) * 4], my_isn)
    s.data = tcp[(offset >> 4) * 4:]
    s.length = len(s.data)
    return s, seq
