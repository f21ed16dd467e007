"""What other systems do for ``bench.time_to_accuracy``, in environments of their own.

``PYTHON bench/time_to_accuracy_peers.py SYSTEM FOLDER SEED [CAP]``: reads the files of a split
that ``hybridrec split`` writes (its test is not among them), fits every model of the system on
one thread, writes ``FOLDER/NUMBER.csv`` (user, item, rank) for each, and prints model, seconds and
notes as JSON lines. Nothing of hybridrec is imported. Models have their packages' defaults except
where a note says otherwise. Facts of the knowledge graph are given as 0/1 tokens (relation,
entity) of items where a model takes features. CAP: CPU seconds after which RecBole's training
stops at the end of an epoch.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix, csr_matrix, hstack, identity

LENGTH = 20
VALIDATION = 0.1  # of the training rows, where a package stops early

Ranker = Callable[[], pd.DataFrame]  # -> user, item, rank as codes
Fit = Callable[[], Ranker]
Models = Iterator[tuple[str, Fit, list[str]]]  # name, fit, notes


class Data(NamedTuple):
    """A split in codes: rows of ``users.csv`` and ``items.csv``."""

    folder: Path
    seed: int
    cap: float
    train: csr_matrix
    asked: np.ndarray  # users to recommend to
    triples: pd.DataFrame  # head, relation, tail as entity codes
    entities: np.ndarray  # of items, -1 if none

    @property
    def tokens(self) -> csr_matrix:
        """Facts of items, 0/1 (n_items, n_tokens); a token of a single item tells nothing."""
        items = np.flatnonzero(self.entities >= 0)
        item_of = pd.Series(items, index=self.entities[items])
        ends = (("head", "tail", 0), ("tail", "head", 1))
        ways = 2 * (self.triples["relation"].max() + 1)
        facts = pd.concat(
            pd.DataFrame(
                {
                    "item": self.triples[of].map(item_of),
                    "token": 2 * self.triples["relation"] + way + ways * self.triples[told],
                }
            )
            for of, told, way in ends
        )
        facts = facts.dropna().drop_duplicates()
        facts = facts[facts.groupby("token")["item"].transform("size") > 1]
        columns, names = pd.factorize(facts["token"])
        ones = np.ones(len(facts), dtype=np.float32)
        shape = len(self.entities), len(names)
        return csr_matrix((ones, (facts["item"].to_numpy(int), columns)), shape)


def read(folder: Path, seed: int, cap: float) -> Data:
    """Read the files of a split."""
    ids = {side: ids_of(folder, side) for side in ("users", "items", "entities", "relations")}
    codes = {side: pd.Series(np.arange(len(known)), index=known) for side, known in ids.items()}
    rows = pd.read_csv(folder / "train.csv", dtype=str)
    places = rows["user"].map(codes["users"]), rows["item"].map(codes["items"])
    shape = len(ids["users"]), len(ids["items"])
    train = csr_matrix((np.ones(len(rows), dtype=np.float32), places), shape)
    entities = codes["entities"].reindex(ids["items"]).fillna(-1).to_numpy(dtype=int)
    if (folder / "link.csv").exists():  # without it, items are the entities of the same id
        link = pd.read_csv(folder / "link.csv", dtype=str)
        link = link.assign(item=link["item"].map(codes["items"])).dropna()  # of known items
        entities = np.full(shape[1], -1)
        entities[link["item"].to_numpy(int)] = link["entity"].map(codes["entities"])
    facts = pd.read_csv(folder / "triples.csv", dtype=str)
    of = {"head": "entities", "relation": "relations", "tail": "entities"}
    triples = pd.DataFrame({side: facts[side].map(codes[of[side]]) for side in of})
    asked = codes["users"][ids_of(folder, "test_users")].to_numpy()
    return Data(folder, seed, cap, train, asked, triples, entities)


def ids_of(folder: Path, name: str) -> np.ndarray:
    """Read a list of ids, as texts."""
    return pd.read_csv(folder / f"{name}.csv", dtype=str).iloc[:, 0].to_numpy(dtype=object)


def ranked(data: Data, scores: np.ndarray) -> pd.DataFrame:
    """Return the best items that users do not have, from scores (asked users, items)."""
    scores = np.array(scores, dtype=np.float64)
    scores[data.train[data.asked].nonzero()] = -np.inf
    best = np.argsort(-scores, axis=1, kind="stable")[:, :LENGTH]
    return listed(data, best)


def listed(data: Data, best: np.ndarray) -> pd.DataFrame:
    """Return lists (asked users, places) as rows."""
    ranks = np.tile(np.arange(1, best.shape[1] + 1), len(best))
    users = np.repeat(data.asked, best.shape[1])
    return pd.DataFrame({"user": users, "item": best.ravel(), "rank": ranks})


def from_factors(data: Data, users: np.ndarray, items: np.ndarray, biases: Any = 0.0) -> Ranker:
    """Rank by the products of factors."""
    return lambda: ranked(data, users[data.asked] @ items.T + biases)


# ---- systems -------------------------------------------------------------------------------------


def implicit(data: Data) -> Models:
    """Give the factor models and neighbours of implicit."""
    from implicit.cpu.als import AlternatingLeastSquares
    from implicit.cpu.bpr import BayesianPersonalizedRanking
    from implicit.cpu.lmf import LogisticMatrixFactorization
    from implicit.nearest_neighbours import BM25Recommender

    def fit(kind: Any, options: dict[str, Any]) -> Ranker:
        model = kind(num_threads=1, **options)
        model.fit(data.train, show_progress=False)

        def rank() -> pd.DataFrame:
            lists, _ = model.recommend(data.asked, data.train[data.asked], N=LENGTH)
            found = listed(data, lists)
            return found[found["item"] >= 0]

        return rank

    kinds = {
        "ALS": AlternatingLeastSquares,
        "BPR": BayesianPersonalizedRanking,
        "LMF": LogisticMatrixFactorization,
    }
    for name, kind in kinds.items():
        yield name, lambda kind=kind: fit(kind, {"random_state": data.seed}), []
    yield "BM25", lambda: fit(BM25Recommender, {}), []


def lightfm(data: Data) -> Models:
    """Give LightFM with identities, and with identities and tokens."""
    from lightfm import LightFM

    def fit(features: csr_matrix) -> Ranker:
        model = LightFM(no_components=64, loss="warp", random_state=data.seed)
        model.fit(data.train, item_features=features, epochs=30, num_threads=1)
        biases, items = model.get_item_representations(features)
        return from_factors(data, model.get_user_representations()[1], items, biases)

    one_each = identity(data.train.shape[1], dtype=np.float32, format="csr")
    both = hstack([one_each, data.tokens], format="csr", dtype=np.float32)
    note = ["loss warp, 64 components, 30 epochs"]
    yield "WARP", lambda: fit(one_each), note
    yield "WARP, KG", lambda: fit(both), note


def cmfrec(data: Data) -> Models:
    """Give collective factorisation without and with tokens."""
    from cmfrec import CMF_implicit

    def fit(features: Any) -> Ranker:
        options = {} if features is None else {"NA_as_zero_item": True}
        model = CMF_implicit(nthreads=1, random_state=data.seed, **options)
        model.fit(coo_matrix(data.train), I=features)
        return from_factors(data, model.A_, model.B_)

    yield "CMF", lambda: fit(None), []
    yield "CMF, KG", lambda: fit(coo_matrix(data.tokens)), ["NA_as_zero_item=True"]


def rectools(data: Data) -> Models:
    """Give wrapped models; iALS also with tokens, fitted together with the factors."""
    from implicit.cpu.als import AlternatingLeastSquares
    from implicit.nearest_neighbours import CosineRecommender
    from rectools.dataset import Dataset
    from rectools.models import (
        EASEModel,
        ImplicitALSWrapperModel,
        ImplicitItemKNNWrapperModel,
        PureSVDModel,
    )

    users, items = data.train.nonzero()
    day = pd.Timestamp("2000-01-01")  # it wants one
    rows = pd.DataFrame({"user_id": users, "item_id": items, "weight": 1.0, "datetime": day})
    facts = data.tokens.tocoo()
    known = np.isin(facts.row, items)  # its iALS refuses items without interactions
    told = {"id": facts.row[known], "feature": "fact", "value": facts.col[known]}
    plain = Dataset.construct(rows)
    with_facts = Dataset.construct(
        rows, item_features_df=pd.DataFrame(told), cat_item_features=["fact"]
    )

    def fit(model: Any, dataset: Any) -> Ranker:
        model.fit(dataset)

        def rank() -> pd.DataFrame:
            asked = np.intersect1d(data.asked, users)
            found = model.recommend(asked, dataset, LENGTH, filter_viewed=True)
            found = found.rename(columns={"user_id": "user", "item_id": "item"})
            return found[["user", "item", "rank"]]

        return rank

    def als(**options: Any) -> Any:
        inner = AlternatingLeastSquares(num_threads=1, random_state=data.seed)
        return ImplicitALSWrapperModel(inner, **options)

    cold = ["no new items in lists"]
    together = {"fit_features_together": True}
    yield "iALS", lambda: fit(als(), plain), cold
    yield "iALS, KG", lambda: fit(als(**together), with_facts), ["fitted together", *cold]
    yield "EASE", lambda: fit(EASEModel(num_threads=1), plain), cold
    knn = CosineRecommender(num_threads=1)
    yield "ItemKNN", lambda: fit(ImplicitItemKNNWrapperModel(knn), plain), cold
    yield "PureSVD", lambda: fit(PureSVDModel(), plain), cold


def lenskit(data: Data) -> Models:
    """Give implicit factorisation and item neighbours."""
    from lenskit.als import ImplicitMFScorer
    from lenskit.data import from_interactions_df
    from lenskit.knn import ItemKNNScorer
    from lenskit.pipeline import topn_pipeline
    from lenskit.training import TrainingOptions

    users, items = data.train.nonzero()
    dataset = from_interactions_df(pd.DataFrame({"user_id": users, "item_id": items}))

    def fit(scorer: Any) -> Ranker:
        from lenskit.batch import recommend

        pipeline = topn_pipeline(scorer, n=LENGTH)
        pipeline.train(dataset, TrainingOptions(rng=data.seed))

        def rank() -> pd.DataFrame:
            asked = np.intersect1d(data.asked, users)
            lists = recommend(pipeline, asked.tolist(), LENGTH, n_jobs=1)
            found = lists.to_df().rename(columns={"user_id": "user", "item_id": "item"})
            return found[["user", "item", "rank"]]

        return rank

    cold = ["no new items in lists"]
    yield "ImplicitMF", lambda: fit(ImplicitMFScorer()), cold
    yield "ItemKNN", lambda: fit(ItemKNNScorer(feedback="implicit")), cold


# ---- RecBole -------------------------------------------------------------------------------------

RECBOLE = ("BPR", "CFKG", "CKE", "KGCN", "KGAT")


class TimeIsUpError(Exception):
    """Training has taken as long as it may."""


def recbole(data: Data) -> Models:
    """Give deep models of the knowledge graph; early stopping as is their default."""
    write_atomic_files(data)
    for name in RECBOLE:
        notes: list[str] = []  # told by the fit
        yield name, lambda name=name, notes=notes: fit_recbole(data, name, notes), notes


def write_atomic_files(data: Data) -> None:
    """Write RecBole's files; it stops early on rows that are taken from training."""
    folder = data.folder / "recbole"
    folder.mkdir(exist_ok=True)
    users, items = data.train.nonzero()
    held = np.random.default_rng(data.seed).random(len(users)) < VALIDATION
    held[np.unique(users, return_index=True)[1]] = False  # a user without history is an error
    linked = np.flatnonzero(data.entities >= 0)

    def write(kind: str, columns: dict[str, Any]) -> None:
        pd.DataFrame(columns).to_csv(folder / f"recbole.{kind}", sep="\t", index=False)

    for part, chosen in (("train", ~held), ("valid", held), ("test", held)):
        write(f"{part}.inter", {"user_id:token": users[chosen], "item_id:token": items[chosen]})
    write("item", {"item_id:token": np.arange(len(data.entities))})
    write("link", {"item_id:token": linked, "entity_id:token": data.entities[linked]})
    sides = {"head": "head_id", "relation": "relation_id", "tail": "tail_id"}
    write("kg", {f"{named}:token": data.triples[side] for side, named in sides.items()})


