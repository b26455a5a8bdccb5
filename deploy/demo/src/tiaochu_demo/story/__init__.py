"""Tells each case its way, from the door to the end, as the scenario plans it."""

from tiaochu_demo.story.stages import Stage
from tiaochu_demo.story.story import Story
from tiaochu_demo.story.world import World

__all__ = ["Stage", "Story", "World"]
