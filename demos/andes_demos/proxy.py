"""The way to a server: through the proxy of the environment, if there is one."""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

__all__ = ["BadProxyError", "transport"]


class BadProxyError(ValueError):
    """The proxy cannot be used; the message says why, and quotes nothing: it may be a secret."""


def transport(url: str) -> httpx2.AsyncHTTPTransport:
    """HTTP to that address, as the environment says; this machine is reached directly.

    Raises:
        BadProxyError: the environment names a proxy that cannot be used.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    proxy = _proxy(parts.scheme, host)
    try:
        if proxy:
            there = urlsplit(proxy)
            if not there.hostname or there.port == 0:  # beyond 65535 it raises by itself
                raise ValueError(proxy)
        return httpx2.AsyncHTTPTransport(proxy=proxy)
    except ImportError:
        problem = "is a SOCKS proxy, which needs one package more: pip install 'httpx2[socks]'"
    except (ValueError, TypeError, httpx2.InvalidURL):
        problem = "is no URL such as http://proxy.example:3128"
    raise BadProxyError(
        f"The proxy that the environment names ({parts.scheme}_proxy or all_proxy) {problem}. To "
        f"do without a proxy, add {host} to no_proxy."
    )


def _proxy(scheme: str, host: str) -> str | None:
    if host == "localhost" or host == "::1" or host.startswith("127.") or proxy_bypass(host):
        return None
    proxies = getproxies()
    return proxies.get(scheme) or proxies.get("all")
