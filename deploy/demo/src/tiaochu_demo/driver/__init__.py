"""Drives a running stack by its public edges, as the people of a centre would: the demonstration and the end-to-end tests share it."""

from tiaochu_demo.driver.cast import Actor, Cast
from tiaochu_demo.driver.clerk import Clerk
from tiaochu_demo.driver.court import Court
from tiaochu_demo.driver.matter import Matter
from tiaochu_demo.driver.mediator import Mediator
from tiaochu_demo.driver.unit import Unit
from tiaochu_demo.driver.wire import Refused, Wire

__all__ = ["Actor", "Cast", "Clerk", "Court", "Matter", "Mediator", "Refused", "Unit", "Wire"]
