"""A package, unlike the other folders: these tests share how a command is run, and `conftest` has a name of its own."""
