"""A worker ends when it is to end, whatever its threads are waiting for."""

import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.stack import ROOT, until

pytestmark = pytest.mark.live
WORKER = """
import sys, time
from veloflux_site import workers
workers.ENDS_WITHIN_S = 1.0
app = workers.PromptCelery("test", broker=sys.argv[1])

@app.task(name="hang")
def hang():
    print("hanging", flush=True)
    time.sleep(600)

app.send_task("hang", queue=sys.argv[2])
app.worker_main(["worker", "--pool", "threads", "-c", "1", "-Q", sys.argv[2], "--without-gossip", "--without-mingle"])
"""


def test_a_worker_that_is_told_to_end_waits_for_no_thread_that_hangs(tmp_path: Path) -> None:
    said = tmp_path / "said"
    arguments = [os.environ["VELOFLUX_REDIS_URL"], f"hang-{secrets.token_hex(4)}"]
    with said.open("wb") as out:
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, *arguments], cwd=ROOT, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        until(lambda: "hanging" in said.read_text(), within=30, what="the task")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 75, said.read_text()
    finally:
        worker.kill()
        worker.wait()
