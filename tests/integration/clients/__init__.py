"""The client edges against a server made of plain sockets."""
