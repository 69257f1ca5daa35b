import subprocess
import sys

import pytest

from parsenet.training.processes import ALONE, joined

SCRIPT = """
from parsenet.training.processes import joined
with joined() as processes:
    total = processes.sum(10.0 ** processes.rank + 2**-40)
    print(f"{processes.rank}/{processes.count} {processes.first} {total - 2**-39:.12f}")
"""


def test_alone(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined() as processes:
        assert processes == ALONE
        assert processes.first
        assert processes.sum(2.5) == 2.5


@pytest.mark.slow
def test_under_torchrun(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    done = subprocess.run(
        [*command, str(tmp_path / "script.py")], capture_output=True, text=True, check=True
    )
    assert sorted(done.stdout.split("\n")) == [
        "",
        "0/2 True 11.000000000000",
        "1/2 False 11.000000000000",
    ]
