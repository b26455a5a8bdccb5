"""The doors a dispute comes in by (受理渠道) and the source the statistics count it under (案件来源); the codes are domainkit's."""

from tiaochu_domainkit.codes import CHANNEL_SOURCES, code_list
from tiaochu_domainkit.errors import invalid

INITIATIVE = "initiative"
"""主动调解: nobody applied; the committee began by itself (人民调解法 17)."""


def source_of(channel: str, source: str) -> str:
    """The source of a case that comes by `channel`; `source` empty means the channel's own. Reasons: CODE_UNKNOWN, SOURCE_NOT_OF_CHANNEL."""
    channels, sources = code_list("channel"), code_list("source")
    channels.check("channel", channel)
    if source and source not in CHANNEL_SOURCES[channel]:
        known = sources.zh(source) if source in sources.names else "未知"
        raise invalid("source", "SOURCE_NOT_OF_CHANNEL", f"{channels.zh(channel)}的案件来源不能是“{known}”")
    return source or CHANNEL_SOURCES[channel][0]
