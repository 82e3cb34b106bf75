"""The system calls of scripts: a line becomes a command for tests/net/agent.c and a check of what it answers."""
import errno
import re
import socket
import struct

TCP_STATES = {name: i + 1 for i, name in enumerate((
    "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING"))}
CA_STATES = {name: i for i, name in enumerate(("Open", "Disorder", "CWR", "Recovery", "Loss"))}
POLL_EVENTS = {"in": 1, "pri": 2, "out": 4, "err": 8, "hup": 16, "rdhup": 0x2000}
MSG_FLAGS = {"oob": 1, "peek": 2, "dontwait": 0x40, "eor": 0x80, "waitall": 0x100, "nosignal": 0x4000, "more": 0x8000, "trunc": 0x20}
TCP_OPTIONS = {name: number for number, name in enumerate(
    "TCP_NODELAY TCP_MAXSEG TCP_CORK TCP_KEEPIDLE TCP_KEEPINTVL TCP_KEEPCNT TCP_SYNCNT TCP_LINGER2 TCP_DEFER_ACCEPT TCP_WINDOW_CLAMP "
    "TCP_INFO TCP_QUICKACK TCP_CONGESTION".split(), 1)} | {"TCP_USER_TIMEOUT": 18, "TCP_NOTSENT_LOWAT": 25, "TCP_INQ": 36}
SOCKET_OPTIONS = {name: getattr(socket, name) for name in (
    "SO_REUSEADDR SO_ERROR SO_SNDBUF SO_RCVBUF SO_KEEPALIVE SO_OOBINLINE SO_LINGER SO_REUSEPORT SO_RCVLOWAT SO_RCVTIMEO "
    "SO_SNDTIMEO SO_ACCEPTCONN").split()}
IP_OPTIONS = {"IP_TOS": 1, "IP_TTL": 2, "IP_RECVERR": 11, "IP_MTU_DISCOVER": 10, "IP_MTU": 14}
CAUSES = "connect send sendfile close shutdown setopt listen".split()      # calls after which a time begins
SHUTDOWN = {"rd": 0, "wr": 1, "rdwr": 2}
# struct tcp_info: bytes, then 32-bit words, then what follows.
INFO_BYTES = "state ca_state retransmits probes backoff options wscale app_limited".split()
INFO_WORDS = """rto ato snd_mss rcv_mss unacked sacked lost retrans fackets last_data_sent last_ack_sent last_data_recv last_ack_recv
    pmtu rcv_ssthresh rtt rttvar snd_ssthresh snd_cwnd advmss reordering rcv_rtt rcv_space total_retrans""".split()
INFO_QUADS = "pacing_rate max_pacing_rate bytes_acked bytes_received".split()
INFO_WORDS2 = "segs_out segs_in notsent_bytes min_rtt data_segs_in data_segs_out".split()
INFO_QUADS2 = "delivery_rate busy_time rwnd_limited sndbuf_limited".split()
INFO_WORDS3 = "delivered delivered_ce".split()
INFO_QUADS3 = "bytes_sent bytes_retrans".split()
INFO_WORDS4 = "dsack_dups reord_seen rcv_ooopack snd_wnd".split()
INFO_FORMAT = "<8B24I4Q6I4Q2I2Q4I"
INFO_NAMES = (INFO_BYTES + INFO_WORDS + INFO_QUADS + INFO_WORDS2 + INFO_QUADS2 + INFO_WORDS3 + INFO_QUADS3 + INFO_WORDS4)

def bits(words, table):
    return sum(table[w] for word in words for w in word.split("|") if w not in ("", "0"))

def option(name):
    for level, table in ((socket.SOL_TCP, TCP_OPTIONS), (socket.SOL_SOCKET, SOCKET_OPTIONS), (0, IP_OPTIONS)):
        if name in table:
            return level, table[name]
    raise ValueError(f"no option {name}")

def option_value(name, words):
    if name == "TCP_CONGESTION":
        return words[0].encode()
    if name == "SO_LINGER":
        return struct.pack("ii", 1, int(words[0])) if words[0] != "off" else struct.pack("ii", 0, 0)
    if name in ("SO_RCVTIMEO", "SO_SNDTIMEO"):
        return struct.pack("qq", int(float(words[0])), int(float(words[0]) % 1 * 1e6))
    return struct.pack("i", int(words[0]))

def within(text, value):
    """Is @value the number, or in the range A..B, of @text?"""
    low, _, high = text.partition("..")
    return int(low) <= value <= int(high or low)

def returns(wanted, default=None):
    """A check of the result alone."""
    def check(answer):
        result, error, _ = answer
        if wanted in errno.__dict__ or wanted.startswith("E"):
            return result != -1 or errno.errorcode.get(error) != wanted
        if result < 0:
            return f"{errno.errorcode.get(error, error)}"
        if wanted:
            return not within(wanted, result)
        return default is not None and result != default
    return check

