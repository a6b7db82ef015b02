"""What is read from Bling, when, and how it is told."""
