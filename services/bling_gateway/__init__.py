"""The Bling gateway: turns Bling's webhooks into an ordered stream of facts, and writes there."""
