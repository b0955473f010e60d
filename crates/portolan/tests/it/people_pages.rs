//! The pages about people: who may what, secrets that are shown once, who is told, and the log of what webhooks were told.

use crate::browser::{Browser, field, says};
use crate::receiver::{Does, Receiver, egress};
use crate::sign_in::{MAIL, operator, signed_in};
use crate::world::{Answer, Setting, World};
use portolan::auth::Role;
use serde_json::json;
use std::time::Duration;

const ACCESS: &str = "/publishers/contoso/access";
const TOLD: &str = "/publishers/contoso/notifications";

/// Jane, who is this at contoso, with her browser.
async fn jane(world: &World, role: &str) -> Browser {
    world.invite("Jane Doe", MAIL, role).await;
    let jane = world.store.user(MAIL).unwrap().unwrap();
    signed_in(world, &jane).await
}

/// Sends a form of a page, with what the page hides in it.
async fn send(browser: &mut Browser, page: &str, to: &str, form: &[(&str, &str)]) -> Answer {
    let there = browser.get(page).await;
    assert_eq!(there.status, 200, "{page}: {}", there.body);
    let hidden: Vec<(&str, String)> = ["form_token", "revision", "rotated", "shown"]
        .into_iter()
        .filter(|name| there.body.contains(&format!("name=\"{name}\"")))
        .map(|name| (name, field(&there.body, name)))
        .collect();
    let all: Vec<(&str, &str)> =
        hidden.iter().map(|(name, value)| (*name, value.as_str())).chain(form.iter().copied()).collect();
    browser.post(to, &all).await
}

/// Delivers to webhooks what is due.
async fn deliver(world: &World) {
    world.clock.advance(Duration::from_secs(1));
    while world.webhooks.deliver_due().await.unwrap() > 0 {}
}

/// What stands in the box of a secret.
fn secret(page: &Answer) -> String {
    let rest = page.body.split_once("<pre id=\"secret\"").unwrap_or_else(|| panic!("{}", page.body)).1;
    rest.split_once('>').unwrap().1.split_once('<').unwrap().0.to_owned()
}

