from django.conf import settings
from django.core.checks import Tags, Warning, register

from photomgr.private_files import is_private


@register(Tags.security)
def check_proxy(app_configs, **kwargs):
    if settings.SITE_URL.startswith("https://") and not settings.TRUSTED_PROXIES:
        yield Warning(
            "SITE_URL begins with https:// and TRUSTED_PROXIES is empty: all requests seem to come from one "
            "address and without TLS, so nothing is redirected to https and HSTS is not sent.",
            hint="Set TRUSTED_PROXIES to the addresses of the proxy in front: TRUSTED_PROXIES=127.0.0.1.",
            id="accounts.W001",
        )


@register(Tags.security)
def check_private_files(app_configs, **kwargs):
    if not is_private(settings.DATA_DIR):
        yield Warning(
            f"{settings.DATA_DIR} can be read by other accounts of this machine.",
            hint=f"It belongs to another account, which can mend it: chmod 700 {settings.DATA_DIR}",
            id="accounts.W002",
        )
