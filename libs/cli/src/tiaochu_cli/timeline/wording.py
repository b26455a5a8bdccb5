"""What each event says, in Chinese. One line an event type; a type nobody put into words here is shown by its name."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tiaochu_cli.names import Names, category_zh, clock_zh, zh
from tiaochu_cli.output import yuan
from tiaochu_domainkit.clocks import beijing

Body = dict[str, Any]
Wording = Callable[[Body, Names], str]

_TRANSFERS = {"refer": "移送", "escalate": "上交", "delegate": "交办"}
_OUTCOMES = {
    "no_answer": "无人应答",
    "wrong_contact": "联系方式有误",
    "undecided": "未表态",
    "consented": "同意调解",
    "refused": "不同意调解",
    "unreachable": "无法联系",
}
_CHANNELS = {"phone": "电话", "sms": "短信", "message": "消息", "visit": "上门", "letter": "信函", "video": "视频", "in_person": "当面"}
_CHOSEN = {"parties": "当事人共同选定", "ranking": "系统推荐", "on_the_spot": "当场调解"}
_SESSIONS = {"agreed": "达成一致", "not_agreed": "未达成一致", "aborted": "中途停止"}
_MARKS = {"party": "当事人", "mediator": "调解员", "seal": "调解组织盖章"}
_RULINGS = {"valid": "确认有效", "dismissed": "驳回申请", "not_accepted": "不予受理", "withdrawn": "撤回申请"}
_RESULTS = {"performed": "已履行", "terminated": "终止", "to_court": "转诉讼", "history": "历史案件"}
_DROPPED = {"declined": "不予受理", "merged": "已合并"}
_SIDES = {"applicant": "申请人", "respondent": "被申请人"}
_PACKETS = {
    "offer": "移送函",
    "sign": "签收函",
    "return": "退回函",
    "recall": "撤回函",
    "progress": "进展函",
    "result": "结果函",
    "opinion": "意见函",
    "supplement": "补充函",
    "notice": "通知",
    "period": "期限函",
}
_CHANNEL_OF_RECEIPT = {"push": "推送", "pull": "拉取", "ferry": "摆渡", "paper": "纸质"}


def _amount(fen: Any) -> str:
    return f",金额 {yuan(int(fen))}" if int(fen or 0) else ""


def _due(body: Body) -> str:
    moment = datetime.fromisoformat(body["due_at"]) if body.get("due_at") else None
    word = f",{beijing(moment):%Y-%m-%d %H:%M} 届满" if moment else ""
    return word + ("(暂定)" if body.get("provisional") else "")


def _registered(b: Body, _n: Names) -> str:
    hint = f",{category_zh(b['category_hint'])}" if b["category_hint"] else ""
    return f"登记 {b['case_number']}({zh('channel', b['channel'])}){hint}{_amount(b['amount_fen'])}" + ("[历史]" if b["history"] else "")


def _classified(b: Body, _n: Names) -> str:
    flags = "、".join(zh("flag", f) for f in b["flags"])
    return f"分类:{category_zh(b['category'])},{zh('difficulty', b['difficulty'])},风险{zh('risk', b['risk'])}" + (
        f",{flags}" if flags else ""
    )


def _warned(b: Body, _n: Names) -> str:
    share = f"已过 {b['percent']}%" if b["percent"] else f"剩余 {b['days_left']} 日"
    return f"期限提醒:{clock_zh(b['rule_code'])}{share}{_due(b)}"


def _performed(b: Body, _n: Names) -> str:
    return (
        "履行"
        + ("完毕" if b["complete"] else "部分")
        + _amount(b["amount_fen"])
        + f",{b['performed_on']}"
        + ("(逾期)" if b["late"] else "")
    )


def _followed_up(b: Body, _n: Names) -> str:
    satisfied = f",满意度 {b['satisfaction']}" if b["satisfaction"] else ""
    return f"回访{_SIDES.get(b['side'], b['side'])}{satisfied}" + (",仍有风险" if b["residual_risk"] else "")


def _lead(b: Body, n: Names) -> str:
    helpers = "、".join(n.organ(o) for o in b["co_organ_ids"])
    return f"确定牵头单位 {n.organ(b['lead_organ_id'])}" + (f",配合 {helpers}" if helpers else "")


def _packet(words: str) -> Wording:
    return lambda b, n: (
        words.format(n.agency(b["agency_id"])) + str(_PACKETS.get(b["kind"], b["kind"])) + (f"(第 {b['seq']} 号)" if b.get("seq") else "")
    )


def _clock(word: str) -> Wording:
    return lambda b, _n: f"期限{word}:{clock_zh(b['rule_code'])}{_due(b)}"


def _plain(text: str) -> Wording:
    return lambda _b, _n: text


_INTAKE: dict[str, Wording] = {
    "CaseRegistered": _registered,
    "PartyCorrected": _plain("更正当事人信息"),
    "ApplicantWithdrew": lambda b, _n: f"一名申请人退出:{zh('withdrawal_reason', b['reason'])},尚余 {b['remaining']} 名",
    "ApplicationWithdrawn": lambda b, _n: f"撤回申请:{zh('withdrawal_reason', b['reason'])}",
    "CaseClassified": _classified,
    "MergeProposed": _plain("提出合并"),
    "CaseMerged": _plain("并入主案"),
    "MergeDropped": lambda b, _n: f"不合并:{zh('merge_refusal_ground', b['ground'])}",
    "CorrectionRequested": lambda b, _n: f"要求补正 {len(b['items'])} 项材料",
    "CorrectionSupplied": _plain("材料已补正"),
    "CorrectionLapsed": _plain("逾期未补正"),
    "ConsentAttempted": lambda b, _n: (
        f"第 {b['attempt']} 次征询意愿({_CHANNELS.get(b['channel'], b['channel'])}):{_OUTCOMES.get(b['outcome'], b['outcome'])}"
    ),
    "ConsentConcluded": lambda b, _n: f"征询结束:{_OUTCOMES.get(b['outcome'], b['outcome'])}",
    "FileAttached": _plain("收到材料"),
    "HistoryResultRecorded": lambda b, _n: f"历史结果:{'调解成功' if b['outcome'] == 'agreed' else '未成功'},{b['closed_on']} 办结",
    "ParticularsUnmasked": _plain("查看当事人完整信息"),
}
_ROUTING: dict[str, Wording] = {
    "ResponsibilityStarted": lambda b, n: f"首接负责:{n.organ(b['organ_id'])}",
    "LeadNamed": _lead,
    "TransferOffered": lambda b, n: (
        f"{_TRANSFERS.get(b['kind'], b['kind'])}至 {n.organ(b['to_organ_id'])}:{zh('transfer_reason', b['reason'])},待签收"
    ),
    "TransferSigned": lambda b, n: f"{n.organ(b['to_organ_id'])} 签收,责任转移",
    "TransferReturned": lambda b, _n: f"退回:{zh('return_ground', b['ground'])}(第 {b['returns']} 次)",
    "TransferExpired": lambda b, n: f"逾期未签收,报 {n.organ(b['escalated_to_organ_id'])} 指定",
    "UnitDesignated": lambda b, n: (
        f"{n.organ(b['by_organ_id'])} 指定 {n.organ(b['organ_id'])} 办理:{zh('designation_ground', b['ground'])}"
    ),
    "UnitMoved": lambda b, n: f"{n.organ(b['organ_id'])} 隶属关系变更",
    "CaseAccepted": lambda b, _n: f"受理({zh('mediation_kind', b['mediation_kind'])})" + (",当场调解" if b["on_the_spot"] else ""),
    "CaseDeclined": lambda b, _n: f"不予受理:{zh('decline_ground', b['ground'])},已送达救济途径告知书",
    "MergeConfirmed": _plain("确认合并"),
    "MergeRefused": lambda b, _n: f"不同意合并:{zh('merge_refusal_ground', b['ground'])}",
    "ResponsibilityEnded": lambda b, _n: f"责任终了:{_RESULTS.get(b['reason'], b['reason'])}",
    "ClockStarted": _clock("起算"),
    "ClockPaused": lambda b, _n: f"期限中止:{clock_zh(b['rule_code'])}({zh('suspension_ground', b['reason'])})",
    "ClockResumed": _clock("恢复"),
    "ClockExtended": lambda b, _n: f"期限延长 {b['length']}:{clock_zh(b['rule_code'])}{_due(b)}",
    "ClockStopped": lambda b, _n: f"期限停止:{clock_zh(b['rule_code'])}" + ("(已逾期)" if b["overdue"] else ""),
    "ClockWarned": _warned,
    "ClockExpired": _clock("届满"),
    "ClockReplanned": _clock("重新计算"),
}
_MEDIATION: dict[str, Wording] = {
    "MediationOpened": lambda b, n: f"开始调解:{n.organ(b['organ_id'])}",
    "MediationDropped": lambda b, _n: f"不再调解:{_DROPPED.get(b['ground'], b['ground'])}",
    "PartyLeft": _plain("一方当事人退出"),
    "MediatorChosen": lambda b, n: f"指派调解员 {n.person(b['mediator_id'])}({_CHOSEN.get(b['chosen_by'], b['chosen_by'])})",
    "AssignmentAccepted": lambda b, n: f"调解员 {n.person(b['mediator_id'])} 接受指派并披露",
    "AssignmentDeclined": lambda b, n: f"调解员 {n.person(b['mediator_id'])} 未接受指派",
    "RecusalRaised": lambda b, n: f"申请 {n.person(b['mediator_id'])} 回避",
    "RecusalDecided": lambda b, n: f"回避决定:{n.person(b['mediator_id'])} " + ("回避" if b["replaced"] else "不回避"),
    "NoticeAcknowledged": _plain("当事人签收权利义务告知书"),
    "SafetyChecked": lambda b, _n: "安全核查:" + ("可以面对面调解" if b["joint_sessions_allowed"] else "不得面对面调解"),
    "SessionScheduled": lambda b, _n: f"约定第 {b['number']} 次调解" + ("(背对背)" if b["separate"] else ""),
    "SessionApproved": lambda b, _n: f"批准第 {b['number']} 次调解",
    "SessionHeld": lambda b, _n: f"第 {b['number']} 次调解:{_SESSIONS.get(b['result'], b['result'])}",
    "SessionOverdue": lambda b, _n: f"第 {b['number']} 次调解逾期未进行",
    "MediationSuspended": lambda b, _n: f"中止调解:{zh('suspension_ground', b['reason'])}",
    "MediationResumed": _plain("恢复调解"),
    "AgreementDrafted": lambda b, _n: f"拟定协议(第 {b['edition']} 版,{'口头' if b['form'] == 'oral' else '书面'})",
    "AgreementSigned": lambda b, _n: f"签署协议:{_MARKS.get(b['signed_as'], b['signed_as'])}",
    "AgreementEffective": lambda b, _n: f"协议生效 {b['agreement_number']}{_amount(b['amount_fen'])}" + ("(部分)" if b["partial"] else ""),
    "ConfirmationRequested": _plain("共同申请司法确认"),
    "ConfirmationDecided": lambda b, _n: f"司法确认:{_RULINGS.get(b['ruling'], b['ruling'])} {b['ruling_no']}".rstrip(),
    "PerformanceRecorded": _performed,
    "ObligationBreached": lambda b, _n: f"逾期未履行(应于 {b['due_on']} 履行)",
    "AgreementPerformed": lambda b, _n: f"协议全部履行,{b['performed_on']}",
    "MediationTerminated": lambda b, _n: f"终止调解:{zh('termination_ground', b['ground'])},已送达救济途径告知书",
    "FollowUpRecorded": _followed_up,
    "CaseClosed": lambda b, _n: f"结案:{_RESULTS.get(b['result'], b['result'])}",
}
_DOCKING: dict[str, Wording] = {
    "OfferReceived": lambda b, n: f"收到{n.agency(b['agency_id'])}移送({b['docking']}),对方编号 {b['external_no']}",
    "ExchangeLinked": _plain("往来已关联本案"),
    "PacketReceived": _packet("收到{}"),
    "PacketIssued": _packet("发往{}:"),
    "PacketReceipted": lambda b, _n: f"对方已回执({_CHANNEL_OF_RECEIPT.get(b['channel'], b['channel'])})",
    "DeliveryDead": lambda b, _n: f"投递失败,需人工处理:{b['reason']}",
    "ExchangeSigned": _plain("往来已签收"),
    "ExchangeReturned": _plain("往来被退回"),
    "ExchangeRecalled": _plain("往来已撤回"),
    "ExchangeLapsed": _plain("往来逾期失效"),
    "ExchangeAnswered": _plain("往来已答复"),
    "ExchangeReopened": _plain("往来重新打开"),
    "ExchangeClosed": _plain("往来办结"),
    "CourtRulingReceived": lambda b, _n: f"收到法院裁定:{_RULINGS.get(b['ruling'], b['ruling'])} {b['ruling_no']}".rstrip(),
}
WORDINGS: dict[str, Wording] = {**_INTAKE, **_ROUTING, **_MEDIATION, **_DOCKING}
"""Event name → what it says. Names are unique over the services."""


def told(event: str, body: Body, names: Names) -> str:
    """The event in words; its name where it has none, or where its body is not the one this release knows."""
    wording = WORDINGS.get(event)
    if wording is None or not body:
        return event
    try:
        return wording(body, names)
    except (KeyError, ValueError):
        return event
