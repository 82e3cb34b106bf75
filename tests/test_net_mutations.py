"""tests/net/*.script have teeth: kernels with one rule of TCP made wrong, each of which must fail the scripts named for it.

As tests/test_mutations.py does for epoll: one file compiled anew, linked with the objects of the debug kernel in a directory of its own.
"""
import asyncio
import fnmatch
import pathlib
import sys

import pytest

import qemu
from test_mutations import build
from wire import GUEST_IP, PEER_IP, Wire

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "net"))
import play  # noqa: E402

AGENT = HERE.parent / "build/net/agent"
IN = "net/ipv4/tcp_input.c"

# (name, what is wrong, file, right text, wrong text, scripts)
MUTANTS = [
    ("any_reset_counts", "a RST anywhere in the window ends the connection", IN,
     "\t\tif (tcp_rst_is_exact(sk, skb))\n", "\t\tif (1 || tcp_rst_is_exact(sk, skb))\n", "*reset_in_the_window*"),
    ("no_window", "data beyond the window is taken", IN,
     "\treturn !seq_before(end_seq, tp->rcv_wup) &&\n", "\treturn 1 || !seq_before(end_seq, tp->rcv_wup) ||\n", "*beyond_the_window*"),
    ("no_paws", "old timestamps are taken", IN,
     "tp->rx_opt.tstamp_ok && tcp_paws_discard(sk, skb)", "tp->rx_opt.tstamp_ok && 0 && tcp_paws_discard(sk, skb)", "*/paws_*"),
    ("no_limit_of_challenges", "challenge ACKs are not limited", IN,
     "\t*last_ns = now;\n\treturn false;\n", "\treturn false;\n", "*at_most_twice*"),
    ("fast_path_takes_old_acks", "the fast path takes an ACK of the far past", IN,
     "(u32)seq_diff(TCP_SKB_CB(skb)->ack_seq, tp->snd_una) > (u32)seq_diff(tp->snd_nxt, tp->snd_una)",
     "seq_after(TCP_SKB_CB(skb)->ack_seq, tp->snd_nxt)", "established/ack_*"),
    ("no_crossing_syn_ack", "a simultaneous open ends at the SYN-ACK", IN,
     "\tif (tcp_is_crossing_syn_ack(sk, skb))\n\t\treturn TCP_GO_ON;\n", "\t(void)tcp_is_crossing_syn_ack;\n", "*simultaneous_open*"),
    ("shrunk_window_ignored", "a smaller window is not obeyed", "net/ipv4/tcp_ack.c",
     "\tif (tcp_may_update_window(tp, ack, ack_seq, nwin)) {", "\tif (nwin > tp->snd_wnd && tcp_may_update_window(tp, ack, ack_seq, nwin)) {",
     "send/*window*"),
    ("no_rack_timer", "nobody comes back to what may be late", "net/ipv4/tcp_rack.c",
     "\tif (timeout)\n\t\ttcp_reset_xmit_timer", "\tif (0 && timeout)\n\t\ttcp_reset_xmit_timer", "retransmit/rack_*"),
    ("one_duplicate_is_enough", "fast retransmit at the first duplicate", "net/ipv4/tcp_recovery.c",
     "tp->sacked_out >= tp->reordering) ||", "tp->sacked_out) ||", "retransmit/fast_*"),
    ("lost_once_only", "a retransmission is never lost", "net/ipv4/tcp_rack.c",
     "tags & TCPCB_SACKED_ACKED || tags == TCPCB_LOST", "tags & TCPCB_SACKED_ACKED || tags & TCPCB_LOST", "retransmit/rack_*"),
    ("no_patience", "a segment may never be late", "net/ipv4/tcp_rack.c",
     "\treturn min((tcp_min_rtt_us(tp) >> 2)", "\treturn 0 * min((tcp_min_rtt_us(tp) >> 2)", "retransmit/rack_*"),
    ("no_dsack", "what came twice is not told", "net/ipv4/tcp_reassembly.c",
     "\tif (skb->len)\n\t\ttcp_event_data_recv(sk, skb);\n", "\tif (skb->len)\n\t\ttcp_event_data_recv(sk, skb);\n\ttp->have_dsack = false;\n"
     "\ttp->num_sacks = 0;\n", "out_of_order/*sack*"),
    ("cookie_for_anybody", "any number passes for a cookie", "net/ipv4/syncookies.c",
     "(cookie & ((1U << COOKIE_HASH_BITS) - 1)))\n\t\treturn 0;", "(cookie & ((1U << COOKIE_HASH_BITS) - 1)))\n\t\treturn 536;", "syn_cookies/wrong*"),
    ("time_wait_forgets", "a SYN does not reopen a TIME_WAIT", "net/ipv4/tcp_minisocks.c",
     "\t\tcb->tw_isn = isn ? isn : 1;\n\t\treturn TCP_TW_SYN;\n", "\t\tcb->tw_isn = isn ? isn : 1;\n\t\treturn TCP_TW_ACK;\n", "time_wait/syn*"),
]


def failures(kernel, directory, patterns):
    """The names of the scripts that fail on @kernel."""
    scripts = [s for s in play.load(HERE / "net", False).values() if any(fnmatch.fnmatchcase(s.name, p) for p in patterns.split())]
    assert scripts, f"no script is named {patterns}"
    wire = Wire()
    try:
        machine = qemu.runner_machine(directory, ["/root/agent", "64", str(play.FIRST_WORKER_PORT)], [(AGENT, "root/agent")],
                                      netdev=wire.netdev, append=f"ip={GUEST_IP}/16:{PEER_IP}")
        machine.kernel = kernel
        with qemu.Guest(machine, timeout=200) as g:
            g.wait_ready()
            results = asyncio.run(play.play_all(wire, scripts, 64))
    finally:
        wire.close()
    return [name for name, (report, _) in results.items() if report]


@pytest.mark.parametrize("what,source,right,wrong,patterns", [pytest.param(*m[1:], id=m[0]) for m in MUTANTS])
def test_is_caught(what, source, right, wrong, patterns, tmp_path):
    text = (qemu.ROOT / source).read_text()
    assert text.count(right) == 1, f"{source} has changed: mend the mutant"
    failed = failures(build(tmp_path, source, text.replace(right, wrong)), tmp_path, patterns)
    assert failed, f"no script notices that {what}"
    print(*failed, sep="\n")
