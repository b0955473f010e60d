# 新产品。
new-title = 新建产品
new-words = 这会创建一份草稿，其中包含该类型所需的字段。上线之前，客户看不到它的任何内容。
new-name = 名称
new-name-hint = 成员在列表中看到的名称，可以随时更改。
new-id = ID
new-id-hint = 1 到 50 个小写字母、数字、- 和 _，以字母或数字开头，不能以 - 结尾，以后不能更改。
new-make = 创建草稿
new-no-type = 请选择一种类型。
new-no-name = 产品没有名称。请填写名称。
new-no-id = 产品没有 ID。请填写 ID。
new-known = 已有产品使用此 ID。请另选 ID，或打开该产品。
new-open-known = 打开该产品
