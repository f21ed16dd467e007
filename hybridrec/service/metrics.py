"""Figures for Prometheus: requests, times, errors, feedback, versions. No ids of users."""

from __future__ import annotations

from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """The figures of one service, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "hybridrec_requests_total",
            "Requests by method, route and status.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "hybridrec_request_seconds",
            "Time from the head of a request to the end of its answer.",
            ["route"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._errors = Counter(
            "hybridrec_errors_total",
            "Requests answered with a status of 500 or above.",
            ["route"],
            registry=self._registry,
        )
        self.feedback = Counter(
            "hybridrec_feedback_events_total",
            "Events of feedback stored.",
            registry=self._registry,
        )
        self._model = Gauge(
            "hybridrec_model_info",
            "1 for the version of each model that is served.",
            ["model", "version"],
            registry=self._registry,
        )
        self._children: dict[tuple[str, str, int], tuple[Any, Any]] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        key = (method, route, status)
        found = self._children.get(key)
        if found is None:  # labels() costs more than all the rest
            found = self._children[key] = (
                self._requests.labels(method, route, str(status)),
                self._seconds.labels(route),
            )
        counter, histogram = found
        counter.inc()
        histogram.observe(seconds)
        if status >= 500:
            self._errors.labels(route).inc()

    def show(self, versions: dict[str, str]) -> bytes:
        """Return the page that Prometheus reads.

        Parameters
        ----------
        versions : dict of str to str
            The version of each model now.
        """
        self._model.clear()
        for name, version in versions.items():
            self._model.labels(name, version).set(1)
        return generate_latest(self._registry)
