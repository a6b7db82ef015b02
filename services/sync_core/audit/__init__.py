"""What happened to an order, told and proved."""
