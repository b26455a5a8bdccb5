"""Tables of the intake and what is asked of them."""
