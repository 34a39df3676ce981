"""A package, like `tests/cli`: these tests share how hierarchies are built and judged."""
