"""Rules for staff: what is in force, what the edited ones would change, applying them and going back."""

from django.contrib import messages
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from labels.labelling import rule_runs
from labels.models import LabelRule, Photo, RuleRun, RuleVersion
from labels.rules import versions
from labels.views.cards import cards, photos_in_words
from labels.workers import queue
from photomgr.accounts import audit
from photomgr.staff import staff_needs

_VERSIONS = 10
_WORDS = {
    rule_runs.HIDDEN: "hide",
    rule_runs.REPLACED: "replace",
    rule_runs.TO_REVIEW: "keep back for review",
    rule_runs.ADDED: "add",
}


@staff_needs("labels.view_labelrule")
@require_safe
def rules(request):
    return render(
        request,
        "_rules_state.html" if request.htmx else "rules.html",
        {
            "nav": "rules",
            "rules": LabelRule.objects.all(),
            "versions": RuleVersion.objects.select_related("author")[:_VERSIONS],
            "can_undo": RuleVersion.objects.count() > 1,
            "is_changed": versions.is_changed(),
            "dry": _dry(request.user),
            "rule_run": RuleRun.objects.filter(is_dry=False).first(),
        },
    )


@staff_needs("labels.change_labelrule")
@require_POST
def rules_try(request):
    """Work out what the edited rules would change, in the background unless the library is small."""
    _run(rule_runs.start_dry())
    return redirect("rules")


@staff_needs("labels.change_labelrule")
@require_POST
def rules_apply(request):
    """Put the edited rules in force and bring every photo in line."""
    if not versions.is_changed():
        messages.info(request, "These rules are in force already.")
        return redirect("rules")
    version = versions.put_in_force(request.user, request.POST.get("note", ""))
    audit.record(request, "put rules in force", version)
    _begin(request, f"{version} are in force.")
    return redirect("rules")


# The rules of the version before take the place of those being edited.
@staff_needs("labels.add_labelrule", "labels.change_labelrule", "labels.delete_labelrule")
@require_POST
def rules_undo(request):
    version = versions.go_back(request.user)
    if version is None:
        messages.error(request, "There are no rules before these.")
        return redirect("rules")
    audit.record(request, "went back to earlier rules", f"{version}: {version.note}")
    _begin(request, f"{version.note}.")
    return redirect("rules")


def _begin(request, words):
    row = rule_runs.start()
    if row:
        _run(row)
        words += f" {photos_in_words(row.total)} are brought in line."
    messages.success(request, words)


def _run(row):
    """Finish a small one while the person waits; leave the rest to a worker."""
    if row.total > rule_runs.CHUNK:
        queue.enqueue_after_commit("run_rules", row.pk)
        return
    claimed = RuleRun.objects.claim(row.pk)
    if claimed and not rule_runs.carry_on(claimed):
        queue.enqueue_after_commit("run_rules", row.pk)


def _dry(user):
    """Return what a page shows of the latest dry run, unless the rules were edited since."""
    row = RuleRun.objects.filter(is_dry=True).first()
    if row is None or not row.found:
        return None
    counts, examples = row.found["counts"], row.found["examples"]
    ids = {pk for shown in examples.values() for pk in shown}
    by_pk = {card["photo"].pk: card for card in cards(list(Photo.objects.filter(owner=user, pk__in=ids)))}
    kinds = [kind for kind in _WORDS if counts.get(kind)]
    return {
        "row": row,
        "is_current": row.rules == versions.snapshot(),
        "sentence": ", ".join(f"{_WORDS[kind]} {counts[kind]:,}" for kind in kinds) or "change nothing",
        "kinds": [
            {
                "words": f"{_WORDS[kind].capitalize()}: {counts[kind]:,}",
                # A photo answers only to its owner: of other people's there are numbers, no pictures.
                "cards": [by_pk[pk] for pk in examples[kind] if pk in by_pk],
            }
            for kind in kinds
        ],
    }
