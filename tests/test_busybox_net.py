"""Debian's unmodified busybox in the guest, against QEMU's user network: what an administrator types first."""
import re

from support import run_in_guest

LEASE = """
cat > /tmp/script <<'X'
#!/bin/sh
[ "$1" = deconfig ] && ifconfig $interface 0.0.0.0
[ "$1" = bound ] || exit 0
ifconfig $interface $ip netmask $subnet
route add default gw $router
X
chmod +x /tmp/script
udhcpc -i eth0 -n -q -s /tmp/script 2>&1 && ifconfig eth0 && route -n
"""


def run(script, **options):
    result = run_in_guest(["sh", "-c", script], timeout=60, **options)
    out = (result.stdout + result.stderr).decode()
    assert result.status == 0, out
    return out


def test_udhcpc_obtains_a_lease():
    """The kernel asks for none itself (ip=off): the address comes by way of packet sockets and a filter."""
    out = run("ifconfig eth0 up;" + LEASE, append="ip=off")
    assert re.search(r"lease of 10\.0\.2\.15 obtained from 10\.0\.2\.2", out), out
    assert re.search(r"inet addr:10\.0\.2\.15 .*Mask:255\.255\.255\.0", out), out
    assert re.search(r"^0\.0\.0\.0 +10\.0\.2\.2 ", out, re.M), out


def test_arping():
    assert "Received 2 response(s)" in run("arping -c 2 -I eth0 10.0.2.2")


def test_traceroute():
    assert re.search(r"^ ?1  10\.0\.2\.2 ", run("traceroute -n -m 1 -w 2 10.0.2.2"), re.M)


def test_ping():
    assert "2 packets received, 0% packet loss" in run("ping -c 2 -i 0.2 10.0.2.2")
