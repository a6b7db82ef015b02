"""What every adapter of 360Hub's port promises, asked of each of them."""