def received(length, wanted):
    """A check of what recv() gave: the pattern, or the text that is wanted."""
    def check(answer):
        result, _, data = answer
        if wanted.startswith('"'):
            text = wanted.strip('"').encode()
            return f"{data[1:]!r}" if result != len(text) or data[1:1 + len(text)] != text else None
        wrong = returns(wanted, length)(answer)
        if not wrong and result > 0 and not data[0]:
            return f"{result}, wrong bytes: {data[1:17]!r}..."
        return wrong
    return check

def has_option(name, wanted):
    def check(answer):
        result, _, data = answer
        if result < 0 or wanted.startswith("E"):
            return returns(wanted)(answer)
        if name == "TCP_CONGESTION":
            return None if data.rstrip(b"\0").decode() == wanted else data.decode()
        value = struct.unpack("i", data[:4])[0]
        text = re.sub(r"^E[A-Z]+$", lambda m: str(getattr(errno, m[0])), wanted)
        return None if within(text, value) else str(value)
    return check

def has_error(wanted):
    """SO_ERROR is 0, or the errno named."""
    def check(answer):
        value = struct.unpack("i", answer[2][:4])[0]
        return None if value == (getattr(errno, wanted) if wanted.startswith("E") else int(wanted)) else errno.errorcode.get(value, str(value))
    return check

def info_value(name, text):
    return str({"state": TCP_STATES, "ca_state": CA_STATES}.get(name, {}).get(text, text))

def has_info(words):
    wanted = dict(zip(words[::2], words[1::2]))

    def check(answer):
        result, _, data = answer
        if result < 0:
            return "EERROR"
        size = struct.calcsize(INFO_FORMAT)
        info = dict(zip(INFO_NAMES, struct.unpack(INFO_FORMAT, data[:size].ljust(size, b"\0"))))
        wrong = {k: info[k] for k, v in wanted.items() if not within(info_value(k, v), info[k])}
        return " ".join(f"{k} {v}" for k, v in wrong.items())
    return check

def compile_call(player, words, wanted):
    """(command for the agent, check of its answer: falsy if it is as wanted)"""
    name, _, call = words[0].rpartition(".")
    name = name or ("l" if call in ("listen", "accept") else "c")
    args, slot = words[1:], player.slot(name)
    plain = returns(wanted)
    if call == "socket":
        return f"socket {slot}", plain
    if call == "bind":
        return f"bind {slot} 10.0.2.15 {player.guest_port + int(args[0] if args else 0)}", plain
    if call == "connect":
        peer = player.peer(args[0] if args and args[0] != "unspec" else "")
        return f"connect {slot} {player.ip_text} {'unspec' if args == ['unspec'] else peer.peer_port}", plain
    if call == "listen":
        return f"listen {slot} {args[0] if args else 5}", plain
    if call == "accept":
        return f"accept {slot} {player.slot(args[0] if args else 'c')} 0", plain
    if call == "send":
        return send_call(slot, args, wanted)
    if call == "recv":
        return f"recv {slot} {args[0]} {bits(args[1:], MSG_FLAGS)}", plain if "trunc" in args else received(int(args[0]), wanted)
    if call == "sendfile":
        return f"sendfile {slot} {args[0]}", returns(wanted, int(args[0]))
    if call == "shutdown":
        return f"shutdown {slot} {SHUTDOWN[args[0]]}", plain
    if call == "poll":
        check = plain if wanted.startswith("E") else returns(str(bits(wanted.split(), POLL_EVENTS)))
        return f"poll {slot} {bits(args[:1], POLL_EVENTS)} {args[1] if len(args) > 1 else 0}", check
    return option_call(call, slot, args, wanted)

def send_call(slot, args, wanted):
    if args[0].startswith('"'):
        text = args[0].strip('"').encode()
        return f"send {slot} {len(text)} {bits(args[1:], MSG_FLAGS)} {text.hex()}", returns(wanted, len(text))
    return f"send {slot} {args[0]} {bits(args[1:], MSG_FLAGS)}", returns(wanted, int(args[0]))

def option_call(call, slot, args, wanted):
    if call == "set":
        level, number = option(args[0])
        return f"setopt {slot} {level} {number} {option_value(args[0], args[1:]).hex()}", returns(wanted)
    if call == "get":
        level, number = option(args[0])
        check = has_error(wanted) if args[0] == "SO_ERROR" else has_option(args[0], wanted)
        return f"getopt {slot} {level} {number} {16 if args[0] == 'TCP_CONGESTION' else 4}", check
    if call == "info":
        return f"getopt {slot} {socket.SOL_TCP} {TCP_OPTIONS['TCP_INFO']} 232", has_info(args)
    if call in ("fionread", "siocatmark", "siocoutq", "siocoutqnsd"):
        return f"ioctl {slot} {call.upper()}", returns(wanted)
    if call in ("close", "nonblock", "sockname", "peername"):
        return f"{call} {slot} {args[0] if args else 1}", returns(wanted)
    raise ValueError(f"no call {call}")

