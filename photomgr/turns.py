"""Rows of accounts, claimed in turn: a task says only that there is work, the worker takes the most urgent.

The order: one row of each account that has any due, and again from the first account; of one account first
what its owner added by hand, then what came or was asked for in bulk; of those the longest waiting.
"""

from django.conf import settings
from django.db import connections, models, transaction
from django.db.models import Q
from django.utils import timezone

from photomgr.claim import Claimed, ClaimQuerySet

# {model: the account that this process served last}; each process goes round by itself.
_served = {}
# More than any id.
_NO_END = 2**63 - 1


class _Literal(models.Value):
    """A word of ours that stands in the statement itself: SQLite takes a partial index for no parameter."""

    def as_sql(self, compiler, connection):
        return f"'{self.value}'", ()


class InTurnQuerySet(ClaimQuerySet):
    def waiting(self):
        return self.filter(status=_Literal(self.model.WAITING))

    def in_line(self, now):
        """Return the rows that are waiting and due, the longest waiting first."""
        return self.filter(status=self.model.WAITING, next_attempt_at__lte=now).order_by("next_attempt_at")

    def due(self, now):
        """Return the claimable rows. One that waits has an attempt left: the last never ends in waiting.

        (Where MAX_ATTEMPTS was lowered meanwhile it has one more, and fails for a reason of its own.)
        """
        left = Q(status=self.model.WAITING) | Q(attempts__lt=settings.MAX_ATTEMPTS)
        return self.claimable(now).filter(left).order_by("next_attempt_at", "pk")

    def worn_out(self, now):
        """Return the rows whose every attempt ended with the death of its worker."""
        return self._of_dead_workers(now).filter(attempts__gte=settings.MAX_ATTEMPTS)

    def claim_next(self, lease_owner=None):
        """Return the most urgent row, claimed, or None when nothing is due."""
        for owner, line in self._owners_after(_served.get(self.model, 0)):
            if row := self.filter(owner=owner)._claim_first(line, lease_owner):
                _served[self.model] = owner
                return row
        return None

    def put_back(self, now):
        """Let the rows whose worker died wait in line again, where they were; return how many."""
        died = self._of_dead_workers(now).filter(attempts__lt=settings.MAX_ATTEMPTS)
        return died.release(status=self.model.WAITING)

    def _of_dead_workers(self, now):
        return self.filter(status=self.model.WORKING, lease_until__lt=now)

    def _owners_after(self, last):
        """Yield (account, its first line) where rows wait, from the account after `last` round to `last`."""
        # In SQL: Django takes longer to write it than the database to answer, once or twice for each photo.
        # By all columns of the index: PostgreSQL takes that of the owner otherwise, and reads what is done.
        sql = (
            f"SELECT owner_id, line FROM {self.model._meta.db_table} WHERE status = '{self.model.WAITING}' "  # noqa: S608 (names of the model)
            "AND owner_id > %s AND owner_id <= %s ORDER BY owner_id, line, next_attempt_at LIMIT 1"
        )
        with connections[self.db].cursor() as cursor:
            for owner, end in ((last, _NO_END), (0, last)):
                # All of the one row: a statement that is not read to its end keeps SQLite's old snapshot.
                while rows := cursor.execute(sql, (owner, end)).fetchall():
                    [(owner, line)] = rows
                    yield owner, line

    def _claim_first(self, first_line, lease_owner):
        due = self.waiting().filter(next_attempt_at__lte=timezone.now())
        # Locked by another worker: that one takes it. (SQLite has one writer at a time and needs no lock.)
        due = due.select_for_update(skip_locked=True, no_key=True).order_by("next_attempt_at")
        with transaction.atomic():
            for line in range(first_line, self.model.Line.IN_BULK + 1):
                if pk := due.filter(line=line).values_list("pk", flat=True).first():
                    return self.claim(pk, lease_owner)
        return None


class ClaimedInTurn(Claimed):
    """Fields of a row that has an `owner` and is claimed in turn."""

    class Line(models.IntegerChoices):
        """In which line of its account a row waits; the first one goes first."""

        BY_HAND = 0, "by hand"
        IN_BULK = 1, "in bulk"

    line = models.PositiveSmallIntegerField(choices=Line, default=Line.BY_HAND, editable=False)

    class Meta:
        abstract = True


def in_turn_index(name, waiting):
    """Return the index by which claim_next finds the accounts, and in each the row that is next."""
    fields = ["status", "owner", "line", "next_attempt_at"]
    return models.Index(fields=fields, condition=models.Q(status=waiting), name=name)
