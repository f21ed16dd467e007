"""Re-ranking: the order of a model's best candidates, changed for more than accuracy.

==================== ============================================ ==========================
name                 aim                                          paper
==================== ============================================ ==========================
mmr                  items unlike each other                      Carbonell & Goldstein 1998
dpp                  the same, of the list as a whole             Chen, Zhang & Zhou 2018
calibrated           the user's mix of categories                 Steck 2018
popularity-damping   fewer popular items                          Abdollahpouri et al. 2019
fair-exposure        groups of items shown as often as they earn  Singh & Joachims 2018
==================== ============================================ ==========================
"""

from __future__ import annotations

from hybridrec.ranking.rerank.calibrated import Calibrated
from hybridrec.ranking.rerank.damping import PopularityDamping
from hybridrec.ranking.rerank.dpp import DPP
from hybridrec.ranking.rerank.exposure import FairExposure
from hybridrec.ranking.rerank.mmr import MMR
from hybridrec.ranking.rerank.parse import RERANKERS, parse_reranker, reranker_from_json
from hybridrec.ranking.rerank.reranker import Reordering, Reranker

__all__ = [
    "DPP",
    "MMR",
    "RERANKERS",
    "Calibrated",
    "FairExposure",
    "PopularityDamping",
    "Reordering",
    "Reranker",
    "parse_reranker",
    "reranker_from_json",
]
