"""An independent double of 360Hub: its API, its webhooks, and the people and carriers behind it."""
