"""What an account is set up with: situações, stores, logistics services."""
