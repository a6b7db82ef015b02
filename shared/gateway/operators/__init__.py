"""What operators see of a gateway and do to it, by its command line and by its API.

``overview`` is what is seen of the accounts, ``parking`` what can be done with parked work. What
only one gateway knows comes in through ``side``. The rest is how it is asked for: ``api``, and the
commands ``accounts``, ``parked`` and ``reconcile``, which work on the database directly (``desk``).
"""