def fit_recbole(data: Data, name: str, notes: list[str]) -> Ranker:
    """Train one model until it stops improving on validation rows, or the time is up."""
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_model, get_trainer, init_seed

    if name == "KGAT":
        use_renamed_dgl()
    columns = {"inter": ["user_id", "item_id"], "item": ["item_id"]}
    columns |= {"link": ["item_id", "entity_id"], "kg": ["head_id", "relation_id", "tail_id"]}
    options = {
        "data_path": str(data.folder),
        "load_col": columns,
        "benchmark_filename": ["train", "valid", "test"],
        "use_gpu": False,
        "seed": data.seed,
        "show_progress": False,
        "state": "ERROR",
        "checkpoint_dir": str(data.folder / "recbole"),
    }
    config = Config(model=name, dataset="recbole", config_dict=options)
    init_seed(data.seed, config["reproducibility"])
    dataset = create_dataset(config)
    train, valid, _ = data_preparation(config, dataset)
    model = get_model(name)(config, train._dataset)
    trainer = get_trainer(config["MODEL_TYPE"], name)(config, model)
    start, epochs = time.process_time(), [0]

    def check(epoch: int, _score: float) -> None:
        epochs[0] = epoch + 1
        if time.process_time() - start > data.cap:
            raise TimeIsUpError

    stopped = "early stopping"
    try:
        trainer.fit(train, valid, verbose=False, callback_fn=check)
    except TimeIsUpError:
        stopped = f"the cap of {data.cap:g} s"
    notes.append(f"{epochs[0]} epochs until {stopped}")
    return lambda: recbole_lists(data, trainer, dataset)


