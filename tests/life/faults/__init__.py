"""Many orders while 360Hub fails in every way at once: what becomes of them, and what it took.

``fates`` are the stories that orders go through, ``market`` the sellers and operators who play
them, ``truth`` what must be true of each order at the end, and ``report`` what had to be repeated.
"""
