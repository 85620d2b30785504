"""What a node is made of, a module a subject: each names the subject's handlers and wires them. `server.core` puts them together."""
