"""Independent doubles of the outside systems: real servers that share no code with the services."""
