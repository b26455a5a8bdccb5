"""The gateway to the agencies: what passed between us and each of them, packet by packet."""
