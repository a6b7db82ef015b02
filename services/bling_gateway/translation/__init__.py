"""What Bling's records say, in the words of our contracts. Pure."""
