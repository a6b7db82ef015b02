"""What all three services share: the language on the bus and the machinery around it."""
