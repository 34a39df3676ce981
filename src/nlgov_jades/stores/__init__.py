"""Stores of revocation data that several processes share. An edge: nothing in the core imports it.

`nlgov_jades.stores.redis` keeps them in Redis (extra `redis`). What is shared is never trusted: see `nlgov_jades.fetch.SharedLevel`.
"""
