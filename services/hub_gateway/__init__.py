"""The gateway to 360Hub: its webhooks become facts, our commands become calls."""
