"""Mutation testing of the core. `docs/explanation/mutation-testing.md` tells what it is; `nox -s mutation` runs it."""
