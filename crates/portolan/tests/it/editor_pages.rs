//! The editor: what is not edited keeps its bytes, every field has its control, faults stand at their fields, and secrets on no page.

use crate::browser::{Browser, says};
use crate::sign_in::{jane, signed_in};
use crate::world::{Answer, World};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use portolan::auth::Role;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;

const SAAS: &str = "microsoft-azure-saas";
const TABLE: &str = "/offer/microsoft-azure-marketplace.tableLeadConfiguration";

/// What a browser would send of the forms of a page that have a name, without their buttons.
#[derive(Default)]
struct Fields {
    sent: Vec<(String, String)>,
    /// A text area that is open, and a select with whether an option of it was marked.
    area: Option<String>,
    select: Option<(String, bool)>,
    buttons: Vec<String>,
    is_in: bool,
}

struct Sink(RefCell<Fields>);

fn attribute(tag: &Tag, name: &str) -> Option<String> {
    tag.attrs.iter().find(|attribute| &*attribute.name.local == name).map(|attribute| attribute.value.to_string())
}

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        let mut fields = self.0.borrow_mut();
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => {
                let name = attribute(&tag, "name").unwrap_or_default();
                let value = attribute(&tag, "value");
                match &*tag.name {
                    "form" => fields.is_in = attribute(&tag, "id").is_some_and(|id| id == "edit"),
                    "input" if fields.is_in => {
                        let is_box = attribute(&tag, "type").is_some_and(|kind| kind == "checkbox");
                        if !is_box || attribute(&tag, "checked").is_some() {
                            fields.sent.push((name, value.unwrap_or_default()));
                        }
                    }
                    "textarea" if fields.is_in => {
                        fields.sent.push((name, String::new()));
                        fields.area = Some(String::new());
                        return TokenSinkResult::RawData(html5ever::tokenizer::states::RawKind::Rcdata);
                    }
                    "select" if fields.is_in => fields.select = Some((name, false)),
                    "option" if fields.is_in => {
                        let marked = attribute(&tag, "selected").is_some();
                        let Some((name, any)) = fields.select.clone() else { return TokenSinkResult::Continue };
                        let first = !any && !fields.sent.iter().any(|(sent, _)| *sent == name);
                        if first || marked {
                            fields.sent.retain(|(sent, _)| *sent != name);
                            fields.sent.push((name, value.unwrap_or_default()));
                        }
                    }
                    "button" if fields.is_in => fields.buttons.extend(value),
                    _ => {}
                }
            }
            Token::TagToken(tag) if &*tag.name == "textarea" => {
                if let (Some(text), Some(last)) = (fields.area.take(), fields.sent.last_mut()) {
                    // As browsers do: the first end of a line is not the text's.
                    last.1 = text.strip_prefix('\n').unwrap_or(&text).to_owned();
                }
            }
            Token::TagToken(tag) if &*tag.name == "form" => fields.is_in = false,
            Token::CharacterTokens(text) => {
                if let Some(area) = &mut fields.area {
                    area.push_str(&text);
                }
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// The fields of the editor's form, and the values of its buttons.
fn form(page: &Answer) -> (BTreeMap<String, String>, Vec<String>) {
    let options = TokenizerOpts { discard_bom: false, ..TokenizerOpts::default() };
    let tokenizer = Tokenizer::new(Sink(RefCell::default()), options);
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(page.body.as_str()));
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    let fields = tokenizer.sink.0.into_inner();
    let count = fields.sent.len();
    let map: BTreeMap<String, String> = fields.sent.into_iter().collect();
    assert_eq!(map.len(), count, "every field has its own name");
    (map, fields.buttons)
}

/// Sends a form as browsers do, whose lines end with both.
async fn send(browser: &mut Browser, offer: &str, fields: &BTreeMap<String, String>, deed: &str) -> Answer {
    let whole = |text: &str| text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
    let mut sent: Vec<(String, String)> = fields.iter().map(|(name, value)| (whole(name), whole(value))).collect();
    sent.push(("do".into(), deed.into()));
    let sent: Vec<(&str, &str)> = sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post(&edit(offer), &sent).await
}

fn edit(offer: &str) -> String {
    format!("/publishers/contoso/offers/{offer}/edit")
}

