"""What other rules, or another mapping, would have made of what is logged.

``walk.py`` and ``host.py`` run under the rules of any revision, so they use only names that the
domain and the contracts make public. ``running.py`` starts them; ``what_if.py`` and ``diff.py``
ask them.
"""
