"""A package, unlike the other folders: these tests share their servers, and `conftest` has a name of its own."""