async fn put(world: &World, offer: &str, offer_type: &str, definition: &str) {
    let body =
        format!(r#"{{"publisherId":"contoso","id":"{offer}","offerTypeId":"{offer_type}","definition":{definition}}}"#);
    let answer = world.put(&format!("/api/publishers/contoso/offers/{offer}"), &body).await;
    assert!(answer.status < 300, "{}", answer.body);
}

/// The definition as the API has it, byte for byte.
async fn stored(world: &World, offer: &str) -> String {
    let answer = world.get(&format!("/api/publishers/contoso/offers/{offer}")).await;
    let offer: BTreeMap<String, Box<serde_json::value::RawValue>> = serde_json::from_str(&answer.body).unwrap();
    offer["definition"].get().to_owned()
}

async fn editor(world: &World) -> Browser {
    let owner = world.member("editor", Some("contoso"), &[Role::Owner]).await;
    signed_in(world, &owner).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_sent_back_changes_no_byte() {
    let world = World::new().await;
    let mut browser = editor(&world).await;
    let samples = [
        ("microsoft-azure-applications", include_str!("../../samples/azure-application.json")),
        ("microsoft-azure-container", include_str!("../../samples/container.json")),
        ("microsoft-azure-corevm", include_str!("../../samples/core-virtual-machine.json")),
        ("microsoft-azure-iotedge", include_str!("../../samples/iot-edge.json")),
        (SAAS, include_str!("../../samples/saas.json")),
        ("microsoft-azure-virtualmachines", include_str!("../../samples/virtual-machine.json")),
        (
            SAAS,
            "{ \"unknown\" : { \"n\": 1e3,\"a\" : [ ] },\n\t\"displayText\": \"\\u0041\\r\\nb\\rc\\n\", \"offer\": {\"microsoft-azure-marketplace.title\": \" \\u0000 \",
              \"microsoft-azure-marketplace.categories\": [\"a\" ,\"\\u0062\"], \"microsoft-azure-marketplace.description\":\"\\n\\nx\\n\",
              \"microsoft-azure-marketplace.longSummary\": null, \"microsoft-azure-marketplace.leadDestination\": \"odd\",
              \"microsoft-azure-marketplace-testdrive.enabled\": true, \"microsoft-azure-marketplace.summary\": \"<\\/textarea>\\\"'&amp;\"},\r\n\"plans\":[ null, 3, {\"regions\":[\" x\"] , \"planId\":7}] }",
        ),
    ];
    for (number, (offer_type, sample)) in samples.into_iter().enumerate() {
        let offer = format!("round-{number}");
        put(&world, &offer, offer_type, sample.trim()).await;
        // A secret in a sample is taken out of it when it is put.
        let before = stored(&world, &offer).await;
        let page = browser.get(&edit(&offer)).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let (fields, _) = form(&page);
        assert!(fields.len() > 8, "{fields:?}");
        world.clock.advance(std::time::Duration::from_secs(1));
        let saved = send(&mut browser, &offer, &fields, "save").await;
        assert_eq!(
            (saved.status, saved.header("location")),
            (303, format!("{}?saved=1", edit(&offer)).as_str()),
            "{}",
            saved.body
        );
        assert_eq!(stored(&world, &offer).await, before);
        let page = browser.get(&format!("{}?as=json", edit(&offer))).await;
        let (fields, _) = form(&page);
        let saved = send(&mut browser, &offer, &fields, "save").await;
        assert_eq!(saved.status, 303, "{}", saved.body);
        assert_eq!(stored(&world, &offer).await, before, "as JSON");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_control_changes_its_leaf_and_nothing_else() {
    let world = World::new().await;
    let mut browser = editor(&world).await;
    let text = "{ \"displayText\":\"A\", \"own\" : [1],\n \"offer\": {\"microsoft-azure-marketplace.description\": \"x\\ny\", \"microsoft-azure-marketplace.categories\": [ \"a\",\"b\" ], \"microsoft-azure-marketplace.leadDestination\":\"None\", \"microsoft-azure-marketplace-testdrive.enabled\" : true}, \"plans\": [{\"planId\":\"p\",\"virtualMachinePricing\": {\"freeTrialDurationInMonths\": 1.0, \"isByol\":false}}] }";
    put(&world, "kinds", "microsoft-azure-virtualmachines", text).await;
    let (mut fields, _) = form(&browser.get(&edit("kinds")).await);
    let offer = "v/offer/microsoft-azure-marketplace";
    for (name, value) in [
        ("v/displayText", "B \"<"),
        ("v/own", "[1, 2.50]"),
        (&format!("{offer}.description"), "x\nz"),
        (&format!("{offer}.categories"), "b\nc"),
        (&format!("{offer}.leadDestination"), "\"AzureTable\""),
        ("v/plans/0/virtualMachinePricing/freeTrialDurationInMonths", "3"),
        ("v/plans/0/virtualMachinePricing/isByol", "true"),
    ] {
        fields.insert(name.to_owned(), value.to_owned());
    }
    assert_eq!(fields.remove(&format!("{offer}-testdrive.enabled")).as_deref(), Some("true"));
    assert_eq!(send(&mut browser, "kinds", &fields, "save").await.status, 303);
    let expected = text
        .replace("\"A\"", "\"B \\\"<\"")
        .replace("[1]", "[1, 2.50]")
        .replace("x\\ny", "x\\nz")
        .replace("[ \"a\",\"b\" ]", "[ \"b\",\"c\" ]")
        .replace("\"None\"", "\"AzureTable\"")
        .replace("true", "false")
        .replace("1.0", "3")
        .replace("\"isByol\":false", "\"isByol\":true");
    assert_eq!(stored(&world, "kinds").await, expected);
    // What is no number and no JSON is told at its field, kept, and not saved.
    let (mut fields, _) = form(&browser.get(&edit("kinds")).await);
    fields.insert("v/plans/0/virtualMachinePricing/freeTrialDurationInMonths".into(), "many".into());
    fields.insert("v/own".into(), "[1,".into());
    fields.insert("v/displayText".into(), "C".into());
    let page = send(&mut browser, "kinds", &fields, "save").await;
    assert!(
        page.status == 422 && says(&page, "This is not a number") && says(&page, "This is not JSON"),
        "{}",
        page.body
    );
    let (kept, _) = form(&page);
    assert_eq!((kept["v/own"].as_str(), kept["v/displayText"].as_str()), ("[1,", "C"));
    assert_eq!(stored(&world, "kinds").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_and_entries_are_added_and_removed_without_a_script() {
    let world = World::new().await;
    let mut browser = editor(&world).await;
    let text = "{ \"displayText\": \"A\", \"offer\": {}, \"plans\": [ {\"planId\":\"one\"}, {\"planId\":\"two\"} ] }";
    put(&world, "adds", SAAS, text).await;
    let (mut fields, buttons) = form(&browser.get(&edit("adds")).await);
    assert!(
        buttons.contains(&"remove/plans/0".to_owned()) && !buttons.contains(&"remove/plans".to_owned()),
        "{buttons:?}"
    );
    fields.insert("v/plans/1/planId".into(), "three".into());
    let page = send(&mut browser, "adds", &fields, "remove/plans/0").await;
    let (fields, _) = form(&page);
    assert_eq!((page.status, fields["v/plans/0/planId"].as_str()), (200, "three"));
    let page = send(&mut browser, "adds", &fields, "add/plans").await;
    assert!(says(&page, "id=\"at\""), "{}", page.body);
    let (mut fields, _) = form(&page);
    assert_eq!(fields["v/plans/1/microsoft-azure-saas.skuTitle"], "");
    fields.insert("member/offer".into(), "microsoft-azure-marketplace.usefulLinks".into());
    let (fields, _) = form(&send(&mut browser, "adds", &fields, "add/offer").await);
    assert_eq!(stored(&world, "adds").await, text, "nothing is saved yet");
    assert_eq!(send(&mut browser, "adds", &fields, "save").await.status, 303);
    let saved: Value = serde_json::from_str(&stored(&world, "adds").await).unwrap();
    assert_eq!(saved["offer"], json!({"microsoft-azure-marketplace.usefulLinks": []}));
    assert_eq!((saved["plans"][0].clone(), saved["plans"].as_array().unwrap().len()), (json!({"planId": "three"}), 2));
    let images = "microsoft-azure-virtualmachines.vmImages";
    put(&world, "maps", "microsoft-azure-virtualmachines", &format!("{{\"plans\":[{{\"{images}\":{{}}}}]}}")).await;
    let (mut fields, _) = form(&browser.get(&edit("maps")).await);
    fields.insert(format!("named/plans/0/{images}"), "1.0.0".into());
    let (fields, _) = form(&send(&mut browser, "maps", &fields, &format!("add/plans/0/{images}")).await);
    assert_eq!(fields[&format!("v/plans/0/{images}/1.0.0/osVhdUrl")], "");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_written_and_never_shown() {
    let world = World::new().await;
    let mut browser = editor(&world).await;
    let member = TABLE.trim_start_matches("/offer/");
    put(
        &world,
        "hush",
        SAAS,
        &format!("{{\"displayText\":\"A\",\"offer\":{{\"{member}\":{{\"connectionString\":\"canary-1\"}}}}}}"),
    )
    .await;
    let page = browser.get(&edit("hush")).await;
    assert!(says(&page, "One is kept, and not shown") && !says(&page, "canary"), "{}", page.body);
    let kept = || async {
        let key = publishing::offer::OfferKey {
            publisher: publishing::offer::PublisherId::parse("contoso").unwrap(),
            offer: publishing::offer::OfferId::parse("hush").unwrap(),
        };
        let loaded = world.store.load(&key).await.unwrap().unwrap();
        loaded.offer.draft.secrets.0.get(&format!("{TABLE}/connectionString")).cloned()
    };
    let (mut fields, _) = form(&page);
    assert_eq!(send(&mut browser, "hush", &fields, "save").await.status, 303);
    assert_eq!(kept().await, Some(json!("canary-1")), "an empty field leaves it");
    let (mut typed, _) = form(&browser.get(&edit("hush")).await);
    typed.insert(format!("v{TABLE}/connectionString"), "canary-2".into());
    typed.insert("v/displayText".into(), "B".into());
    let page = send(&mut browser, "hush", &typed, "add/offer").await;
    assert!(says(&page, "Type them again") && !says(&page, "canary"), "{}", page.body);
    assert_eq!(send(&mut browser, "hush", &typed, "save").await.status, 303);
    assert_eq!(kept().await, Some(json!("canary-2")));
    (fields, _) = form(&browser.get(&edit("hush")).await);
    fields.insert(format!("forget{TABLE}/connectionString"), "1".into());
    assert_eq!(send(&mut browser, "hush", &fields, "save").await.status, 303);
    assert_eq!(kept().await, None);
    let (mut fields, _) = form(&browser.get(&format!("{}?as=json", edit("hush"))).await);
    fields.insert(
        "json".into(),
        format!("{{\"displayText\":7,\"offer\":{{\"{member}\":{{\"connectionString\":\"canary-3\"}}}}}}"),
    );
    let page = send(&mut browser, "hush", &fields, "save").await;
    assert!(page.status == 400 && says(&page, "displayText is not a text") && !says(&page, "canary"), "{}", page.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_saves_over_somebody_elses_draft_does_it_knowingly() {
    let world = World::new().await;
    let mut browser = editor(&world).await;
    put(&world, "both", SAAS, "{\"displayText\":\"A\",\"plans\":[]}").await;
    let (mut fields, _) = form(&browser.get(&edit("both")).await);
    world.clock.advance(std::time::Duration::from_secs(5));
    put(&world, "both", SAAS, "{\"displayText\":\"Theirs\",\"plans\":[]}").await;
    fields.insert("v/displayText".into(), "Mine".into());
    let page = send(&mut browser, "both", &fields, "save").await;
    assert!(page.status == 412 && says(&page, "changed the offer meanwhile"), "{}", page.body);
    assert!(says(&page, "&#34;Theirs&#34;") && says(&page, "&#34;Mine&#34;") && says(&page, ">ci ("), "{}", page.body);
    let (fields, _) = form(&page);
    assert_eq!(fields["v/displayText"], "Mine");
    assert_eq!(send(&mut browser, "both", &fields, "save").await.status, 412, "not without knowing");
    world.clock.advance(std::time::Duration::from_secs(5));
    assert_eq!(send(&mut browser, "both", &fields, "over").await.status, 303);
    assert_eq!(stored(&world, "both").await, "{\"displayText\":\"Mine\",\"plans\":[]}");
    assert_eq!(send(&mut browser, "both", &fields, "save").await.status, 303, "the same sent twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_keeps_what_was_typed_elsewhere() {
    let world = World::new().await;
    let mut browser = editor(&world).await;
    put(&world, "typed", SAAS, "{\"displayText\":\"A\",\"own\":[1],\"ownX\":[2],\"plans\":[]}").await;
    let (mut fields, _) = form(&browser.get(&edit("typed")).await);
    fields.insert("v/own".into(), "[1,".into());
    fields.insert("v/ownX".into(), "[2,".into());
    let page = send(&mut browser, "typed", &fields, "remove/own").await;
    let (kept, _) = form(&page);
    assert_eq!((kept.get("v/own"), kept["v/ownX"].as_str()), (None, "[2,"), "{}", page.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_of_very_many_fields_is_edited_as_json() {
    let world = World::new().await;
    let mut browser = editor(&world).await;
    let many = json!({"displayText": "A", "plans": vec![0; 40_000]}).to_string();
    put(&world, "many", SAAS, &many).await;
    let page = browser.get(&edit("many")).await;
    assert!(page.status == 200 && page.body.len() < 3 * many.len(), "{}", page.body.len());
    let (mut fields, _) = form(&page);
    assert_eq!(fields["json"], many);
    fields.insert("json".into(), many.replace("\"A\"", "\"B\""));
    assert_eq!(send(&mut browser, "many", &fields, "save").await.status, 303);
    assert_eq!(stored(&world, "many").await, many.replace("\"A\"", "\"B\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_reads_sees_no_signed_address() {
    let world = World::new().await;
    let definition = r#"{"displayText":"A","own":{"uri":"https://x/?sig=hush","passwords":["hush"],"open":"seen"}}"#;
    put(&world, "masked", SAAS, definition).await;
    let mut reader = signed_in(&world, &jane(&world).await).await;
    for query in ["", "?as=json"] {
        let page = reader.get(&format!("{}{query}", edit("masked"))).await;
        assert!(page.status == 200 && says(&page, "seen") && !says(&page, "hush"), "{}", page.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_opens_at_a_field_and_tells_faults_at_theirs() {
    let world = World::new().await;
    let mut browser = editor(&world).await;
    put(&world, "at", SAAS, "{\"displayText\":\"\",\"offer\":{},\"plans\":[{\"planId\":\"p\"}]}").await;
    let page = browser.get(&format!("{}?at=%2Fdefinition%2Fplans%2F0%2FplanId", edit("at"))).await;
    assert!(says(&page, "<input id=\"at\" name=\"v/plans/0/planId\" value=\"p\""), "{}", page.body);
    assert!(page.body.matches("autofocus").count() == 1 && page.body.matches("id=\"at\"").count() == 1);
    assert!(says(&page, "id=\"f:plans:0\" open"), "{}", page.body);
    let absent = browser.get(&format!("{}?at=/definition/offer/microsoft-azure-marketplace.title", edit("at"))).await;
    assert!(
        says(&absent, "Missing:")
            && says(&absent, "<option value=\"microsoft-azure-marketplace.title\" lang=\"en\" selected>"),
        "{}",
        absent.body
    );
    assert!(says(&absent, "<select id=\"at\""), "{}", absent.body);
    for odd in ["%2Fdefinition%2Fplans%2F9", "/definition/nothing/at/all", "%22%3E%3Cscript%3E", "/publisherId", ""] {
        let page = browser.get(&format!("{}?at={odd}", edit("at"))).await;
        assert!(page.status == 200 && page.body.matches("id=\"at\"").count() <= 1 && !says(&page, "<script>"), "{odd}");
    }
    let checked = browser.get(&format!("{}?check=1", edit("at"))).await;
    assert!(
        says(&checked, "<a href=\"#f:displayText\">")
            && says(&checked, "aria-invalid=\"true\" aria-describedby=\"f:displayText-said\""),
        "{}",
        checked.body
    );
    assert!(says(&checked, "`microsoft-azure-marketplace.title` is missing."), "{}", checked.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_and_values_are_escaped_and_much_is_taken() {
    let world = World::new().await;
    let mut browser = editor(&world).await;
    let poison = "\"><script>alert(1)</script></textarea><b x='";
    let definition = json!({"displayText": poison, poison: {poison: [poison]}, "offer": {poison: poison}, "plans": [{"planId": poison, "microsoft-azure-virtualmachines.vmImages": {poison: {"osVhdUrl": poison}}}]});
    put(&world, "poison", "microsoft-azure-virtualmachines", &definition.to_string()).await;
    for query in ["", "?as=json"] {
        let page = browser.get(&format!("{}{query}", edit("poison"))).await;
        assert!(page.status == 200 && !says(&page, "<script>alert") && !says(&page, "<b x"), "{}", page.body);
        let (fields, _) = form(&page);
        assert_eq!(send(&mut browser, "poison", &fields, "save").await.status, 303);
        assert_eq!(stored(&world, "poison").await, definition.to_string());
    }
    let plan =
        |at: usize| json!({"planId": format!("p-{at}"), "microsoft-azure-saas.skuDescription": "大".repeat(3_500)});
    let much = json!({"displayText": "A", "plans": (0..100).map(plan).collect::<Vec<_>>()}).to_string();
    assert!(much.len() > 1_000_000);
    put(&world, "much", SAAS, &much).await;
    let (mut fields, _) = form(&browser.get(&edit("much")).await);
    fields.insert("v/displayText".into(), "B".into());
    let saved = send(&mut browser, "much", &fields, "save").await;
    assert_eq!(saved.status, 303, "{}", saved.body.chars().take(3_000).collect::<String>());
    assert_eq!(stored(&world, "much").await, much.replace("\"A\"", "\"B\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_save_is_let_to_and_only_from_here() {
    let world = World::new().await;
    let mut browser = editor(&world).await;
    put(&world, "mine", SAAS, "{\"displayText\":\"A\"}").await;
    let (fields, _) = form(&browser.get(&edit("mine")).await);
    let mut reader = signed_in(&world, &jane(&world).await).await;
    let page = reader.get(&edit("mine")).await;
    assert!(page.status == 200 && says(&page, "and not change it") && !says(&page, "name=\"do\""), "{}", page.body);
    assert_eq!(send(&mut reader, "mine", &fields, "save").await.status, 404);
    let stranger = world.member("stranger", Some("fabrikam"), &[Role::Owner]).await;
    assert_eq!(signed_in(&world, &stranger).await.get(&edit("mine")).await.status, 404);
    let mut changed = fields.clone();
    changed.insert("v/displayText".into(), "B".into());
    let mut without = changed.clone();
    without.insert("form_token".into(), "x".into());
    assert_eq!(send(&mut browser, "mine", &without, "save").await.status, 403);
    let sent: Vec<(&str, &str)> =
        changed.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain([("do", "save")]).collect();
    let elsewhere = browser.post_with(&edit("mine"), &sent, &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!((elsewhere.status, stored(&world, "mine").await.as_str()), (403, "{\"displayText\":\"A\"}"));
    browser.cookies.insert("portolan-display".into(), "zh-Hans.system.own".into());
    let chinese = browser.ask("GET", &edit("mine"), &[("accept-language", "zh-CN")], "").await;
    assert!(says(&chinese, "编辑草稿") || says(&chinese, "保存草稿"), "{}", chinese.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_offer_is_made_once_and_leads_to_its_editor() {
    let world = World::new().await;
    let mut browser = editor(&world).await;
    let page = browser.get("/offers/new").await;
    assert!(page.status == 200 && says(&page, "Contoso, Ltd.") && !says(&page, "Fabrikam"), "{}", page.body);
    let token = crate::browser::field(&page.body, "form_token");
    let ask = |id: &'static str, name: &'static str| {
        [
            ("form_token", token.clone()),
            ("publisher", "contoso".into()),
            ("type", SAAS.into()),
            ("id", id.to_owned()),
            ("name", name.to_owned()),
        ]
    };
    let pairs = |form: &[(&'static str, String)]| form.to_vec();
    for (id, name, status, words) in [
        ("Bad Id", "A", 400, "An offer id has 1 to 50"),
        ("", "A", 422, "has no id"),
        ("fine", " ", 422, "has no name"),
        ("fine", "A <b>", 303, ""),
        ("fine", "Another", 409, "with this id already"),
    ] {
        let form = pairs(&ask(id, name));
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = browser.post("/offers/new", &form).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(says(&answer, words) && (status == 303 || says(&answer, "name=\"name\"")), "{}", answer.body);
    }
    let made: Value = serde_json::from_str(&stored(&world, "fine").await).unwrap();
    assert_eq!((&made["displayText"], &made["plans"][0]["planId"]), (&json!("A <b>"), &json!("")));
    let page = browser.get(&edit("fine")).await;
    assert!(page.status == 200 && says(&page, "v/plans/0/microsoft-azure-saas.skuTitle"), "{}", page.body);
    let mut reader = signed_in(&world, &jane(&world).await).await;
    assert_eq!(reader.get("/offers/new").await.status, 404);
}
