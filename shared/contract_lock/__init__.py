"""What was ever published of the contracts, and the check that no change breaks it unseen."""
