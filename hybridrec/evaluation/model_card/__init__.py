"""Model cards: what a model is, what it was made of, what was measured, and its limits."""

from __future__ import annotations

from hybridrec.evaluation.model_card.card import ModelCard, model_card

__all__ = ["ModelCard", "model_card"]
