"""One order's whole life, played by the people in it: seller, 360Hub's operator, carrier."""
