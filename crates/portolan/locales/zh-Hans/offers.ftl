# The list of offers.
offers-new = 新建产品
offers-none = 还没有产品。
offers-none-words = 您的发布者的每个产品都会列在这里，并显示其状态、轮到谁处理以及通常何时结束。可在此新建，或在终端中执行：
offers-none-emulator = 只是看看？可从此处加载示例产品：
offers-none-fit = 没有符合条件的产品。
offers-filter = 筛选
offers-text = 名称或 ID
offers-needs = 等待
offers-anything = 不限
offers-needs-publisher = 发布者
offers-type = 类型
offers-publisher = 发布者
offers-sort = 排序
offers-sort-needs = 需要处理的在前
offers-sort-changed = 最近更改的在前
offers-sort-name = 按名称
offers-show = 显示
offers-count = { $count } 个产品
offers-needing = { $count ->
    [0] 没有产品等待发布者
   *[other] { $count } 个产品等待发布者
}
offers-offer = 产品
offers-state = 状态
offers-waiting = 等待对象
offers-expected = 通常结束于
offers-changed = 更改时间
turn-publisher = 发布者
turn-publisher-errors = 发布者：{ $errors } 个错误
turn-reviewer = 审核人员
turn-marketplace = 市场
turn-outside = 外部系统
turn-nobody = 无
shell-pages = 此列表的分页
shell-page = 第 { $number } 页
shell-before = 上一页
shell-after = 下一页
offers-cut = 此处只查看、筛选并统计每个发布者 ID 最靠前的 10,000 个产品。API 会列出全部产品。