/// The address of the page of somebody in a list.
fn member_page(list: &Answer, name: &str) -> String {
    let before = list.body.split_once(&format!("<bdi>{name}</bdi></a>")).unwrap_or_else(|| panic!("{}", list.body)).0;
    before.rsplit_once("<a href=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
}

#[tokio::test]
async fn an_owner_adds_changes_and_removes_members() {
    let world = World::new().await;
    let mut browser = jane(&world, "owner").await;
    assert_eq!(browser.get("/access").await.header("location"), ACCESS, "there is one circle");
    let form = [("kind", "servicePrincipal"), ("name", "<b>build</b>"), ("role", "contributor"), ("mail", "")];
    let made = send(&mut browser, ACCESS, ACCESS, &form).await;
    assert_eq!((made.status, made.header("cache-control")), (201, "no-store"), "{}", made.body);
    let value = secret(&made);
    assert_eq!(made.body.matches(&value).count(), 1);
    assert!(says(&made, "portolan login --server") && says(&made, "curl "), "{}", made.body);
    let list = browser.get(ACCESS).await;
    assert!(says(&list, "&#60;b&#62;build&#60;/b&#62;") && !says(&list, "<b>build") && !says(&list, &value));

    let page = member_page(&list, "&#60;b&#62;build&#60;/b&#62;");
    let another = send(&mut browser, &page, &page, &[("deed", "secret"), ("days", "5")]).await;
    assert_eq!(another.status, 201, "{}", another.body);
    let shown = browser.get(&page).await;
    assert!(!says(&shown, &secret(&another)) && shown.body.matches("Remove…").count() == 2, "{}", shown.body);

    let wrong = send(&mut browser, &page, &page, &[("deed", "secret"), ("days", "5000")]).await;
    assert!(
        wrong.status == 400 && says(&wrong, "value=\"5000\"") && says(&wrong, "id=\"days-fault\""),
        "{}",
        wrong.body
    );
    let set = send(&mut browser, &page, &page, &[("deed", "roles"), ("role", "reader")]).await;
    assert_eq!((set.status, set.header("location")), (303, format!("{page}?done=roles").as_str()));
    assert!(says(&browser.follow(set).await, "The role was set."));

    let secret_id = shown.body.split_once("remove?secret=").unwrap().1.split_once('"').unwrap().0.to_owned();
    let remove = format!("{page}/remove?secret={secret_id}");
    assert!(says(&browser.get(&remove).await, &secret_id));
    assert_eq!(send(&mut browser, &remove, &remove, &[]).await.status, 303);
    assert!(!says(&browser.get(&page).await, &secret_id));

    let remove = format!("{page}/remove");
    let asked = browser.get(&remove).await;
    assert!(says(&asked, "What follows") && says(&asked, "reader"), "{}", asked.body);
    let gone = send(&mut browser, &remove, &remove, &[]).await;
    assert_eq!(gone.header("location"), format!("{ACCESS}?done=removed"), "{}", gone.body);
    assert_eq!(browser.get(&page).await.status, 404);
}

#[tokio::test]
async fn a_form_that_is_sent_again_makes_no_second_secret() {
    let world = World::new().await;
    let mut browser = jane(&world, "owner").await;
    let there = browser.get(ACCESS).await;
    let (token, revision) = (field(&there.body, "form_token"), field(&there.body, "revision"));
    let form = [
        ("form_token", token.as_str()),
        ("revision", revision.as_str()),
        ("kind", "servicePrincipal"),
        ("name", "once"),
        ("role", "reader"),
    ];
    assert_eq!(browser.post(ACCESS, &form).await.status, 201);
    let again = browser.post(ACCESS, &form).await;
    assert!(again.status == 409 && says(&again, "value=\"once\""), "what was typed is kept: {}", again.body);
    let list = browser.get(ACCESS).await;
    assert_eq!(list.body.matches("<bdi>once</bdi>").count(), 1);

    let page = member_page(&list, "once");
    let revision = field(&browser.get(&page).await.body, "revision");
    let form = [("form_token", token.as_str()), ("revision", &revision), ("deed", "secret"), ("days", "")];
    assert_eq!(browser.post(&page, &form).await.status, 201);
    let again = browser.post(&page, &form).await;
    assert!(again.status == 409 && says(&again, "Nothing was made now"), "{}", again.body);
    assert_eq!(browser.get(&page).await.body.matches("Remove…").count(), 2);
}

#[tokio::test]
async fn refusals_are_at_their_fields_in_the_words_of_the_api() {
    let world = World::new().await;
    let mut browser = jane(&world, "owner").await;
    for (form, target) in [
        (&[("kind", "user"), ("name", "Kept & shown"), ("mail", "no mail"), ("role", "reader")][..], "mail"),
        (&[("kind", "user"), ("name", ""), ("mail", "a@b.example"), ("role", "reader")], "name"),
        (&[("kind", ""), ("name", "Kept & shown"), ("mail", ""), ("role", "reader")], "kind"),
        (&[("kind", "user"), ("name", "Kept & shown"), ("mail", "a@b.example")], "roles"),
        (&[("kind", "user"), ("name", "Kept & shown"), ("issuer", "nowhere"), ("role", "reader")], "issuer"),
        (&[("id", "no id"), ("name", "Kept & shown"), ("role", "reader")], "id"),
    ] {
        let refused = send(&mut browser, ACCESS, ACCESS, form).await;
        assert!(refused.status == 400 && says(&refused, "role=\"alert\""), "{form:?} {}", refused.body);
        assert!(says(&refused, &format!("<a href=\"#{target}\">")), "{form:?} {}", refused.body);
        assert!(says(&refused, &format!("id=\"{target}-fault\"")), "{form:?} {}", refused.body);
        let kept = form.iter().all(|(_, value)| !value.starts_with("Kept")) || says(&refused, "Kept &#38; shown");
        assert!(kept, "{}", refused.body);
    }
    assert_eq!(browser.get(ACCESS).await.body.matches("<th scope=\"row\">").count(), 2, "nobody was added");

    // Jane has no password yet, and so `ci` is the last owner who has a way in.
    let page = member_page(&browser.get(ACCESS).await, "ci");
    let remove = format!("{page}/remove");
    let answer = send(&mut browser, &remove, &remove, &[]).await;
    assert!(answer.status == 409 && says(&answer, "This is the last owner."), "{}", answer.body);
    let answer = send(&mut browser, &page, &page, &[("deed", "roles"), ("role", "reader")]).await;
    assert!(answer.status == 409 && says(&answer, "role=\"alert\""), "{}", answer.body);
}

#[tokio::test]
async fn a_person_is_invited_and_again() {
    let world = World::new().await;
    let mut browser = jane(&world, "owner").await;
    let form = [("kind", "user"), ("name", "Joe"), ("mail", "joe@contoso.example"), ("role", "reader")];
    let made = send(&mut browser, ACCESS, ACCESS, &form).await;
    let first = secret(&made);
    assert!(made.status == 201 && first.starts_with("pin_") && says(&made, "/invitation"), "{}", made.body);
    let page = member_page(&browser.get(ACCESS).await, "Joe");
    let again = send(&mut browser, &page, &page, &[("deed", "invite")]).await;
    assert!(again.status == 201 && secret(&again) != first, "{}", again.body);
}

#[tokio::test]
async fn unused_and_expired_ones_stand_out_in_words() {
    let world = World::new().await;
    let mut browser = jane(&world, "owner").await;
    let form = [("kind", "servicePrincipal"), ("name", "old"), ("role", "reader")];
    assert_eq!(send(&mut browser, ACCESS, ACCESS, &form).await.status, 201);
    let jane = world.store.user(MAIL).unwrap().unwrap();
    for (days, words) in [(100, "Unused for 100 days"), (60, "Ends in 20 days"), (40, "Expired")] {
        world.clock.advance(Duration::from_secs(days * 86_400));
        let list = signed_in(&world, &jane).await.get(ACCESS).await;
        assert!(says(&list, words), "{words}: {}", list.body);
    }
}

#[tokio::test]
async fn who_may_not_finds_nothing_there() {
    let world = World::new().await;
    let mut reader = jane(&world, "reader").await;
    let lost = reader.get("/publishers/nobody/access").await;
    assert_eq!(lost.status, 404);
    let list = reader.get(ACCESS).await;
    assert!(list.status == 200 && !says(&list, "id=\"add\"") && !says(&list, "Last used"), "{}", list.body);
    let page = member_page(&list, "ci");
    let shown = reader.get(&page).await;
    assert!(shown.status == 200 && !says(&shown, "name=\"deed\"") && !says(&shown, "/remove"), "{}", shown.body);
    let told = reader.get(TOLD).await;
    assert!(told.status == 200 && !says(&told, "id=\"url\""), "{}", told.body);
    let strip = |answer: &Answer| answer.body.replace(|c: char| !c.is_alphabetic(), "").replace("publishers", "");
    for path in [
        "/publishers/fabrikam/access",
        "/publishers/fabrikam/notifications",
        "/marketplace/access",
        "/marketplace/notifications",
    ] {
        let answer = reader.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(says(&answer, "There is no such publisher"), "{path}: {}", strip(&answer));
    }
    let token = reader.form_token().await;
    let form = [
        ("form_token", token.as_str()),
        ("kind", "servicePrincipal"),
        ("name", "x"),
        ("role", "owner"),
        ("deed", "roles"),
    ];
    for path in [ACCESS, &page, &format!("{page}/remove"), "/marketplace/access", "/publishers/fabrikam/access"] {
        assert_eq!(reader.post(path, &form).await.status, 404, "{path}");
    }
    assert_eq!(reader.get(ACCESS).await.body, list.body);
    let mut nobody = Browser::new(&world);
    let answer = nobody.get(ACCESS).await;
    assert_eq!(answer.header("location"), "/sign-in?then=%2Fpublishers%2Fcontoso%2Faccess");
}

#[tokio::test]
async fn forms_of_others_change_nothing() {
    let world = World::new().await;
    let mut browser = jane(&world, "owner").await;
    let list = browser.get(ACCESS).await;
    let (token, revision) = (field(&list.body, "form_token"), field(&list.body, "revision"));
    let page = member_page(&list, "ci");
    let fields = [
        ("revision", revision.as_str()),
        ("kind", "servicePrincipal"),
        ("name", "evil"),
        ("role", "owner"),
        ("deed", "secret"),
    ];
    let with_token: Vec<_> = fields.into_iter().chain([("form_token", token.as_str())]).collect();
    for path in [ACCESS, &page, &format!("{page}/remove"), TOLD] {
        assert_eq!(browser.post(path, &fields).await.status, 403, "{path}: without a token");
        let elsewhere = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
        assert_eq!(browser.post_with(path, &with_token, &elsewhere).await.status, 403, "{path}: from elsewhere");
    }
    assert_eq!(browser.get(ACCESS).await.body, list.body);
}

#[tokio::test]
async fn the_staff_has_the_same_pages_and_the_front_leads_by_role() {
    let world = World::new().await;
    let mut browser = signed_in(&world, &operator(&world).await).await;
    assert_eq!(browser.get("/").await.header("location"), "/offers");
    let circles = browser.get("/access").await;
    assert!(says(&circles, "/marketplace/access") && says(&circles, ACCESS), "{}", circles.body);
    let found = browser.get("/access?q=fabr").await;
    assert!(says(&found, "Fabrikam, Inc.") && !says(&found, ACCESS), "{}", found.body);
    let path = "/marketplace/access";
    let form = [("kind", "user"), ("name", "Rita"), ("mail", "rita@portolan.example"), ("role-reviewer", "yes")];
    let made = send(&mut browser, path, path, &form).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let page = member_page(&browser.get(path).await, "Rita");
    let rita = world.store.user("rita@portolan.example").unwrap().unwrap();
    let mut ritas = signed_in(&world, &rita).await;
    assert_eq!(ritas.get("/").await.header("location"), "/reviews", "a reviewer only");
    let form = [("deed", "roles"), ("role-reviewer", "yes"), ("role-auditor", "yes")];
    assert_eq!(send(&mut browser, &page, &page, &form).await.status, 303);
    assert!(says(&browser.get(&page).await, "reviewer, auditor"));
    assert_eq!(ritas.get("/").await.header("location"), "/offers");
    let remove = format!("{page}/remove");
    assert_eq!(send(&mut browser, &remove, &remove, &[]).await.status, 303);
    assert_eq!(ritas.get("/").await.header("location"), "/account", "a member of nothing");
    assert_eq!(Browser::new(&world).get("/").await.header("location"), "/sign-in?then=%2F");
}

#[tokio::test]
async fn both_languages_have_every_word() {
    let world = World::new().await;
    let mut browser = jane(&world, "owner").await;
    let page = member_page(&browser.get(ACCESS).await, "ci");
    for (path, words) in [
        (ACCESS, "人员与服务主体"),
        (page.as_str(), "添加密钥"),
        (TOLD, "添加 Webhook"),
        ("/account", "您的权限"),
        ("/invitation", "邀请代码"),
    ] {
        let chinese = browser.ask("GET", path, &[("accept-language", "zh-CN")], "").await;
        assert!(says(&chinese, words) && says(&chinese, "<html lang=\"zh-Hans\""), "{path}: {}", chinese.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_added_tried_rotated_and_removed() {
    let receiver = Receiver::start(|_| Does::Answers(204)).await;
    let world = World::with(Setting { egress: egress(&[&receiver]), ..Setting::default() }).await;
    let mut browser = jane(&world, "contributor").await;
    assert_eq!(browser.get("/notifications").await.header("location"), TOLD);
    let wrong = send(&mut browser, TOLD, TOLD, &[("deed", "add"), ("url", "ftp://kept"), ("event-live", "yes")]).await;
    assert!(wrong.status == 400 && says(&wrong, "id=\"url-fault\"") && says(&wrong, "ftp://kept"), "{}", wrong.body);
    assert!(says(&wrong, "name=\"event-live\" value=\"yes\" checked"), "{}", wrong.body);

    let url = receiver.url();
    let there = browser.get(TOLD).await;
    let (token, revision) = (field(&there.body, "form_token"), field(&there.body, "revision"));
    let form = [("form_token", token.as_str()), ("revision", &revision), ("deed", "add"), ("url", &url)];
    let made = browser.post(TOLD, &form).await;
    let first = secret(&made);
    assert!(
        made.status == 201 && first.starts_with("whsec_") && made.body.matches(&first).count() == 1,
        "{}",
        made.body
    );
    assert_eq!(browser.post(TOLD, &form).await.status, 409, "sent again");
    let list = browser.get(TOLD).await;
    assert!(says(&list, "Works") && !says(&list, &first) && !says(&list, "hush"), "{}", list.body);
    let page = list.body.split_once(&format!("<a href=\"{TOLD}/")).unwrap().1.split_once('"').unwrap().0;
    let page = format!("{TOLD}/{page}");

    let tried = send(&mut browser, &page, &page, &[("deed", "test")]).await;
    assert!(tried.status == 200 && says(&tried, "A test was sent. Taken: 204"), "{}", tried.body);
    assert_eq!(receiver.count(), 1);

    let there = browser.get(&page).await;
    let form = [("form_token", token.as_str()), ("rotated", &field(&there.body, "rotated")), ("deed", "rotate")];
    let rotated = browser.post(&page, &form).await;
    assert!(rotated.status == 201 && secret(&rotated) != first, "{}", rotated.body);
    assert_eq!(browser.post(&page, &form).await.status, 409, "sent again");

    // The address stays where it is left as it is shown, with the key that is not.
    let shown = field(
        &there.body.replace("id=\"url\" name=\"url\" autocomplete=\"off\" spellcheck=\"false\"", "name=\"url\""),
        "url",
    );
    let form = [("deed", "change"), ("url", shown.as_str()), ("event-draftSaved", "yes"), ("event-created", "yes")];
    let changed = send(&mut browser, &page, &page, &form).await;
    assert_eq!(changed.status, 303, "{}", changed.body);

    world.put_memo("memo-1").await;
    deliver(&world).await;
    assert!(receiver.got().iter().all(|got| got.path.contains("hush")));
    let log = browser.get(&page).await;
    assert!(says(&log, "contoso/memo-1") && says(&log, "Delivered") && says(&log, "Taken: 204"), "{}", log.body);
    let delivery = field(&log.body, "delivery");
    let count = receiver.count();
    let again = send(&mut browser, &page, &page, &[("deed", "redeliver"), ("delivery", &delivery)]).await;
    assert_eq!(again.status, 303, "{}", again.body);
    deliver(&world).await;
    assert_eq!(receiver.count(), count + 1);
    let unknown = send(&mut browser, &page, &page, &[("deed", "redeliver"), ("delivery", "x")]).await;
    assert_eq!(unknown.status, 404);

    let remove = format!("{page}/remove");
    assert!(says(&browser.get(&remove).await, "What follows"));
    assert_eq!(send(&mut browser, &remove, &remove, &[]).await.status, 303);
    assert_eq!(browser.get(&page).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_gone_says_so_and_can_be_enabled() {
    let receiver = Receiver::start(|_| Does::Answers(410)).await;
    let world = World::with(Setting { egress: egress(&[&receiver]), ..Setting::default() }).await;
    world.member("staff", None, &[Role::Operator]).await;
    let mut browser = signed_in(&world, &operator(&world).await).await;
    let path = "/marketplace/notifications";
    let made = send(&mut browser, path, path, &[("deed", "add"), ("url", &receiver.url())]).await;
    assert_eq!(made.status, 201, "{}", made.body);
    world.put_memo("memo-1").await;
    deliver(&world).await;
    let list = browser.get(path).await;
    assert!(says(&list, "Disabled") && says(&list, "410"), "{}", list.body);
    let page = list.body.split_once(&format!("<a href=\"{path}/")).unwrap().1.split_once('"').unwrap().0;
    let page = format!("{path}/{page}");
    let enabled = send(&mut browser, &page, &page, &[("deed", "enable")]).await;
    assert_eq!(enabled.status, 303, "{}", enabled.body);
    assert!(!says(&browser.get(path).await, "Disabled"));
}

#[tokio::test]
async fn ones_own_mails_are_begun_changed_and_ended() {
    let world = World::with(Setting { mails: true, ..Setting::default() }).await;
    let mut browser = jane(&world, "reader").await;
    let begun = send(&mut browser, TOLD, TOLD, &[("deed", "mails"), ("event-live", "yes")]).await;
    assert_eq!(begun.status, 303, "{}", begun.body);
    let page = browser.follow(begun).await;
    assert!(says(&page, "You get mails to") && says(&page, MAIL), "{}", page.body);
    assert!(says(&page, "name=\"event-live\" value=\"yes\" checked"), "{}", page.body);
    assert!(!says(&page, "name=\"event-failed\" value=\"yes\" checked"), "{}", page.body);
    for _ in 0..2 {
        let ended = send(&mut browser, TOLD, TOLD, &[("deed", "no-mails")]).await;
        assert_eq!(ended.status, 303, "twice is no fault: {}", ended.body);
    }
    assert!(says(&browser.get(TOLD).await, "You get no mails"));
    let other = json!({"events": []}).to_string();
    assert_eq!(
        world.put("/api/publishers/contoso/notifications/mail", &other).await.status,
        409,
        "a program has no address"
    );
}

#[tokio::test]
async fn many_members_are_paged() {
    let world = World::new().await;
    let mut browser = jane(&world, "owner").await;
    for number in 0..60 {
        world.member(&format!("program {number} {}", "x".repeat(90)), Some("contoso"), &[Role::Reader]).await;
    }
    let first = browser.get(ACCESS).await;
    assert_eq!(first.body.matches("<th scope=\"row\">").count(), 50);
    assert!(says(&first, "62 members") && says(&first, "?page=2"), "{}", first.body);
    assert_eq!(browser.get(&format!("{ACCESS}?page=2")).await.body.matches("<th scope=\"row\">").count(), 12);
}

#[tokio::test]
async fn a_program_of_others_is_added_by_its_id_and_its_secrets_stay_theirs() {
    let world = World::new().await;
    let shared = world.member("shared", Some("fabrikam"), &[Role::Reader]).await;
    let mut browser = jane(&world, "owner").await;
    let id = shared.id.to_string();
    let added = send(&mut browser, ACCESS, ACCESS, &[("id", id.as_str()), ("role", "reader")]).await;
    assert_eq!(added.header("location"), format!("{ACCESS}?done=added"), "{}", added.body);
    let list = browser.follow(added).await;
    assert!(says(&list, "The member was added.") && says(&list, "shared"), "{}", list.body);
    let page = member_page(&list, "shared");
    let shown = browser.get(&page).await;
    assert!(says(&shown, "was made elsewhere") && !says(&shown, "remove?secret="), "{}", shown.body);
    let refused = send(&mut browser, &page, &page, &[("deed", "secret"), ("days", "5"), ("revision", "")]).await;
    assert!(matches!(refused.status, 400 | 409), "{}", refused.body);
}
