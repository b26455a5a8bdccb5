"""Stock for synthetic names. Nobody is meant; chance likeness with living persons cannot be excluded."""

SURNAMES: tuple[str, ...] = (
    *"王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜",
    *"范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文",
    *("欧阳", "诸葛", "上官", "司马"),
)
MALE: tuple[str, ...] = tuple("伟强磊军洋勇杰涛明超刚平辉鹏华飞鑫波斌宇浩凯健俊帆帅旭宁龙林楠峰建国庆东海志文学德永长祥根生荣福寿宏兴")
FEMALE: tuple[str, ...] = tuple("芳娜敏静秀娟英霞燕玲桂兰凤洁梅琳素云莲真环雪荣爱妹香月莺媛艳瑞凡佳嘉琼勤珍贞莉红琴萍芬彩菊华慧巧美")
# Characters outside GB2312, and one outside the Basic Multilingual Plane: forms, indexes and exports must carry them.
RARE = ("䶮", "𠅤", "㛃")

TRADE_WORDS = tuple("恒鼎盛华宏泰瑞丰金源锦程安顺嘉禾永兴德润东升万通广达天成".strip())
TRADES = {
    "property": ("物业服务有限公司", "物业管理有限公司"),
    "factory": ("机械制造有限公司", "纺织有限公司", "电子科技有限公司", "金属制品有限公司", "服饰有限公司"),
    "builder": ("建筑工程有限公司", "市政工程有限公司", "装饰工程有限公司", "建筑劳务有限公司"),
    "shop": ("家电商行有限公司", "商贸有限公司", "家居用品有限公司", "健身服务有限公司", "美容服务有限公司"),
    "online": ("电子商务有限公司", "网络科技有限公司"),
    "hospital": ("医院有限公司", "口腔门诊部有限公司"),
    "school": ("教育培训有限公司", "幼儿园有限公司"),
    "insurer": ("保险代理有限公司",),
    "lender": ("小额贷款有限公司", "投资管理有限公司"),
    "developer": ("置业有限公司", "房地产开发有限公司"),
    "transport": ("物流有限公司", "运输有限公司", "船务有限公司"),
    "trader": ("贸易有限公司", "材料有限公司", "农产品有限公司"),
    "farm": ("农业发展有限公司", "水产养殖有限公司"),
    "chemical": ("化工有限公司", "涂料有限公司"),
}
