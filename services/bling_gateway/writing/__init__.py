"""What is written into Bling: read, compare, write, know one's own echo."""
