"""Two toy services, alpha (things) and beta (echoes of things), with which kit is tested without a domain."""
