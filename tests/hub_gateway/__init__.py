"""The 360Hub gateway, alone and against the double of 360Hub."""
