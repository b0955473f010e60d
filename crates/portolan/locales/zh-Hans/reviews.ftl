# The queue of reviews.
reviews-waiting = { $count ->
    [0] 没有等待审核的内容
   *[other] { $count } 项等待审核
}
reviews-count-late = { $count ->
    [0] 没有超时
   *[other] { $count } 项超时
}
reviews-order = 超时的在前，以此前十分之九所用的最长时间为准
reviews-text = 名称或 ID
reviews-step = 步骤
reviews-queue = 队列
reviews-held = 处理人
reviews-anybody = 不限
reviews-mine-or-free = 您或无人
reviews-mine = 您
reviews-you = 您
reviews-until = 至
reviews-look-at = 审核内容
reviews-since = 已等待
reviews-against = 与通常时间相比
reviews-late = 超时
reviews-no-history = 历史记录不足
reviews-new = 新产品
reviews-fields = { $count ->
    [0] 没有更改的字段
   *[other] { $count } 个更改的字段
}
reviews-approvals = { $given } / { $needed } 人已批准
reviews-claim = 领取
reviews-own = 您属于此发布者：由其他审核人员决定。
reviews-submitted = 此内容由您提交：由其他审核人员决定。
reviews-none = 没有等待审核的内容。
reviews-none-words = 需要审核人员决定的内容会列在这里，并显示已等待多久以及由谁处理。
reviews-none-fit = 没有符合条件的内容。
reviews-all = 所有审核
reviews-next = 下一项：
reviews-done-approve = 已批准。发布者可以看到。
reviews-done-reject = 已拒绝。发布者可以看到原因，并会按其设置收到通知。
reviews-done-block = 已阻止。发布者可以看到原因，并会按其设置收到通知。
reviews-done-unblock = 已解除阻止。此步骤继续进行。
