"""What to ask after a restore, a failover or a migration: is the database whole, and is it ours?"""
