"""Benchmarks: ``python -m bench.NAME``; results are kept in ``bench/results``."""
