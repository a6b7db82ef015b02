"""What both gateways are made of, in the order in which a webhook or a command meets it.

``webhooks`` says what is answered, and ``inbox`` keeps what came in. ``commands`` turns what the
sync core asks for into ``work``, the queue, which says what may run next; ``regular`` adds what is
due from time to time. ``worker`` runs it, calling out at the ``pace`` that an account allows
(``pacing``). What came of it is told in ``facts``, in the transaction that ends the work.
``runtime`` puts it together. All SQL is in ``store``.
"""
