# The pages that say what follows before anything is done: publish, go live, cancel, roll back.
deed-follows = 将会发生
deed-steps = 后续步骤
deed-leave = 保持现状
deed-back = 返回产品
deed-see = 查看更改
deed-differ = { $count ->
    [0] 定义与已上线的版本 { $live } 没有差异。
   *[other] 与已上线的版本 { $live } 有 { $count } 个字段不同。
}
deed-faults = 有 { $count } 处错误，将被拒绝
deed-not-now = 现在无法执行此操作。
deed-not-yours = 您在此发布者中的角色不允许此操作。请联系那里的所有者代为执行，或为您分配有权限的角色。
deed-stale = 没有执行任何操作：打开此页面后，产品已发生变化。下面是当前情况，请查看后再决定。
deed-roll-back = 回滚…
publish-name = 发布草稿
publish-act = 将草稿发布为版本 { $version }
publish-becomes = 当前草稿将成为版本 { $version }，并开始进入预览。之后保存的更改不包含在内。
publish-nothing-live = 还没有已上线的版本。在您将其上线之前，客户看不到此版本。
publish-stays = 在您将此版本上线之前，版本 { $live } 仍在线上。
publish-emails = 通知谁（可选）
publish-emails-hint = 用逗号分隔的邮件地址，最多 20 个。此次提交的结果会通知他们。
golive-name = 上线
golive-act = 将版本 { $version } 上线
golive-first = 客户将看到版本 { $version }。目前还没有已上线的版本。
golive-replaces = 版本 { $version } 将替换已上线的版本 { $live }，在此之前后者仍在线上。
golive-too-late = 在步骤 { $step } 开始之前可以取消，之后无法取消。
cancel-name = 取消此次提交
cancel-act = 取消第 { $number } 次提交
cancel-at-once = 此次提交将立即取消。
cancel-soon = 当前检查停止后，此次提交即被取消。
cancel-nothing-live = 目前没有已上线的版本，取消后也不会有。
cancel-withdrawn = 版本 { $version } 的预览将被撤回。
cancel-kept = 版本 { $version } 的预览保留。
cancel-draft = 草稿会保留，之后可以再次发布。
rollback-name = 回滚
rollback-act = 回滚到版本 { $version }
rollback-replaces = 版本 { $version } 将立即替换版本 { $live }，无需提交，也无需审核：它以前上线过。
rollback-others = 草稿、预览以及进行中的提交保持不变。
rollback-again = 再次回滚即可恢复到新版本。
rollback-nothing = 以前没有其他已上线的版本。
rollback-going-live = 上线已经开始。请等待其结束，然后再回滚。
