"""An account's history for others: to check offline, or to analyse."""
