"""The three services: two gateways and the sync core."""
