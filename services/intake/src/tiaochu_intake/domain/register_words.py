"""The words of old registers (台账): headings centres use, and what they write for doors, classes and results."""

from functools import cache

from tiaochu_domainkit.categories import categories, groups
from tiaochu_domainkit.codes import code_list

HEADINGS: dict[str, tuple[str, ...]] = {
    "received_on": ("登记日期", "受理日期", "登记时间", "受理时间", "收件日期", "来访日期", "日期"),
    "channel": ("受理渠道", "案件来源", "来源渠道", "渠道", "受理方式", "来源"),
    "applicants": ("申请人", "申请人姓名", "申请方", "来访人", "投诉人", "当事人甲", "甲方"),
    "applicant_numbers": ("证件号码", "申请人证件号码", "身份证号", "身份证号码", "申请人身份证号", "证件号"),
    "applicant_phones": ("电话", "联系电话", "申请人电话", "申请人联系电话", "联系方式", "手机号码"),
    "guardians": ("监护人", "申请人监护人", "监护人姓名", "法定代理人"),
    "guardian_numbers": ("监护人证件号码", "监护人身份证号", "监护人身份证号码", "监护人证件号"),
    "guardian_phones": ("监护人电话", "监护人联系电话"),
    "guardian_relations": ("与申请人关系", "监护关系", "与被监护人关系"),
    "respondents": ("被申请人", "被申请人姓名", "被申请方", "被投诉人", "对方当事人", "当事人乙", "乙方"),
    "respondent_numbers": ("被申请人证件号码", "被申请人身份证号", "被申请人证件号", "对方证件号码"),
    "respondent_phones": ("被申请人电话", "被申请人联系电话", "对方电话", "被申请人联系方式"),
    "category": ("纠纷类别", "纠纷类型", "类别", "案件类型", "矛盾类型"),
    "facts": ("简要案情", "案情简介", "主要案情", "纠纷概况", "基本情况", "事由"),
    "amount": ("涉及金额", "涉案金额", "标的额", "金额", "涉及金额(元)", "标的额(元)"),
    "organ": ("受理单位", "登记单位", "承办单位", "受理机构", "调解组织", "责任单位"),
    "result": ("处理结果", "调解结果", "办理结果", "化解结果", "结果"),
    "closed_on": ("结案日期", "办结日期", "办结时间", "结案时间", "调解日期"),
    "form": ("协议形式", "协议书形式", "调解形式", "协议类型"),
    "performance": ("履行情况", "协议履行", "履行"),
    "confirmation": ("司法确认", "确认情况", "司法确认情况"),
    "place": ("发生地点", "纠纷发生地", "地点", "发生地"),
    "region": ("区划代码", "行政区划", "行政区划代码"),
    "occurred_on": ("发生日期", "发生时间", "纠纷发生日期"),
    "note": ("备注", "说明", "附注"),
    "serial": ("序号", "编号"),
}
"""Field → headings it is known by, the usual one first."""

NEEDED = ("received_on", "applicants", "respondents", "category", "facts")
NEEDED_HISTORY = ("result", "closed_on", "form")
IDENTITY = ("received_on", "applicants", "respondents", "category", "facts", "amount", "organ", "occurred_on", "place")
"""What makes a row the same row, whatever is added to it later."""

GUARDIANS = ("guardians", "guardian_numbers", "guardian_phones", "guardian_relations")

TWINS = {"applicant_numbers": "respondent_numbers", "applicant_phones": "respondent_phones"}
"""A heading that both sides bear stands for the respondent's when it comes after the respondent."""

NONE_WORDS = frozenset({"", "无", "/", "-", "—", "——", "不详", "未知", "暂无", "空"})
AGREED_WORDS = frozenset({"调解成功", "成功", "达成协议", "已化解", "化解", "调解达成协议", "和解", "已调解成功"})
FAILED_WORDS = frozenset(
    {"调解不成", "不成功", "失败", "调解失败", "未达成协议", "终止", "调解终止", "撤回申请", "撤回", "不予受理", "未化解", "引导诉讼"}
)
OPEN_WORDS = frozenset({"", "未办结", "办理中", "正在办理", "调解中", "待办", "未处理", "在办"})
ORAL_WORDS, WRITTEN_WORDS = frozenset({"口头协议", "口头"}), frozenset({"书面协议", "书面", "调解协议书", "人民调解协议书"})
PERFORMED_WORDS = frozenset({"已履行", "履行完毕", "全部履行", "当场履行", "是"})
CONFIRMED_WORDS = frozenset({"已确认", "确认有效", "有效", "已司法确认", "是"})

_MORE_CHANNELS = {
    "": "window",
    "窗口": "window",
    "窗口来访": "window",
    "来访": "window",
    "当事人申请": "window",
    "依申请": "window",
    "申请": "window",
    "热线": "hotline",
    "热线来电": "hotline",
    "电话": "hotline",
    "网上申请": "web",
    "网络": "web",
    "微信": "mobile",
    "自助终端": "kiosk",
    "来信": "message",
    "排查": "screening",
    "村级排查": "screening",
    "主动排查": "screening",
    "主动调解": "screening",
    "网格": "grid",
    "网格上报": "grid",
    "领导交办": "leader",
    "市领导交办": "city_leader",
    "信访": "petition",
    "信访转办": "petition",
    "公安": "police",
    "派出所": "police",
    "110": "police",
    "检察院": "procuratorate",
    "法院": "court",
    "诉前委派": "court",
    "劳动仲裁": "labour",
    "12345": "hotline_12345",
    "12315": "hotline_12315",
    "上级交办": "hand_down",
    "其他": "other_organ",
}


@cache
def channel_words() -> dict[str, str]:
    """What registers write for a door → its code."""
    return {zh: code for code, zh in code_list("channel").names.items()} | _MORE_CHANNELS


@cache
def category_words() -> dict[str, str]:
    """What registers write for a class, without the word 纠纷 → a leaf, or a group where the word is no narrower."""
    words: dict[str, str] = {}
    for type_, zh in code_list("moj_type").names.items():
        fitting = [leaf for leaf in categories().values() if leaf.moj == type_]
        if fitting:
            words[zh] = fitting[0].group if len({leaf.group for leaf in fitting}) == 1 else fitting[0].code
    words |= {zh: code for code, zh in groups().items()}
    return words | {leaf.zh.removesuffix("纠纷"): leaf.code for leaf in categories().values()}
