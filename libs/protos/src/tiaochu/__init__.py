"""The contracts, generated from protos/; never edited."""
