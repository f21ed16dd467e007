from __future__ import annotations

import pytest

from hybridrec.cli import doctor


def test_a_healthy_installation_passes(run):
    result = run("doctor")
    assert result.code == 0
    for name in ("python", "numpy", "numba", "duckdb", "CPUs", "numba threads", "extra lightfm"):
        assert f"\n{name} " in result.out
    assert "self-test" in result.out
    assert "passed" in result.out


def test_wrong_lists_are_found(run, monkeypatch):
    from hybridrec.models import registry

    popularity = registry.make_model("popularity")
    monkeypatch.setattr(registry, "make_model", lambda *_, **__: popularity)
    result = run("doctor")
    assert result.code == 1
    assert "FAILED: recommends" in result.out


def test_a_broken_package_is_found(run, monkeypatch):
    def broken(*_, **__):
        raise ImportError("undefined symbol: __log_finite")

    monkeypatch.setattr("hybridrec.models.registry.make_model", broken)
    monkeypatch.setattr(doctor, "import_module", broken)
    monkeypatch.setattr(doctor, "_version", lambda _: "1.0")
    result = run("doctor")
    assert result.code == 1
    assert "FAILED: ImportError: undefined symbol" in result.out
    assert "cannot be imported" in result.out


@pytest.mark.parametrize("writable", [True, False])
def test_a_cache_that_cannot_be_written_is_told(writable, monkeypatch):
    monkeypatch.setattr(doctor.os, "access", lambda *_: writable)
    assert ("not writable" in doctor._kernel_cache()) is not writable
