"""Writes the brief facts of a case (简要案情) from templates, 100 to 600 characters, as a clerk's record reads.

The templates are the files `texts/NN.txt`, one for each category group. A template begins with `@LEAF` and options, then come its facts
in one line and its claims, each after `> `. Inside a text `{x|y|z}` picks one, `{n:2-9}` a number, `{A} {R} {place} {town} {year} {month} {amount}` are filled in.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from random import Random

MIN_LENGTH, MAX_LENGTH = 100, 600
_SLOT = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class Template:
    """`applicant` and `respondent`: person, `company:TRADE` or `organ:NAME`; `amount` a range in yuan, empty where no money is at stake."""

    leaf: str
    facts: str
    claims: tuple[str, ...]
    applicant: str = "person"
    respondent: str = "person"
    amount: tuple[int, int] | None = None
    relation: str = ""
    size: str = ""
    flags: tuple[str, ...] = field(default=())


@cache
def templates() -> Mapping[str, tuple[Template, ...]]:
    """All templates by leaf."""
    found: dict[str, tuple[Template, ...]] = {}
    folder = resources.files("tiaochu_demo.synthetic").joinpath("texts")
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        for block in file.read_text(encoding="utf-8").split("@")[1:]:
            template = _parse(block)
            found[template.leaf] = (*found.get(template.leaf, ()), template)
    return found


def _parse(block: str) -> Template:
    head, *lines = block.strip().splitlines()
    leaf, *options = head.split()
    given = dict(option.split("=", 1) for option in options)
    low, _, high = given.get("amount", "").partition("-")
    return Template(
        leaf,
        "".join(line for line in lines if not line.startswith("> ")),
        tuple(line[2:] for line in lines if line.startswith("> ")),
        given.get("A", "person"),
        given.get("R", "person"),
        (int(low), int(high)) if high else None,
        given.get("relation", ""),
        given.get("size", ""),
        tuple(given.get("flag", "").split(",")) if "flag" in given else (),
    )


def render(text: str, slots: Mapping[str, str], rng: Random) -> str:
    """The text with every slot filled; an unknown slot is a KeyError."""

    def fill(match: re.Match[str]) -> str:
        slot: str = match.group(1)
        if "|" in slot:
            return rng.choice(slot.split("|"))
        if slot.startswith("n:"):
            low, high = slot[2:].split("-")
            return str(rng.randint(int(low), int(high)))
        return slots[slot]

    return _SLOT.sub(fill, text)


_OPENINGS = {
    "window": ("{A}到{organ}窗口反映:", "{day},{A}来访{organ},当面陈述:", "{A}持有关材料到窗口申请调解,称:"),
    "hotline": ("{A}来电反映:", "{day},{organ}接{A}来电,记录如下:"),
    "hotline_12345": ("接12345转办工单,来电人{A}反映:",),
    "screening": ("{day}入户排查时了解到:", "村信息员在例行排查中发现,"),
    "grid": ("网格员巡查上报:", "网格员走访{place}时了解到:"),
    "court": ("原告{A}向人民法院递交起诉材料,立案前经原告同意委派调解。原告诉称:",),
    "police": ("派出所处警后认为属民间纠纷,经双方同意移送调解。处警记录载明:",),
    "petition": ("信访部门转来{A}信访事项,经批准导入调解:",),
    "proxy": ("{A}行动不便,由村干部代为登记,口述如下:",),
    "": ("{A}反映:", "{A}申请调解,称:", "据{A}陈述:"),
}
_HISTORY = (
    "此前{place}干部曾上门调解{n:1-3}次,未能达成一致。",
    "双方私下协商{n:2-4}次,均不欢而散。",
    "村民小组长、族中长辈先后出面劝说,效果不明显。",
    "双方曾于{month}月写过一份便条,但对内容理解不同。",
    "事发后双方有过争吵,没有肢体冲突。",
    "申请人曾拨打110,民警到场劝导后离开,建议通过调解解决。",
    "据了解双方以往关系尚可,矛盾多因沟通不畅累积而成。",
)
_ATTITUDE = (
    "电话联系{R},其表示愿意到场,但认为申请人所述与事实有出入。",
    "{R}称近期较忙,同意在{周末|晚饭后|下周}当面谈。",
    "初步征询,{R}对基本事实无异议,对责任大小有不同看法。",
    "{R}情绪较大,认为是申请人有错在先。",
    "{R}暂未明确表态,需进一步做工作。",
)
_CLOSING = (
    "申请人提供{现场照片|手机录像|票据复印件|聊天记录截图}{n:2-9}份,其余材料另行补充。",
    "经询问,申请人未就同一事项起诉或申请仲裁。",
    "已告知调解自愿、可随时终止以及调解不成时的其他途径,申请人表示知晓。",
    "建议尽快到现场查看,避免矛盾扩大。",
    "已当场拍照留存,待双方到齐后核对。",
)
_RISK = {
    "red": "谈话中{R}扬言“大不了同归于尽”,家中有{农药|汽油},已立即报告派出所并派人看护。",
    "orange": "双方亲属已有聚集苗头,近三个月报警两次,需防止矛盾激化。",
    "yellow": "双方积怨较久,言语激烈,需重点关注。",
    "blue": "近期情绪有所波动,注意回访。",
}


_INQUIRY = (
    "经走访三户邻居和村民小组长,{两人|三人}证实双方争执属实,对起因各有说法,其中一人表示不愿具名。",
    "现场查看:与申请人陈述基本相符,已丈量、拍照,未发现进一步扩大的情况,双方在场人均未对丈量数据提出异议。",
    "调阅村(社区)档案,{year}年曾有相关登记,但记载简略,四至和数额没有写清,需向当时经办的老干部核实。",
    "{R}补充说明:此事前后已花费{n:3-20}个工作日奔走,自己也有损失,希望一并处理,不愿意单方面让步。",
    "{A}补充说明:家中有老人需要照顾,不愿意打官司,只求有个明确的说法,对方当面认个错,数额可以商量。",
    "双方子女均在外地工作,分别来电表示支持调解,愿意在{本周末|月底}赶回参加,并帮助做老人的工作。",
    "曾有{两|三}次机会谈拢,均因书面写法不一致而搁置,一方要求写明责任,另一方只同意写补偿。",
    "涉及专业问题的部分,拟请{司法所|专业委员会|法律顾问}出具意见后再行调解,双方对此没有异议。",
)
_DEPTH = {"simple": 0, "ordinary": 1, "complex": 4, "major": 6}


def compose(template: Template, channel: str, risk: str, difficulty: str, slots: Mapping[str, str], rng: Random) -> str:
    """Facts for a case: opening by door, body, inquiry as deep as it is difficult, risk, and as much of history, attitude and closing as fits."""
    text = rng.choice(_OPENINGS.get(channel, _OPENINGS[""])) + template.facts
    text = render(text + _RISK.get(risk, ""), slots, rng)
    wanted = [(sentence, 1.0) for sentence in rng.sample(_INQUIRY, _DEPTH[difficulty])]
    wanted += [(rng.choice(_HISTORY), 0.8), (rng.choice(_ATTITUDE), 0.6)]
    wanted += [(sentence, 0.4) for sentence in rng.sample(_CLOSING, 2)]
    for sentence, share in wanted:
        extended = text + render(sentence, slots, rng)
        if len(extended) <= MAX_LENGTH and (len(text) < MIN_LENGTH or rng.random() < share):
            text = extended
    return text
