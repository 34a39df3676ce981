"""A package, unlike the other folders: these tests share a scripted server."""
