"""Work done in sessions of their own while ours is in the middle of a transaction (PostgreSQL)."""

import threading

from django.db import connection

from tests.live.processes import wait_for


class Beside:
    """A wrapper of database calls: after each of our first statements one more piece of work begins.

    It is waited for until it is done, or held up by what we have locked.
    """

    def __init__(self, works):
        self._works = iter(works)
        self._threads = []
        self._troubles = []

    def __call__(self, execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        # Who reads a library has it locked in this process, and work beside would wait for us.
        work = None if "STRING_AGG" in sql else next(self._works, None)
        if work:
            thread = threading.Thread(target=self._do, args=(work,))
            self._threads.append(thread)
            thread.start()
            wait_for(lambda: not thread.is_alive() or somebody_waits(context["connection"]), "work beside")
        return result

    def join(self):
        """Wait for all of it; raise what any of it raised."""
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a piece of work does not end"
        if self._troubles:
            raise ExceptionGroup("work beside ours failed", self._troubles)

    def _do(self, work):
        try:
            work()
        except Exception as error:  # noqa: BLE001 (raised by join)
            self._troubles.append(error)
        finally:
            connection.close()


def somebody_waits(ours):
    """Return whether any session waits for another's lock."""
    # Not by a cursor of Django's: that would be one more statement of ours.
    with ours.connection.cursor() as cursor:
        return cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()[0]
