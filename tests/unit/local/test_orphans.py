import subprocess
import sys
from pathlib import Path

# As a killed worker does, the parent of `sleep` ends at once; and `sleep` is in a session of its own.
CHILD = """
from subprocess import DEVNULL, Popen
print(Popen(["sleep", "600"], start_new_session=True, stdout=DEVNULL, stderr=DEVNULL).pid)
"""
PARENT = """
import subprocess, sys
from veloflux_site.local import orphans
with orphans.ended_at_exit():
    subprocess.run([sys.executable, "-c", sys.argv[1]], check=True)
    if sys.argv[2] == "interrupted":
        raise KeyboardInterrupt
"""


def left_by(how: str) -> int:
    run = subprocess.run([sys.executable, "-c", PARENT, CHILD, how], capture_output=True, text=True, check=False)
    assert (run.returncode == 0) == (how == "ended"), run.stderr
    return int(run.stdout)


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_what_an_ended_parent_left_is_ended() -> None:
    assert not lives(left_by("ended"))


def test_what_an_interrupted_run_left_is_ended() -> None:
    assert not lives(left_by("interrupted"))
