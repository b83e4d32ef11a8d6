"""Make the chunks that are free: one after the other on a disk, several at once in a bucket."""

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress

from labels.archives.plan import EntryChanged
from labels.bundles import chunks
from labels.bundles.archive_store import archives
from labels.bundles.chunks import BEAT_SECONDS, ChunkLost, NotHeld
from labels.bundles.fetching import Fetched
from labels.models import BundleChunk, BundlePart

_CONNECTIONS = 6


def make_chunks(free, lease_owner, layout_of, on_beat=lambda: None, enough=lambda: False):
    """Claim and make chunks of a queryset until none is free, or there are `enough`.

    Calls `on_beat` about once a second. Raises ChunkLost and NotHeld as `chunks.make` does.
    """
    free = free.select_related("part__bundle")
    if archives().AT_ONCE == 1:
        while not enough() and (chunk := free.claim_next(lease_owner)):
            chunks.make(chunk, layout_of(chunk.part), on_beat)
            on_beat()
    else:
        _Pool(free, lease_owner, layout_of, on_beat, enough).run()


class _Pool:
    """Threads that fetch and send; whatever touches the database stays in the thread that called."""

    def __init__(self, free, lease_owner, layout_of, on_beat, enough):
        self._free = free
        self._lease_owner = lease_owner
        self._layout_of = layout_of
        self._on_beat = on_beat
        self._enough = enough
        self._running = {}

    def run(self):
        senders = ThreadPoolExecutor(archives().AT_ONCE, "send")
        self._fetchers = ThreadPoolExecutor(_CONNECTIONS, "fetch")
        try:
            while self._start(senders):
                self._settle(wait(self._running, BEAT_SECONDS, FIRST_COMPLETED).done)
                self._beat()
        finally:
            senders.shutdown(cancel_futures=True)
            self._fetchers.shutdown(cancel_futures=True)
            self._keep_what_arrived()
            self._let_go()

    def _start(self, senders):
        """Have as many chunks in the making as may be; return whether there are any."""
        while len(self._running) < archives().AT_ONCE and not self._enough():
            chunk = self._free.claim_next(self._lease_owner)
            if chunk is None:
                break
            layout = self._layout_of(chunk.part)
            self._running[senders.submit(self._send, chunk, layout)] = chunk, layout
        return bool(self._running)

    def _send(self, chunk, layout):
        pieces, fetched = [], Fetched(layout, chunk.start, chunk.end, self._fetchers)
        try:
            content = layout.plan.read(chunk.start, chunk.end, fetched.open_entry, pieces.append)
            return pieces, archives().write(chunk.part.file.name, chunk, content)
        finally:
            fetched.close()

    def _settle(self, futures):
        for future in futures:
            chunk, layout = self._running[future]
            try:
                pieces, tag = future.result()
            except EntryChanged as changed:
                chunks.report(chunk, layout.positions[changed.index], changed.reason)
            except FileNotFoundError:
                raise NotHeld from None
            else:
                chunks.record(chunk, layout, pieces, tag)
            del self._running[future]

    def _beat(self):
        if self._held().renew_lease() < len(self._running):
            raise ChunkLost
        self._on_beat()

    def _held(self):
        ids = [chunk.pk for chunk, _ in self._running.values()]
        return BundleChunk.objects.filter(pk__in=ids, lease_owner=self._lease_owner)

    def _keep_what_arrived(self):
        """Record the chunks that were sent although others could not be."""
        good = [f for f in self._running if not f.cancelled() and f.exception() is None]
        with suppress(NotHeld):
            self._settle(good)

    def _let_go(self):
        """Free the chunks that were begun and not recorded, and what a cancelled build left behind."""
        self._held().release()
        for key in {chunk.part.file.name for chunk, _ in self._running.values()}:
            # A part that was on its way while its upload was aborted may have arrived after that.
            if not BundlePart.objects.filter(file=key).exists():
                archives().remove(key)
