"""Texts as arrays of numbers, which a model folder keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np


def pack_texts(name: str, texts: Iterable[str]) -> dict[str, np.ndarray]:
    """Return the UTF-8 bytes of texts, and where each ends, as two arrays."""
    encoded = [text.encode("utf-8") for text in texts]
    ends = np.cumsum([len(one) for one in encoded], dtype=np.int64)
    return {
        f"{name}.bytes": np.frombuffer(b"".join(encoded), dtype=np.uint8),
        f"{name}.ends": ends,
    }


def unpack_texts(name: str, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the texts that `pack_texts` took apart, an object array."""
    ends = arrays[f"{name}.ends"].tolist()
    whole = arrays[f"{name}.bytes"].tobytes()
    starts = [0, *ends][: len(ends)]
    texts = [whole[a:b].decode("utf-8") for a, b in zip(starts, ends, strict=True)]
    return np.array(texts, dtype=object)
