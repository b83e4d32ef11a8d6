"""Make the chunks that are free: one after the other on a disk, several at once in a bucket."""

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing, suppress

from labels.bundles import chunks
from labels.bundles.archive_store import archives
from labels.bundles.chunks import ChunkLost, LeaseLost
from labels.bundles.prefetch import Prefetch
from labels.models import BundleChunk, BundlePart


def make_chunks(free, lease_owner, content_of, on_progress=lambda: None, enough=lambda: False):
    """Make chunks of a queryset until none is free or there are `enough`; raise LeaseLost or ChunkLost."""
    free = free.select_related("part__bundle")
    if archives().AT_ONCE == 1:
        while not enough() and (chunk := free.claim_next(lease_owner)):
            chunks.make(chunk, content_of(chunk.part), on_progress)
            on_progress()
    else:
        _Pool(free, lease_owner, content_of, on_progress, enough).run()


class _Pool:
    """Threads that fetch and send; whatever touches the database stays in the thread that called."""

    def __init__(self, free, lease_owner, content_of, on_progress, enough):
        self._free = free
        self._lease_owner = lease_owner
        self._content_of = content_of
        self._on_progress = on_progress
        self._enough = enough
        self._running = {}

    def run(self):
        senders = ThreadPoolExecutor(archives().AT_ONCE, "send")
        self._fetchers = ThreadPoolExecutor(6, "fetch")
        try:
            while self._start(senders):
                self._collect(wait(self._running, chunks.RENEWAL_SECONDS, FIRST_COMPLETED).done)
                if self._begun().renew_lease() < len(self._running):
                    raise ChunkLost
                self._on_progress()
        finally:
            senders.shutdown(cancel_futures=True)
            self._fetchers.shutdown(cancel_futures=True)
            # Chunks that were sent although others could not be.
            with suppress(LeaseLost):
                self._collect([f for f in self._running if not f.cancelled() and f.exception() is None])
            self._release()

    def _start(self, senders):
        """Have as many chunks in the making as may be; return whether there are any."""
        for _ in range(len(self._running), archives().AT_ONCE):
            if self._enough() or not (chunk := self._free.claim_next(self._lease_owner)):
                break
            content = self._content_of(chunk.part)
            self._running[senders.submit(self._send, chunk, content)] = chunk, content
        return bool(self._running)

    def _send(self, chunk, content):
        with closing(Prefetch(content, chunk.start, chunk.end, self._fetchers)) as ahead:
            return chunks.write(chunk, content, ahead.open_entry)

    def _collect(self, futures):
        for future in futures:
            chunks.record_outcome(*self._running[future], future.result)
            del self._running[future]

    def _begun(self):
        """Return the chunks that were begun and not recorded, without those that others lease by now."""
        ids = [chunk.pk for chunk, _ in self._running.values()]
        return BundleChunk.objects.filter(pk__in=ids, lease_owner=self._lease_owner)

    def _release(self):
        """Release the chunks that were begun and not recorded; remove what a cancelled build left behind."""
        self._begun().release()
        for key in {chunk.part.file.name for chunk, _ in self._running.values()}:
            # A part that was on its way while its upload was aborted may have arrived after that.
            if not BundlePart.objects.filter(file=key).exists():
                archives().remove(key)
