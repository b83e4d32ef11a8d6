"""What a proxy says about the client, believed only from the proxies that TRUSTED_PROXIES names."""

from functools import lru_cache
from ipaddress import ip_address, ip_network

from django.conf import settings

# How a peer on a unix socket is named in the setting; the server gives it no address.
UNIX = "unix"


class TrustedProxyMiddleware:
    """Set REMOTE_ADDR to the client's address, and drop X-Forwarded-Proto unless a trusted proxy sent it."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        meta = request.META
        path = meta.pop("HTTP_X_FORWARDED_FOR", "").split(",")
        scheme = meta.pop("HTTP_X_FORWARDED_PROTO", "").split(",")[-1].strip()
        proxies = _networks(tuple(settings.TRUSTED_PROXIES))
        if _is_trusted(meta.get("REMOTE_ADDR", ""), proxies):
            meta["REMOTE_ADDR"] = _client(meta.get("REMOTE_ADDR", ""), path, proxies)
            if scheme:
                # Read by SECURE_PROXY_SSL_HEADER.
                meta["HTTP_X_FORWARDED_PROTO"] = scheme
        return self.get_response(request)


def _client(peer, path, proxies):
    """Return the last address that no trusted proxy has; what stands before it anybody may have written."""
    for word in reversed(path):
        if (address := _address(word)) is None:
            break
        peer = str(address)
        if not _is_trusted(peer, proxies):
            break
    return peer


def _address(word):
    try:
        return ip_address(word.strip().removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def _is_trusted(peer, proxies):
    if not peer:
        return UNIX in proxies
    address = _address(peer)
    return address is not None and any(network != UNIX and address in network for network in proxies)


@lru_cache(maxsize=8)
def _networks(names):
    return [name if name == UNIX else ip_network(name, strict=False) for name in names]


def client_network(request):
    """Return the client's IPv4 address, or the /64 of an IPv6 one, which one household has; or None."""
    address = _address(request.META.get("REMOTE_ADDR") or "")
    if address is None or address.version == 4:
        return address and str(address)
    mapped = address.ipv4_mapped
    return str(mapped or ip_network((int(address), 64), strict=False).network_address)


def client_address(request):
    """Return the client's address as TRUSTED_PROXIES let it be known; None on a unix socket without one."""
    address = _address(request.META.get("REMOTE_ADDR") or "")
    return address and str(address)
