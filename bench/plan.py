"""What the cost model says beside what was measured: ``python -m bench.plan [--work DIR]``.

Calibrates this machine, then fits `HybridALS` on synthetic logs of three sizes on two local workers
(the runs of `bench.distributed`), and writes both. The constants go to ``results/plan.json``; with
``--keep`` also into the package, as those of the benchmark machine.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from bench.distributed import FACTORS, ITERATIONS, MIDDLE, made_log, measured
from bench.measure import markdown, write_results
from hybridrec.distributed import connect
from hybridrec.distributed.calibration import BENCHMARKED, calibrate
from hybridrec.distributed.plan import Fleet, Job, plan

SCALES = (0.05, 0.25, 1.0)  # of 20 million interactions
WORKERS = 2


def main() -> None:
    """Calibrate, measure three sizes, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, action="append", help=f"by default {SCALES}")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir(), "hybridrec-logs"))
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    with connect(f"local:{WORKERS}") as cluster:
        constants = calibrate(cluster)
    if options.keep:
        BENCHMARKED.write_text(json.dumps(constants.to_dict(), indent=1) + "\n")
    found: dict[str, Any] = {"constants": constants.to_dict(), "runs": []}
    for scale in options.scale or SCALES:
        log = made_log(options.work, int(MIDDLE * scale))
        measured(found, what="cluster", log=str(log), address=f"local:{WORKERS}")
    rows = []
    for one in found["runs"]:
        job = Job(
            one["users"],
            one["items"],
            one["interactions"],
            FACTORS,
            ITERATIONS,
            one["user_spread"],
            one["item_spread"],
        )
        said = plan(job, Fleet(WORKERS, 12e9), constants)
        one["plan"] = said.to_dict()
        rows.append(
            [
                f"{one['interactions']:,}",
                _pair(said.iteration, one["seconds_per_iteration"]),
                _pair(said.preparation, one["read"]),
                _pair(said.network / 2**20, one["sent_mb_per_iteration"]),
                _pair(said.in_memory / 2**20, max(one["worker_peak_mb"])),
                said.bottleneck,
            ]
        )
    header = ["interactions", "iteration s", "read, clean, shard s", "network MB an iteration"]
    header += ["memory MB of a worker", "bottleneck"]
    text = (
        f"HybridALS, {FACTORS} factors, {WORKERS} local workers of one thread: the plan / measured"
        " (error of the plan)."
    )
    write_results("plan", found, f"{text}\n\n{markdown(header, rows)}")


def _pair(said: float, measured: float) -> str:
    return f"{said:.3g} / {measured:.3g} ({said / measured - 1:+.0%})"


if __name__ == "__main__":
    main()
