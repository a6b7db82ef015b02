"""The core's API: orders and their stories, accounts, and what people may do."""
