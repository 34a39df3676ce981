"""Certificates: trust anchors, certification paths, certificate policies, identity. All of it pure."""
