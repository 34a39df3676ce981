"""For tests, demonstrations and development: throw-away certificates in the shape of PKIoverheid's. Trust none of it."""

from .hierarchy import Authority, Hierarchy, Issued

__all__ = ["Authority", "Hierarchy", "Issued"]
