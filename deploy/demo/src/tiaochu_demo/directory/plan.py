"""What the generated directory is made of: towns and villages, organs with their posts."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class OrganPlan:
    code: str
    name: str
    short: str
    kind: str
    staff: tuple[tuple[str, ...], ...] = ()
    specialties: tuple[str, ...] = ()
    parent: str = "centre"


@dataclass(frozen=True)
class TownPlan:
    code: str
    name: str
    short: str
    villages: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class DistrictPlan:
    code: str
    name: str
    short: str
    towns: tuple[TownPlan, ...]
    organs: frozenset[str]
    zones: tuple[tuple[str, str], ...] = ()
    staff_per_organ: int = 2
    centre_staff: int = 13
    committees: bool = True
    large_villages: frozenset[str] = field(default_factory=frozenset)


CITY_ORGANS = (
    OrganPlan(
        "centre",
        "社会治安综合治理中心(社会矛盾纠纷调处服务中心)",
        "市调处中心",
        "city_centre",
        (
            ("office_director",),
            ("routing_deputy", "dispatcher"),
            ("acceptance_window",),
            ("acceptance_window", "archivist"),
            ("mediator",),
            ("mediator",),
            ("leader",),
            ("supervisor",),
            ("statistician",),
            ("system_admin",),
            ("security_admin",),
            ("audit_admin",),
            ("dispatcher",),
        ),
    ),
    OrganPlan(
        "justice", "司法局", "司法局", "justice_bureau", (("stationed_staff", "legal_aid_reviewer"), ("mediator",)), ("01", "02", "06")
    ),
    OrganPlan(
        "labour",
        "人力资源和社会保障局",
        "人社局",
        "labour_bureau",
        (("labour_liaison", "stationed_staff"), ("professional_mediator",)),
        ("07",),
    ),
    OrganPlan(
        "market", "市场监督管理局", "市监局", "market_bureau", (("stationed_staff",), ("professional_mediator",)), ("06", "05", "10")
    ),
    OrganPlan(
        "police", "公安局", "公安局", "police_bureau", (("police_liaison", "stationed_staff"), ("professional_mediator",)), ("05", "03")
    ),
    OrganPlan(
        "court",
        "人民法院诉调对接工作室",
        "诉调工作室",
        "court_workroom",
        (("court_liaison",), ("court_mediator",)),
        ("06", "08", "02", "04"),
    ),
    OrganPlan("procuratorate", "人民检察院检调对接工作室", "检调工作室", "procuratorate_workroom", (("prosecutor",), ("stationed_staff",))),
    OrganPlan("petition", "信访局", "信访局", "petition_bureau", (("petition_liaison",), ("petition_liaison", "deputy_petition"))),
    OrganPlan(
        "housing", "住房和城乡建设局", "住建局", "housing_bureau", (("stationed_staff",), ("professional_mediator",)), ("04", "11", "06")
    ),
    OrganPlan("land", "自然资源和规划局", "资规局", "land_bureau", (("stationed_staff",), ("professional_mediator",)), ("09", "04", "11")),
    OrganPlan("farming", "农业农村局", "农业农村局", "farming_bureau", (("stationed_staff",), ("professional_mediator",)), ("09",)),
    OrganPlan("health", "卫生健康委员会", "卫健委", "health_bureau", (("stationed_staff",), ("professional_mediator",)), ("05",)),
    OrganPlan("women", "妇女联合会", "妇联", "women_federation", (("stationed_staff",), ("professional_mediator",)), ("01",)),
    OrganPlan("civil", "民政局", "民政局", "civil_bureau", (("stationed_staff",), ("professional_mediator",)), ("01", "12")),
)
# Committees of a trade or profession stand under the organ that set them up; its mediators serve in them.
COMMITTEES = (
    OrganPlan("labour-committee", "劳动人事争议调解委员会", "劳调委", "labour_committee", parent="labour"),
    OrganPlan("consumer-committee", "消费纠纷人民调解委员会", "消调委", "consumer_committee", parent="market"),
    OrganPlan("traffic-committee", "道路交通事故纠纷人民调解委员会", "交调委", "traffic_committee", parent="police"),
    OrganPlan("property-committee", "物业纠纷人民调解委员会", "物调委", "property_committee", parent="housing"),
    OrganPlan("medical-committee", "医疗纠纷人民调解委员会", "医调委", "medical_committee", parent="health"),
)

JINGCHUAN = DistrictPlan(
    "329901",
    "靖川市(示例)",
    "靖川市",
    (
        TownPlan(
            "001",
            "沐城街道",
            "沐城",
            (("001", "东门社区"), ("002", "南园社区"), ("003", "文昌社区"), ("004", "滨河社区"), ("201", "塔湾村"), ("202", "柳墩村")),
        ),
        TownPlan(
            "100", "新渡镇", "新渡", (("001", "新渡社区"), ("201", "渡口村"), ("202", "石桥村"), ("203", "沙洲村"), ("204", "礼士村"))
        ),
        TownPlan(
            "101", "东泾镇", "东泾", (("001", "东泾社区"), ("201", "成德村"), ("202", "惠丰村"), ("203", "联心村"), ("204", "何家埭村"))
        ),
        TownPlan("102", "斜港镇", "斜港", (("001", "斜港社区"), ("201", "大洋村"), ("202", "江平村"), ("203", "筱山村"))),
        TownPlan("103", "西埭镇", "西埭", (("201", "土桥村"), ("202", "丰产村"), ("203", "泥墩村"), ("204", "敦仁村"))),
        TownPlan("104", "季庄镇", "季庄", (("001", "季庄社区"), ("201", "花园村"), ("202", "安武村"), ("203", "九里村"))),
        TownPlan("105", "孤屿镇", "孤屿", (("201", "广陵村"), ("202", "城东村"), ("203", "新联村"), ("204", "通泰村"))),
        TownPlan("106", "生桥镇", "生桥", (("001", "生桥社区"), ("201", "金星村"), ("202", "东进村"), ("203", "三元村"))),
        TownPlan("107", "马渚镇", "马渚", (("201", "双店村"), ("202", "经纶村"), ("203", "徐周村"), ("204", "江峰村"))),
    ),
    frozenset(o.code for o in CITY_ORGANS),
    (("靖川经济技术开发区", "329901000000"), ("滨江新区", "329901000000")),
    large_villages=frozenset(("东门社区", "南园社区", "新渡社区", "东泾社区", "成德村")),
)
CHENGJIANG = DistrictPlan(
    "329902",
    "澄江县(示例)",
    "澄江县",
    (
        TownPlan("100", "云阁镇", "云阁", (("001", "云阁社区"), ("201", "南闸村"))),
        TownPlan("101", "璜塘镇", "璜塘", (("201", "青山村"), ("202", "月城村"))),
    ),
    frozenset(("centre", "justice", "police", "court")),
    staff_per_organ=1,
    centre_staff=6,
    committees=False,
)
DISTRICT_PLANS = (JINGCHUAN, CHENGJIANG)
