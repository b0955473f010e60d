//! What the codes mean that the service says itself, in messages of steps and in faults, and what to do: one table, in the languages of
//! the pages.

use super::text::Language;

/// What a code means.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) code: &'static str,
    /// What it means and what to do, in English.
    english: (&'static str, &'static str),
    /// The same in Chinese.
    chinese: (&'static str, &'static str),
}

impl Rule {
    /// What it means and what to do.
    pub(super) const fn words(&self, language: Language) -> (&'static str, &'static str) {
        match language {
            Language::Chinese => self.chinese,
            Language::English | Language::Pseudo => self.english,
        }
    }
}

/// The codes, in the order of the alphabet.
pub(super) const RULES: [Rule; 54] = [
    rule(
        "AudienceCell",
        (
            "A cell of an audience file is not what it must be.",
            "Mend the cell that the message names, and publish again.",
        ),
        ("受众文件中有一个单元格不符合要求。", "修正消息指出的单元格，然后重新发布。"),
    ),
    rule(
        "BadFormat",
        (
            "A value is not of the form that its field takes, such as an address, an id or a date.",
            "Write it in the form that the message names.",
        ),
        ("某个值的格式不符合该字段的要求，例如地址、id 或日期。", "按消息说明的格式填写。"),
    ),
    rule(
        "BadRequest",
        ("Something in the request cannot be.", "Correct what the message and its target name, and send it again."),
        ("请求中有不成立的内容。", "修正消息及其 target 指出的内容，然后重新发送。"),
    ),
    rule(
        "CheckCannotRun",
        (
            "The service could not run a check at all; the step is blocked.",
            "The marketplace's operator mends it and unblocks the step. A publisher has nothing to do.",
        ),
        ("服务完全无法执行某项检查，该步骤已被阻止。", "由市场运营者修复并解除阻止；发布者无需操作。"),
    ),
    rule(
        "CheckTimedOut",
        (
            "An outside system did not end its check in the time it has.",
            "The marketplace's operator looks why, and unblocks the step.",
        ),
        ("外部系统未在规定时间内完成检查。", "由市场运营者查明原因并解除阻止。"),
    ),
    rule(
        "CheckerUnreachable",
        (
            "An outside system that checks offers could not be asked. It is asked again.",
            "Wait. Where it lasts, ask the marketplace's operator.",
        ),
        ("无法联系负责检查产品的外部系统，服务会再次尝试。", "请等待；若持续如此，请询问市场运营者。"),
    ),
    rule(
        "Conflict",
        (
            "Two things stand against each other: two members of the draft, or the request and what is there.",
            "Keep one of the two that the message names.",
        ),
        ("两项内容互相冲突：草稿中的两个成员，或请求与已有内容。", "只保留消息指出的两者之一。"),
    ),
    rule(
        "Duplicate",
        ("Something is there twice that may be there once.", "Remove one, or give it another id."),
        ("只能出现一次的内容出现了两次。", "删除其中一个，或换一个 id。"),
    ),
    rule(
        "Emulated",
        ("An emulator was told to say so: nothing is wrong with the offer.", "Nothing has to be mended."),
        ("模拟器按指令给出此消息：产品本身没有问题。", "无需修正。"),
    ),
    rule(
        "EmulatedBlock",
        (
            "An emulator was told to block the step, without a code of its own.",
            "Unblock the step in the emulator, or take the fault away.",
        ),
        ("模拟器按指令阻止了该步骤，且未指定其他代码。", "在模拟器中解除阻止，或移除该故障。"),
    ),
    rule(
        "EmulatedReject",
        (
            "An emulator was told to reject the step, without a code of its own.",
            "Take the fault away in the emulator, and publish again.",
        ),
        ("模拟器按指令拒绝了该步骤，且未指定其他代码。", "在模拟器中移除该故障，然后重新发布。"),
    ),
    rule(
        "FileTooLarge",
        ("A file is larger than the service takes.", "Make it smaller, as the message says, and publish again."),
        ("文件超过服务接受的大小。", "按消息的说明缩小文件，然后重新发布。"),
    ),
    rule(
        "FileType",
        (
            "A file is not of the type that its field takes, or is damaged or empty.",
            "Save it anew in the type that the message names.",
        ),
        ("文件类型不符合该字段的要求，或文件已损坏或为空。", "按消息说明的类型重新保存。"),
    ),
    rule(
        "FileUnreachable",
        (
            "A file that the offer names could not be read at its address.",
            "Let the address answer without sign-in and redirects, and publish again.",
        ),
        ("无法从产品给出的地址读取文件。", "让该地址无需登录、不经重定向即可访问，然后重新发布。"),
    ),
    rule(
        "Fixed",
        ("Something cannot change any more, for it is live.", "Put it back as it is live."),
        ("该内容已上线，不能再更改。", "恢复为已上线的内容。"),
    ),
    rule(
        "Forbidden",
        ("The caller has no role that allows it.", "Ask an owner of the publisher, or an operator, for a role."),
        ("调用者没有允许此操作的角色。", "请向该发布者的 owner 或 operator 申请角色。"),
    ),
    rule(
        "ImageSize",
        ("A picture is not of the size that its field takes.", "Save it in the size that the message names."),
        ("图片尺寸不符合该字段的要求。", "按消息说明的尺寸保存图片。"),
    ),
    rule(
        "ImageType",
        (
            "A picture is not of a type that its field takes, or is damaged.",
            "Save it as PNG or JPEG, as the message says.",
        ),
        ("图片类型不符合该字段的要求，或图片已损坏。", "按消息的说明另存为 PNG 或 JPEG。"),
    ),
    rule(
        "InternalServerError",
        (
            "The service failed. That is not the caller's fault.",
            "Try again; where it lasts, tell the marketplace's operator.",
        ),
        ("服务出错，并非调用者的问题。", "请重试；若持续如此，请告知市场运营者。"),
    ),
    rule(
        "Invalid",
        ("A value breaks a rule of its schema that has no code of its own.", "Correct it, as the message says."),
        ("某个值违反了其 schema 中没有专门代码的规则。", "按消息的说明修正。"),
    ),
    rule(
        "InvalidAPIVersion",
        ("The query names no api-version that is accepted.", "Add api-version=2017-10-31."),
        ("查询中没有给出可接受的 api-version。", "加上 api-version=2017-10-31。"),
    ),
    rule(
        "InvalidOfferState",
        ("The offer's status does not allow it.", "Read the offer's status: it says what can be done."),
        ("产品当前的状态不允许此操作。", "查看产品状态，其中说明可以做什么。"),
    ),
    rule(
        "InvalidResourceId",
        (
            "The offer exists, and the request does not say which version it replaces.",
            "Read the offer, and send its ETag as If-Match.",
        ),
        ("产品已存在，而请求未说明要替换哪个版本。", "先读取产品，再将其 ETag 作为 If-Match 发送。"),
    ),
    rule(
        "KeyUsed",
        ("The key of a repeatable request was used for another request.", "Use a new key for another request."),
        ("可重复请求的键已用于另一个请求。", "为另一个请求使用新的键。"),
    ),
    rule(
        "LeadEndpointRefused",
        (
            "The lead endpoint answered a test lead, but did not take it.",
            "Let it answer a POST of JSON with a status of 2xx, and publish again.",
        ),
        ("潜在客户端点响应了测试，但没有接收。", "让它以 2xx 状态响应 JSON 的 POST 请求，然后重新发布。"),
    ),
    rule(
        "LeadEndpointUnreachable",
        ("The lead endpoint could not be reached.", "Mend what the message names, and publish again."),
        ("无法访问潜在客户端点。", "修复消息指出的问题，然后重新发布。"),
    ),
    rule(
        "LeadsNotDelivered",
        (
            "Leads of this destination are checked, but this service does not deliver them.",
            "Use HttpsEndpoint to have them delivered.",
        ),
        ("该目标的潜在客户会被检查，但本服务不负责投递。", "使用 HttpsEndpoint 以便投递。"),
    ),
    rule(
        "LeadsNotTested",
        (
            "The lead endpoint was not tried, for this service sends nothing out.",
            "Nothing has to be mended; test the endpoint yourself.",
        ),
        ("本服务不向外发送任何内容，因此未测试潜在客户端点。", "无需修正；请自行测试该端点。"),
    ),
    rule(
        "MethodNotAllowed",
        ("The path exists, for other methods.", "Use a method that the answer's Allow header names."),
        ("该路径存在，但使用其他方法。", "使用响应的 Allow 标头列出的方法。"),
    ),
    rule(
        "NoReasonGiven",
        ("A check stopped and gave no reason.", "Ask the marketplace's operator for it."),
        ("检查已停止，但没有给出原因。", "请向市场运营者询问原因。"),
    ),
    rule(
        "NotAllowed",
        ("A value is none of those that its field takes.", "Use one of those that the message names."),
        ("某个值不在该字段允许的范围内。", "使用消息列出的值之一。"),
    ),
    rule(
        "NotFound",
        ("There is no such thing, or it is not for the caller.", "Check the ids in the address."),
        ("没有此内容，或调用者无权查看。", "检查地址中的 id。"),
    ),
    rule(
        "OperationInProgress",
        ("A submission of the offer runs already.", "Wait until it ends, or cancel it."),
        ("该产品已有提交正在进行。", "等待其结束，或将其取消。"),
    ),
    rule(
        "OutOfRange",
        ("A number is too small or too large.", "Give one within the range that the message names."),
        ("数字过小或过大。", "填写消息说明的范围内的数字。"),
    ),
    rule(
        "PayloadTooLarge",
        ("The body of the request is over the limit.", "Send less."),
        ("请求正文超过限制。", "减少发送的内容。"),
    ),
    rule(
        "PreconditionFailed",
        ("The offer is not as If-Match says: somebody has changed it.", "Read the offer anew, and decide again."),
        ("产品与 If-Match 不符：已有人更改。", "重新读取产品，再作决定。"),
    ),
    rule(
        "RequestTimeout",
        ("The body of the request did not come in time.", "Send it again."),
        ("请求正文未能及时到达。", "重新发送。"),
    ),
    rule(
        "Required",
        ("Something that must be there is missing or empty.", "Fill in the field that the message names."),
        ("必填内容缺失或为空。", "填写消息指出的字段。"),
    ),
    rule(
        "Reused",
        (
            "A check was not run again: nothing that it looks at has changed since it passed.",
            "Nothing has to be mended.",
        ),
        ("检查未重新执行：自上次通过以来，其检查的内容没有变化。", "无需修正。"),
    ),
    rule(
        "ReviewerApproved",
        ("A reviewer approved a step.", "Nothing has to be mended."),
        ("审核人员批准了某个步骤。", "无需修正。"),
    ),
    rule(
        "ReviewerNote",
        ("A reviewer wrote a note for the publisher.", "Read it; it changes nothing by itself."),
        ("审核人员给发布者写了备注。", "请阅读；备注本身不改变任何内容。"),
    ),
    rule(
        "RolledBack",
        (
            "The version that was live before was put back.",
            "Nothing has to be mended; a roll back can be undone by another.",
        ),
        ("先前上线的版本已恢复。", "无需修正；再次回滚即可撤销。"),
    ),
    rule(
        "ServiceUnavailable",
        ("The service cannot do it at the moment.", "Try again after the time that Retry-After names."),
        ("服务目前无法执行。", "在 Retry-After 指出的时间后重试。"),
    ),
    rule(
        "SheetCell",
        ("A cell of a price sheet is not what it must be.", "Mend the cell that the message names, and publish again."),
        ("价格表中有一个单元格不符合要求。", "修正消息指出的单元格，然后重新发布。"),
    ),
    rule(
        "StepLate",
        (
            "A step takes longer than nearly all earlier ones did. It goes on.",
            "Wait; where it lasts, ask the marketplace's operator.",
        ),
        ("某个步骤的耗时超过以往绝大多数情况，但仍在继续。", "请等待；若持续如此，请询问市场运营者。"),
    ),
    rule(
        "TooFew",
        ("A list or an object has too few entries.", "Add some, up to the number that the message names."),
        ("列表或对象的条目过少。", "增加条目，达到消息说明的数量。"),
    ),
    rule(
        "TooLong",
        ("A text is too long.", "Shorten it to the length that the message names."),
        ("文本过长。", "缩短到消息说明的长度。"),
    ),
    rule(
        "TooMany",
        ("There are more entries than may be.", "Remove some, or divide them among several offers."),
        ("条目数量超过允许的上限。", "删除一些，或分到多个产品中。"),
    ),
    rule(
        "TooManyRequests",
        ("The caller sends too many requests.", "Wait for the time that Retry-After names."),
        ("调用者发送的请求过多。", "等待 Retry-After 指出的时间。"),
    ),
    rule(
        "TooShort",
        ("A text is too short.", "Write at least as much as the message names."),
        ("文本过短。", "至少填写消息说明的长度。"),
    ),
    rule(
        "UnknownName",
        ("An object has a member that it cannot have.", "Remove it, or correct its name."),
        ("对象含有不允许的成员。", "将其删除，或更正其名称。"),
    ),
    rule(
        "UnsupportedMediaType",
        ("The body's type is not JSON.", "Send Content-Type: application/json."),
        ("正文类型不是 JSON。", "发送 Content-Type: application/json。"),
    ),
    rule(
        "ValidationFailed",
        ("The draft has faults; the answer's details list them all.", "Mend each, and send it again."),
        ("草稿有错误，响应的 details 列出了全部错误。", "逐一修正，然后重新发送。"),
    ),
    rule(
        "WrongType",
        ("A value has another type than its field takes.", "Write it in the type that the message names."),
        ("某个值的类型不符合该字段的要求。", "按消息说明的类型填写。"),
    ),
];

const fn rule(
    code: &'static str,
    english: (&'static str, &'static str),
    chinese: (&'static str, &'static str),
) -> Rule {
    Rule { code, english, chinese }
}

/// What a code means, where the service says it itself.
pub(super) fn of(code: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.code == code)
}

/// Every code whose meaning is told.
pub fn codes() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|rule| rule.code)
}
