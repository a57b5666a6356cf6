"""Which addresses of the network are public: those that anybody can reach, and nothing behind them.

A server that fetches what a caller names can be made to ask its own neighbours: 127.0.0.1, the router, the
metadata service of a cloud. A name proves nothing, since whoever owns it decides where it leads; so it is the
address that is judged, and only one that was judged is connected to.
"""

from __future__ import annotations

import ipaddress
import re

__all__ = ["host_name", "is_public"]

_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

_IPV4 = [
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this host (RFC 1122)
        "10.0.0.0/8",  # private (RFC 1918), as are 172.16/12 and 192.168/16
        "100.64.0.0/10",  # behind a carrier's address translation (RFC 6598); metadata at Alibaba
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # looks public: the platform of Azure, as its machines see it
        "169.254.0.0/16",  # link-local (RFC 3927); metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments (RFC 6890); metadata at Oracle
        "192.0.2.0/24",  # examples (RFC 5737), as are 198.51.100/24 and 203.0.113/24
        "192.88.99.0/24",  # relays of 6to4 (RFC 7526)
        "192.168.0.0/16",
        "198.18.0.0/15",  # measurements of equipment (RFC 2544)
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
]
_GLOBAL = ipaddress.IPv6Network("2000::/3")
_IPV6 = [
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments (RFC 2928); Teredo, which embeds IPv4 addresses, among them
        "2001:db8::/32",  # examples (RFC 3849), as is 3fff::/20
        "2002::/16",  # 6to4 (RFC 3056): embeds IPv4 addresses
        "3fff::/20",
    )
]
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)


def is_public(text: str) -> bool:
    """Whether an IP address is one that anybody on the internet has in common.

    An IPv4 address inside one of IPv6 is judged where that is how IPv4 is reached (mapped, RFC 4291; NAT64,
    RFC 6052); other forms that embed one are never public, nor is one with a zone.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not any(address in network for network in _IPV4)
    if address.scope_id is not None:
        return False
    if address.ipv4_mapped is not None:
        return is_public(str(address.ipv4_mapped))
    if address in _NAT64:
        return is_public(str(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)))
    if address not in _GLOBAL or (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:
        return False
    return address.is_global and not any(address in network for network in _IPV6)


def host_name(given: str) -> str | None:
    """A host as it is looked up: lower case, no dot at the end; None for what is no name and no address.

    given: ASCII (IDNA is done already), an IPv6 address without brackets. What ends in a number has to be an
    IPv4 address in its usual form: resolvers take `2130706433`, `0177.0.0.1` and `127.1` for addresses too.
    """
    if ":" in given:
        try:
            address = ipaddress.IPv6Address(given)
        except ValueError:
            return None
        return None if address.scope_id is not None else str(address)
    name = given.lower().removesuffix(".")
    if _NAME.fullmatch(name) is None:
        return None
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError:
            return None
    return name