def use_renamed_dgl() -> None:
    """Let KGAT find what it calls under the names that it has in dgl since 1.0."""
    import dgl

    def edge_subgraph(graph: Any, edges: Any, *, preserve_nodes: bool) -> Any:
        return dgl.subgraph.edge_subgraph(graph, edges, relabel_nodes=not preserve_nodes)

    dgl.edge_subgraph = edge_subgraph
    dgl.DGLGraph.adjacency_matrix = dgl.DGLGraph.adj_external


def recbole_lists(data: Data, trainer: Any, dataset: Any) -> pd.DataFrame:
    """Rank with the parameters of the best epoch."""
    import torch
    from recbole.data.interaction import Interaction

    saved = torch.load(trainer.saved_model_file, weights_only=False)
    model = trainer.model
    model.load_state_dict(saved["state_dict"])
    model.load_other_parameter(saved.get("other_parameter"))
    model.eval()
    users = pd.Series(dataset.field2token_id["user_id"])
    items = pd.Series(dataset.field2token_id["item_id"]).drop("[PAD]")
    scores = np.full((len(data.asked), data.train.shape[1]), -np.inf)

    def scores_of(asked: Any) -> Any:
        try:
            return model.full_sort_predict(asked)
        except NotImplementedError:  # pair by pair, of all items
            asked = asked.repeat(dataset.item_num)
            asked.update(Interaction({"item_id": torch.arange(dataset.item_num)}))
            return model.predict(asked)

    for row, user in enumerate(data.asked.astype(str)):
        if user not in users.index:  # no training rows
            continue
        with torch.no_grad():
            found = scores_of(Interaction({"user_id": torch.tensor([users[user]])}))
        scores[row, items.index.astype(int)] = found.numpy().ravel()[items]
    return ranked(data, scores)


SYSTEMS = {one.__name__: one for one in (implicit, lightfm, cmfrec, rectools, lenskit, recbole)}


def main() -> None:
    """Fit the models of one system."""
    sys.path.pop(0)  # this folder, whose lightfm.py would hide the package
    if len(sys.argv) < 4 or sys.argv[1] not in SYSTEMS:
        sys.exit(f"usage: time_to_accuracy_peers.py {'|'.join(SYSTEMS)} FOLDER SEED [CAP]")
    system, folder, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    cap = float(sys.argv[4]) if len(sys.argv) > 4 else 300.0
    data = read(folder, seed, cap)
    users, items = ids_of(folder, "users"), ids_of(folder, "items")
    with suppress(ImportError):
        import torch

        torch.set_num_threads(1)
    for number, (name, fit, notes) in enumerate(SYSTEMS[system](data)):
        with redirect_stdout(sys.stderr):
            start = time.process_time()
            rank = fit()
            seconds = time.process_time() - start
            found = rank()
        run = found.assign(user=users[found["user"]], item=items[found["item"]])
        run.to_csv(folder / f"{number}.csv", index=False)
        row = {"model": name, "seconds": seconds, "notes": notes, "run": f"{number}.csv"}
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
