"""Every SQL statement of the gateway's own tables, by subject.

Every function takes the connection whose transaction it is part of. Whoever locks more than one
row of an account does it in this order: the kit's stream, then the shipment or the product, then
the kit's account and fact counter.
"""
