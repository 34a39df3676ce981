"""Tests of the WSGI edge, and the scripted server that they share."""
