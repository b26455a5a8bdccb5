"""What is counted while the stories run."""

from enum import Enum


class Stage(Enum):
    """A step that every case takes, or that ends it."""

    REGISTERED = "登记"
    CLASSIFIED = "分类"
    DECIDED = "受理"
    AGREED = "协议"
    CLOSED = "结案"
