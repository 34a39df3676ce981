"""Stores that several processes share. An edge: nothing in the core imports it.

`nlgov_jades.stores.redis` keeps revocation data in Redis, `nlgov_jades.stores.replay` which signatures were accepted (extra
`redis`). Shared revocation data are never trusted: see `nlgov_jades.fetch.SharedLevel`. What a replay guard is told is.
"""
