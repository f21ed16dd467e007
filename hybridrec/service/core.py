"""What the routes of a service share: its models, its threads, its state."""

from __future__ import annotations

import asyncio
import gc
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore
from typing import Any, TypeVar

from hybridrec.dataset.idmap import IdMap
from hybridrec.errors import HybridRecError, did_you_mean
from hybridrec.runtime import available_cpus
from hybridrec.service.errors import ApiError
from hybridrec.service.gathering import Gathering
from hybridrec.service.live import LiveRecommender
from hybridrec.service.metrics import Metrics
from hybridrec.service.schemas import LARGEST
from hybridrec.service.settings import Settings

Result = TypeVar("Result")
_NUMBER = re.compile("-?[0-9]{1,19}")


class Pool:
    """A few threads, and a queue that does not grow without bound.

    Parameters
    ----------
    threads : int
    waiting : int
        Calls that may wait for a thread; the next one is refused.
    """

    def __init__(self, threads: int, waiting: int) -> None:
        self._executor = ThreadPoolExecutor(threads, "hybridrec-serve")
        self._room = Semaphore(threads + waiting)

    async def run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call a function in one of the threads.

        Raises
        ------
        ApiError
            If too many calls wait already.
        """
        if not self._room.acquire(blocking=False):
            raise ApiError(503, "too many requests at once; try again", {"Retry-After": "1"})
        future = self._executor.submit(function, *arguments)
        future.add_done_callback(lambda _: self._room.release())
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Wait for the calls that run."""
        self._executor.shutdown(wait=True, cancel_futures=True)


class Service:
    """Everything that the routes of one service share.

    Parameters
    ----------
    models : mapping of str to LiveRecommender
        The first is the default.
    settings : Settings

    Attributes
    ----------
    gatherings : dict of str to Gathering
        Of the requests for each model.
    compute : Pool
        For calls that may take longer than a millisecond.
    writes : Pool
        For feedback, which waits for the disk; those that wait together share a commit.
    stopping : bool
        Set when the service is told to end.
    """

    def __init__(self, models: Mapping[str, LiveRecommender], settings: Settings) -> None:
        self.models = dict(models)
        self.gatherings = {name: Gathering(live) for name, live in models.items()}
        self.settings = settings
        self.metrics = Metrics()
        self.compute = Pool(max(2, available_cpus()), waiting=256)
        self.writes = Pool(16, waiting=1024)
        self.stopping = False

    def choose(self, name: str | None) -> tuple[str, LiveRecommender]:
        """Return the name and the model that a request asks for, as it is at this moment.

        Raises
        ------
        ApiError
            If there is no such model.
        """
        chosen = next(iter(self.models)) if name is None else name
        if chosen not in self.models:
            hint = did_you_mean(chosen, self.models)
            raise ApiError(404, f"no model has this name{hint} (GET /models lists them)")
        return chosen, self.models[chosen].frozen()

    def check_k(self, k: int) -> None:
        """Refuse lists that are longer than this service makes them."""
        if k > self.settings.max_k:
            raise ApiError(422, f"k: at most {self.settings.max_k} here, got {k}")

    def check_count(self, name: str, count: int) -> None:
        """Refuse batches that are larger than this service takes them."""
        if count > self.settings.max_batch:
            raise ApiError(422, f"{name}: at most {self.settings.max_batch} at once, got {count}")

    @property
    def takes_feedback(self) -> bool:
        """Whether there is a log to store feedback in."""
        return self.choose(None)[1].log is not None

    async def reload(self) -> tuple[list[dict[str, str]], list[str]]:
        """Load the folders of all models again.

        Returns
        -------
        (list of {"name", "version"}, list of str)
            What is served now, and what is wrong with folders that cannot be loaded: their models
            are served as they were.
        """
        told = [await self._reload(name) for name in self.models]
        await self.compute.run(settle_memory)
        found = [{"name": name, "version": live.version} for name, live in self.models.items()]
        return found, [one for one in told if one is not None]

    async def _reload(self, name: str) -> str | None:
        """Load the folder of a model again; return what is wrong with it."""
        try:
            await self.compute.run(self.models[name].reload)
        except HybridRecError as error:
            return f"{name} is served as it was: {error}"
        return None

    def close(self) -> None:
        """Finish what runs in threads."""
        self.compute.close()
        self.writes.close()
        gc.unfreeze()  # libraries count what is left at the end


def settle_memory() -> None:
    """Collect garbage, and leave what is alive out of later collections.

    Each of them stops all threads, for a tenth of a second where models of the size of
    amazon-book are loaded.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def id_of(known: IdMap, text: str) -> Any:
    """Return the id that a text from an address means: a number where ids are numbers."""
    if known.is_text or not _NUMBER.fullmatch(text):
        return text
    number = int(text)
    return number if -LARGEST <= number < LARGEST else text
