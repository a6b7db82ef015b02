"""Every row of docs/hub-contract.md, played by the real gateway, the real broker and the double."""
