"""The peer of bench.http: implicit behind Flask, as people write it.

python -m bench.http_flask FOLDER PORT          Flask's own server, with threads
gunicorn "bench.http_flask:app_of('FOLDER')"    behind gunicorn
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import implicit
import numpy as np
from flask import Flask, jsonify, request
from scipy import sparse


def app_of(folder: str) -> Flask:
    """Return the application for the factors and the histories in a folder."""
    user_items = sparse.load_npz(Path(folder) / "history.npz").tocsr()
    with np.load(Path(folder) / "factors.npz") as factors:
        model = implicit.cpu.als.AlternatingLeastSquares(factors=factors["users"].shape[1])
        model.user_factors, model.item_factors = factors["users"], factors["items"]
    app = Flask(__name__)

    @app.route("/recommend")
    def recommend():
        user = request.args.get("user", type=int)
        k = request.args.get("k", default=10, type=int)
        items, scores = model.recommend(user, user_items[user], N=k)
        found = zip(items.tolist(), scores.tolist(), strict=True)
        return jsonify(
            user=user,
            items=[
                {"item": item, "score": score, "rank": rank}
                for rank, (item, score) in enumerate(found, start=1)
            ],
        )

    return app


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # no line for each request
    app_of(sys.argv[1]).run(port=int(sys.argv[2]), threaded=True)
