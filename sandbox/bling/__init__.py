"""A double of Bling's API v3: OAuth, orders, products, contacts, invoices, webhooks, limits."""
