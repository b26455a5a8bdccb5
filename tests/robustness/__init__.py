"""Processes killed, the broker away and its disk lost, in the middle of the input: nothing is lost and nothing done twice."""
