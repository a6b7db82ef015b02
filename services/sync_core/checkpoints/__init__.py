"""Checkpoints: signed statements of where every account's log ends, kept by others too."""
