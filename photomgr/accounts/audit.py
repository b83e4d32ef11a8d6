"""The audit log: what staff do to things of others, written where it is done."""

from django.contrib import admin
from django.contrib.admin.apps import AdminConfig

from photomgr.accounts.proxies import client_address


def record(request, action, subject, owner=None, count=1):
    """Add a row: who of the staff did what, from where, to what, and whose it is."""
    from photomgr.accounts.models import StaffAction

    StaffAction.objects.create(
        actor=request.user.get_username(),
        actor_number=request.user.pk,
        address=client_address(request),
        action=action[:60],
        subject=str(subject)[:300],
        owner=owner.get_username() if owner else "",
        count=count,
    )


class Audited:
    """Of any page of the admin: the rows it adds, changes and deletes, and its actions."""

    def log_addition(self, request, obj, message):
        record(request, "added in the admin", _named(obj), _owner(obj))
        return super().log_addition(request, obj, message)

    def log_change(self, request, obj, message):
        fields = [name for part in message if isinstance(part, dict) for name in _fields(part)]
        what = f"{_named(obj)}: {', '.join(fields)}" if fields else _named(obj)
        record(request, "changed in the admin", what, _owner(obj))
        return super().log_change(request, obj, message)

    def log_deletions(self, request, queryset):
        for obj in queryset:
            record(request, "deleted in the admin", _named(obj), _owner(obj))
        return super().log_deletions(request, queryset)

    def response_action(self, request, queryset):
        actions, name = self.get_actions(request), request.POST.get("action")
        chosen = request.POST.getlist("_selected_action")
        if name in actions and name != "delete_selected" and chosen:
            everything = request.POST.get("select_across") == "1"
            count = queryset.count() if everything else len(chosen)
            which = "all that were listed" if everything else ", ".join(chosen)
            subject = f"{self.opts.verbose_name_plural} {which}"
            record(request, f"{actions[name][2]} in the admin".lower(), subject, count=count)
        return super().response_action(request, queryset)


def _named(obj):
    return f"{obj._meta.verbose_name} {obj.pk}: {obj}"


def _owner(obj):
    owner = getattr(obj, "owner", None)
    return owner if hasattr(owner, "get_username") else None


def _fields(part):
    return [name for change in part.values() for name in change.get("fields", [])]


class AuditedSite(admin.AdminSite):
    """The admin, in which every page writes the audit log, those of other packages too."""

    def register(self, model_or_iterable, admin_class=None, **options):
        admin_class = admin_class or admin.ModelAdmin
        if not issubclass(admin_class, Audited):
            admin_class = type(admin_class.__name__, (Audited, admin_class), {"__module__": __name__})
        super().register(model_or_iterable, admin_class, **options)


class AuditedAdminConfig(AdminConfig):
    default_site = "photomgr.accounts.audit.AuditedSite"
