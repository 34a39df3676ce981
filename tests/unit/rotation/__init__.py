"""A package, unlike the other folders: these tests share how files are replaced, and `conftest` has a name of its own."""
