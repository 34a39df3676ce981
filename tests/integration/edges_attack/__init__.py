"""Attacks on the edges, where real servers and client libraries are needed."""
