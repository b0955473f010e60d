# The audit.
audit-marketplace = 市场
audit-lines = JSON 行
audit-no-file = 无法将这些条目写入文件。请检查审计页面上的筛选条件，然后重试。
audit-of = 范围
audit-who = 操作者
audit-offer = 产品
audit-event = 事件
audit-since = 起始日期
audit-none = 没有符合条件的条目。对产品、成员和密钥的所有操作都会列在这里。
audit-newest = 最新的在前
audit-when = 时间
audit-what = 操作
audit-entry = 条目
audit-older = 更早的条目
audit-chain = 每个条目都带有覆盖此前所有条目的哈希值；页面显示其开头，文件包含全部。
