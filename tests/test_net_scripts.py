"""tests/net/*.script: segments and system calls, each script a case, all in one guest. POLLUX_ORACLE=1: the same on Linux."""
import asyncio
import os
import pathlib
import sys

import pytest

from support import guest
from wire import GUEST_IP, PEER_IP, Wire

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "net"))
import play  # noqa: E402

LINUX = os.environ.get("POLLUX_ORACLE") == "1"
SCRIPTS = play.load(HERE / "net", LINUX)
NR_WORKERS = 64
AGENT = HERE.parent / "build/net/agent"


@pytest.fixture(scope="session")
def results(request):
    """What became of the scripts that were chosen: they are played at once, in one guest, when the first is asked for."""
    names = [item.callspec.params["name"] for item in request.session.items if item.originalname == "test_script"]
    scripts = [SCRIPTS[n] for n in names if not (LINUX and SCRIPTS[n].differs)]
    log = HERE.parent / "build/logs/net_scripts.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    wire = Wire()
    try:
        with guest(["/root/agent", str(NR_WORKERS), str(play.FIRST_WORKER_PORT)], [(AGENT, "root/agent")], timeout=600, log=log,
                   linux=LINUX, netdev=wire.netdev, append="" if LINUX else f"ip={GUEST_IP}/16:{PEER_IP}"):
            yield asyncio.run(play.play_all(wire, scripts, NR_WORKERS))
    finally:
        wire.close()


@pytest.mark.parametrize("name", SCRIPTS)
def test_script(name, results):
    if LINUX and SCRIPTS[name].differs:
        pytest.skip("Linux differs: " + SCRIPTS[name].differs)
    report, _ = results[name]
    if report:
        pytest.fail(report, pytrace=False)
