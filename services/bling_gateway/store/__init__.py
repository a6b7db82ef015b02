"""Every SQL statement of the Bling gateway's own tables, by subject.

Whoever locks more than one row of an account does it in this order: the kit's lane, then the token
or the order or the product, then the kit's account and fact counter.
"""
