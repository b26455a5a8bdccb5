"""The doors (domain §5.3): code, the word a register uses, and the source the ministry's statistics want."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Channel:
    code: str
    label: str
    source: str  # initiative | application | court | procuratorate | police | petition | other_organ
    tiers: tuple[str, ...]  # who receives through this door


CHANNELS = (
    Channel("walk_in_window", "窗口来访", "application", ("village", "town", "city")),
    Channel("hotline", "热线来电", "application", ("town", "city")),
    Channel("web", "网上申请", "application", ("town", "city")),
    Channel("mini_program", "小程序", "application", ("village", "town")),
    Channel("kiosk", "自助终端", "application", ("town", "city")),
    Channel("staff_proxy", "代为登记", "application", ("village", "town")),
    Channel("village_screening", "村级排查", "initiative", ("village",)),
    Channel("grid_report", "网格上报", "initiative", ("village",)),
    Channel("leader_assigned", "领导交办", "initiative", ("town",)),
    Channel("city_leader_assigned", "市领导交办", "initiative", ("city",)),
    Channel("petition_transfer", "信访转办", "petition", ("town", "city")),
    Channel("police_transfer", "公安移送", "police", ("town",)),
    Channel("procuratorate_transfer", "检察移送", "procuratorate", ("city",)),
    Channel("court_guided", "法院引导", "court", ("town", "city")),
    Channel("court_before_filing", "法院委派", "court", ("city",)),
    Channel("court_after_filing", "法院委托", "court", ("city",)),
    Channel("labour_arbitration_transfer", "劳动仲裁移送", "other_organ", ("city",)),
    Channel("hotline_12345", "12345转办", "other_organ", ("town", "city")),
    Channel("platform_12315", "12315转办", "other_organ", ("city",)),
    Channel("legal_aid", "法律援助", "other_organ", ("city",)),
    Channel("other_department", "其他部门", "other_organ", ("town", "city")),
    Channel("hand_up", "下级上报", "other_organ", ("town", "city")),
    Channel("hand_down", "上级交办", "other_organ", ("village", "town")),
    Channel("cross_region", "外县转来", "other_organ", ("town", "city")),
    Channel("media", "媒体监测", "initiative", ("city",)),
)
BY_CODE = {c.code: c for c in CHANNELS}
BY_LABEL = {c.label: c for c in CHANNELS}
