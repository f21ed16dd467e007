"""Compiled functions on arrays: no classes, no input or output, no checks.

Callers check and convert their arguments before they come here.
"""

from __future__ import annotations

from hybridrec.kernels.cache import ensure_cache

ensure_cache()
