"""What gensim does for ``bench.embeddings``, in an environment of its own.

``PYTHON bench/embeddings_peers.py FOLDER``: reads ``walks.npy`` and ``settings.json`` there, trains
skip-gram with one worker, writes ``vectors.npy`` and prints the seconds of the training alone, by
the clock and of the CPU, as JSON. Nothing of hybridrec is imported.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
from gensim.models import Word2Vec


def main() -> None:
    """Train once."""
    folder = Path(sys.argv[1])
    settings = json.loads((folder / "settings.json").read_text())
    walks = [[str(node) for node in walk if node >= 0] for walk in np.load(folder / "walks.npy")]
    model = Word2Vec(
        vector_size=settings["dimensions"],
        window=settings["window"],
        negative=settings["negatives"],
        alpha=settings["learning_rate"],
        seed=settings["random_state"],
        sg=1,
        sample=0,
        min_count=0,
        workers=1,
        compute_loss=False,
    )
    model.build_vocab(walks)
    start, cpu = time.perf_counter(), time.process_time()
    model.train(walks, total_examples=len(walks), epochs=settings["epochs"])
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    vectors = np.zeros((settings["nodes"], settings["dimensions"]), np.float32)
    vectors[[int(node) for node in model.wv.index_to_key]] = model.wv.vectors
    np.save(folder / "vectors.npy", vectors)
    print(json.dumps({"seconds": seconds, "cpu": cpu}))


if __name__ == "__main__":
    main()
