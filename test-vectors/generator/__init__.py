"""Independent generator of the test vectors: it shares no code with the library that the vectors test.

It may use `cryptography` and the standard library, nothing else.
"""
