"""Fetches OCSP responses and CRLs for a verifier. An edge: nothing in the core imports it.

`nlgov_jades.fetch.requests` has a fetcher for threads (extra `requests`), `nlgov_jades.fetch.httpx` one for asyncio and
trio (extra `httpx`). What is here needs neither: what they may reach, and where they keep what they found.
"""

from .address import AddressRule
from .limits import ANY_HOST, FetchLimits, ProxyRule
from .shared import SharedData, SharedLevel
from .store import DataStore, Entry, Key, MemoryStore

__all__ = [
    "ANY_HOST",
    "AddressRule",
    "DataStore",
    "Entry",
    "FetchLimits",
    "Key",
    "MemoryStore",
    "ProxyRule",
    "SharedData",
    "SharedLevel",
]
