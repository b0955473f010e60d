# The history of an offer's submissions, and the page of one.
submissions-title = 提交记录
submissions-none-words = 每次从草稿到预览、再到面向客户上线的过程都会保存在这里，包括各个步骤及其消息。
submissions-count = 共 { $count } 次提交
submissions-number = 提交
submissions-purpose = 目的
submissions-version = 版本
submissions-by = 提交人
submissions-started = 开始时间
submissions-took = 用时
submissions-changes = 更改
submissions-since = 相对版本 { $version }
submission-title = 第 { $number } 次提交
submission-open = 仍在进行中。
submission-status = 查看产品的当前状态
submission-frozen = 已结束，此处内容不再变化。
submission-at-sign-off = 已到达预览。从预览到面向客户上线是另一次单独的提交。
submission-neighbours = 前后的提交
submission-older = 上一次：
submission-newer = 下一次：
submission-changed = 最后更改
submission-none-title = 没有这次提交
submission-none = { $count ->
    [0] 此产品从未提交过。
   *[other] 此产品的提交编号为 1 到 { $count }。
}
