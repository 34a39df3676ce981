"""A package, like `tests/cli`: the tests about revocation share a chain and what is said about it."""
