"""The doors a dispute comes in by (受理渠道) and the source the statistics count it under (案件来源, domain guide §5.3)."""

from dataclasses import dataclass

from tiaochu_domainkit.errors import invalid

INITIATIVE, APPLICATION, OTHER_ORGAN = "initiative", "application", "other_organ"
SOURCES = {
    INITIATIVE: "主动调解",
    APPLICATION: "依申请调解",
    "court": "法院委托移送",
    "procuratorate": "检察院委托移送",
    "police": "公安机关委托移送",
    "petition": "信访部门委托移送",
    OTHER_ORGAN: "其他部门委托移送",
}
"""Columns of the ministry's table; the last five are its sub-total 接受委托移送调解."""


@dataclass(frozen=True)
class Channel:
    """A door: what people call it, the sources a case from it may have (the first unless said otherwise)."""

    zh: str
    sources: tuple[str, ...]


CHANNELS: dict[str, Channel] = {
    "walk_in_window": Channel("窗口来访", (APPLICATION,)),
    "hotline": Channel("热线来电", (APPLICATION,)),
    "web": Channel("网上申请", (APPLICATION,)),
    "mini_program": Channel("小程序", (APPLICATION,)),
    "kiosk": Channel("自助终端", (APPLICATION,)),
    "staff_proxy": Channel("代为登记", (APPLICATION,)),
    "message": Channel("来信、邮件、留言", (APPLICATION,)),
    "village_screening": Channel("村级排查", (INITIATIVE,)),
    "grid_report": Channel("网格上报", (INITIATIVE,)),
    "media": Channel("媒体监测", (INITIATIVE,)),
    "leader_assigned": Channel("领导交办", (INITIATIVE, APPLICATION, OTHER_ORGAN)),
    "city_leader_assigned": Channel("市领导交办", (INITIATIVE, APPLICATION, OTHER_ORGAN)),
    "petition_transfer": Channel("信访转办", ("petition",)),
    "police_transfer": Channel("公安移送", ("police",)),
    "procuratorate_transfer": Channel("检察移送", ("procuratorate",)),
    "court_guided": Channel("法院引导", ("court",)),
    "court_before_filing": Channel("法院委派", ("court",)),
    "court_after_filing": Channel("法院委托", ("court",)),
    "labour_arbitration_transfer": Channel("劳动仲裁移送", (OTHER_ORGAN,)),
    "hotline_12345": Channel("12345转办", (OTHER_ORGAN,)),
    "platform_12315": Channel("12315转办", (OTHER_ORGAN,)),
    "legal_aid": Channel("法律援助", (OTHER_ORGAN,)),
    "other_department": Channel("其他部门", (OTHER_ORGAN,)),
    "hand_up": Channel("下级上报", (OTHER_ORGAN, APPLICATION, INITIATIVE)),
    "hand_down": Channel("上级交办", (OTHER_ORGAN, APPLICATION, INITIATIVE)),
    "cross_region": Channel("外县转来", (OTHER_ORGAN, APPLICATION)),
}


def source_of(channel: str, source: str) -> str:
    """The source of a case that comes by `channel`; `source` empty means the channel's own. Reasons: CHANNEL_UNKNOWN, SOURCE_NOT_OF_CHANNEL."""
    door = CHANNELS.get(channel)
    if door is None:
        raise invalid("channel", "CHANNEL_UNKNOWN", "受理渠道不在代码表中")
    if source and source not in door.sources:
        raise invalid("source", "SOURCE_NOT_OF_CHANNEL", f"{door.zh}的案件来源不能是“{SOURCES.get(source, '未知')}”")
    return source or door.sources[0]
