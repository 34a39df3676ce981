"""The driver of the interoperability runs: what is tried, with whom, and what is written down. Start it with `run.py`."""
