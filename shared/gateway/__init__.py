"""What both gateways are made of: inbox, work queue, facts, pacing, workers."""
