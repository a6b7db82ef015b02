"""Starts and stops the whole system on one machine: servers, services and sandboxes."""
