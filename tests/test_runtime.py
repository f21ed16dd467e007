"""Threads, random streams, progress."""

from __future__ import annotations

import io
import threading
from contextlib import suppress

import numba
import numpy as np
import pytest
import threadpoolctl

from hybridrec import runtime
from hybridrec.errors import ParameterError
from hybridrec.runtime import (
    available_cpus,
    check_random_state,
    progress,
    random_stream,
    resolve_threads,
    threads,
)


def blas_threads():
    return {
        one["num_threads"] for one in threadpoolctl.threadpool_info() if one["user_api"] == "blas"
    }


class TestCpus:
    @pytest.mark.parametrize(
        ("files", "quota"),
        [
            ({}, None),
            ({"cpu.max": "max 100000\n"}, None),
            ({"cpu.max": "250000 100000\n"}, 2.5),
            ({"cpu.max": "50000 100000\n"}, 1.0),
            ({"cpu.max": "nonsense"}, None),
            ({"cpu.max": "100000 0\n"}, None),
            ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3.0),
            ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
            ({"cpu/cpu.cfs_quota_us": "300000\n"}, None),
        ],
    )
    def test_quota_of_the_container(self, tmp_path, files, quota):
        for name, text in files.items():
            file = tmp_path / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        assert runtime._cgroup_quota(tmp_path) == quota

    @pytest.mark.parametrize(("quota", "cpus"), [(None, 4), (2.5, 2), (1.0, 1), (64.0, 4)])
    def test_quota_and_affinity(self, monkeypatch, quota, cpus):
        monkeypatch.setattr(runtime.os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
        monkeypatch.setattr(runtime, "_cgroup_quota", lambda _: quota)
        assert available_cpus() == cpus

    def test_without_affinity(self, monkeypatch):
        monkeypatch.delattr(runtime.os, "sched_getaffinity", raising=False)
        monkeypatch.setattr(runtime, "_cgroup_quota", lambda _: None)
        monkeypatch.setattr(runtime.os, "cpu_count", lambda: None)
        assert available_cpus() == 1


class TestResolveThreads:
    def test_zero_means_all_and_more_than_all_is_all(self, monkeypatch):
        monkeypatch.setattr(runtime, "available_cpus", lambda: 3)
        assert [resolve_threads(n) for n in (0, 1, 2, np.int64(2), 3, 99)] == [3, 1, 2, 2, 3, 3]

    @pytest.mark.parametrize("value", [-1, 1.0, True, "2", None])
    def test_refused(self, value):
        with pytest.raises(ParameterError, match="num_threads must be"):
            resolve_threads(value)


class TestThreads:
    def test_kernel_threads_are_set_and_restored(self):
        before = numba.get_num_threads()
        with threads(1) as count:
            assert count == numba.get_num_threads() == 1
        assert numba.get_num_threads() == before

    def test_blas_is_capped_and_restored_after_an_error(self):
        with threadpoolctl.threadpool_limits(2, user_api="blas"):
            before = blas_threads()
            with suppress(ZeroDivisionError), threads(1):
                assert blas_threads() == {1}
                raise ZeroDivisionError
            assert blas_threads() == before

    def test_blocks_nest(self):
        with threadpoolctl.threadpool_limits(2, user_api="blas"):
            before = blas_threads()
            with threads(1):
                with threads(1):
                    pass
                assert blas_threads() == {1}
            assert blas_threads() == before

    def test_blocks_of_two_threads_that_overlap_leave_blas_as_it_was(self):
        """The second block is entered inside the first and left after it."""
        first_in, second_in, first_out = (threading.Event() for _ in range(3))

        def first():
            with threads(1):
                first_in.set()
                second_in.wait(10)
            first_out.set()

        def second():
            first_in.wait(10)
            with threads(1):
                second_in.set()
                first_out.wait(10)

        with threadpoolctl.threadpool_limits(2, user_api="blas"):
            before = blas_threads()
            workers = [threading.Thread(target=one) for one in (first, second)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join(20)
            assert blas_threads() == before


class TestRandom:
    def test_streams_depend_on_seed_and_unit_alone(self):
        again = random_stream(3, 1, 2).random(4)
        random_stream(3, 9).random(100)
        np.testing.assert_array_equal(random_stream(3, 1, 2).random(4), again)
        for other in (random_stream(4, 1, 2), random_stream(3, 2, 1), random_stream(3, 1)):
            assert not np.array_equal(other.random(4), again)

    def test_seed_becomes_an_int(self):
        assert check_random_state(np.uint32(7)) == 7
        assert type(check_random_state(np.int64(7))) is int

    @pytest.mark.parametrize("value", [-1, 0.5, True, None, "1"])
    def test_refused(self, value):
        with pytest.raises(ParameterError, match="random_state must be"):
            random_stream(value)


class TestProgress:
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    @pytest.mark.parametrize(("show", "stream"), [(True, io.StringIO()), (False, Terminal())])
    def test_silent_without_a_terminal_or_a_wish(self, monkeypatch, show, stream):
        monkeypatch.setattr(runtime.sys, "stderr", stream)
        with progress(3, "work", show=show) as advance:
            advance(3)
        assert stream.getvalue() == ""

    def test_a_bar_on_a_terminal(self, monkeypatch):
        stream = self.Terminal()
        monkeypatch.setattr(runtime.sys, "stderr", stream)
        monkeypatch.setenv("TERM", "xterm")
        with progress(3, "work", show=True) as advance:
            advance(3)
        assert "work" in stream.getvalue()
