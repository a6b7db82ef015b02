"""The gateway to 360Hub: webhooks become facts, commands become calls.

Who knows one gateway knows the other. ``main`` puts it together. A webhook comes in at
``webhooks`` and is worked on as ``tasks`` says; what the sync core asks for is in ``commands``.
``setbacks`` says what becomes of work when it settles nothing, and ``reconcile`` finds what
webhooks missed. Accounts are connected by ``connecting``, and shown by ``api``. All SQL is in
``store``.

Particular to 360Hub: ``port`` is all that the gateway knows of it, and ``hub_api`` what is behind
the port now, 360Hub's HTTP API; another API can take its place. Events are numbered, and followed
in order (``follow_orders``, ``follow_products``, ``follow_manifests``).
"""
