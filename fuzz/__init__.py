"""Fuzzing: harnesses with an oracle each, and what runs them. Nothing of the library may import this."""
