//! Members, staff and their credentials, through the door: who stays, who gets in again, and whose secrets are whose.

use crate::store::assert_chain_of;
use crate::world::{Answer, START, Setting, World, opened};
use portolan::auth::{Caller, Permission, Role};
use portolan::issuer::{Audience, TokenRefusal};
use portolan::perform::AccessRequest;
use portolan::store::{Publisher, Store};
use publishing::offer::PublisherId;
use publishing::principal::Circle;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const DAY: Duration = Duration::from_secs(24 * 3_600);
const PASSWORD: &str = "correct horse battery";

fn at(id: &str) -> Circle {
    Circle::Publisher(PublisherId::parse(id).unwrap())
}

/// A world with an owner at each of the two publishers, whose tokens come with it.
async fn two_owners() -> (World, String, String) {
    let world = World::new().await;
    let owner = world.member("owner", Some("fabrikam"), &[Role::Owner]).await;
    let (contoso, fabrikam) = (world.token.clone(), world.token_of(&owner).await);
    (world, contoso, fabrikam)
}

async fn ask(world: &World, token: &str, method: &str, path: &str, body: Value) -> Answer {
    let bearer = format!("Bearer {token}");
    let body = if body.is_null() { String::new() } else { body.to_string() };
    world.send(method, path, &[("authorization", &bearer)], body).await
}

fn id(member: &Value) -> Uuid {
    member["id"].as_str().unwrap().parse().unwrap()
}

async fn lines(world: &World, circle: &Circle) -> Vec<Value> {
    let lines = world.store.journal(circle, 0, 10_000).await.unwrap();
    assert_chain_of(&circle.name(), &lines);
    lines.iter().map(|line| serde_json::from_str(&line.entry).unwrap()).collect()
}

/// How two heads of a circle go at each other, or at themselves.
#[derive(Clone, Copy, Debug)]
enum Attack {
    RemovesOther,
    RemovesItself,
    LowersOther,
    LowersItself,
}

const ATTACKS: [Attack; 4] = [Attack::RemovesOther, Attack::RemovesItself, Attack::LowersOther, Attack::LowersItself];

async fn attacks(world: &World, base: &str, attack: Attack, own: (Uuid, &str), other: Uuid, lower: &str) -> Answer {
    let whom = match attack {
        Attack::RemovesOther | Attack::LowersOther => other,
        Attack::RemovesItself | Attack::LowersItself => own.0,
    };
    let path = format!("{base}/{whom}");
    match attack {
        Attack::RemovesOther | Attack::RemovesItself => ask(world, own.1, "DELETE", &path, Value::Null).await,
        Attack::LowersOther | Attack::LowersItself => {
            ask(world, own.1, "PUT", &path, json!({ "roles": [lower] })).await
        }
    }
}

/// Exactly one of two went through, and the other was told why, or had lost its role by then.
fn one_of_two(answers: [&Answer; 2], what: &str) {
    let done = answers.iter().filter(|answer| matches!(answer.status, 200 | 204)).count();
    let refused = answers.iter().filter(|answer| matches!(answer.status, 403 | 409)).count();
    let said: Vec<_> = answers.iter().map(|answer| (answer.status, &answer.body)).collect();
    assert_eq!((done, refused), (1, 1), "{what}: {said:?}");
}

/// On disk: there, reads do not wait for writes, and can be overtaken.
async fn on_disk() -> (tempfile::TempDir, World) {
    let data = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(opened(data.path()).unwrap());
    let world = World::on(store, Setting::default()).await;
    (data, world)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_owners_that_remove_each_other_one_stays() {
    let (_data, world) = on_disk().await;
    for round in 0..80 {
        let name = format!("round-{round}");
        let publisher = Publisher {
            id: PublisherId::parse(&name).unwrap(),
            display_text: name.clone(),
            seller_id: String::new(),
            version: 1,
        };
        world.store.add_publisher(publisher).await.unwrap();
        let (one, two) = (
            world.member("one", Some(&name), &[Role::Owner]).await,
            world.member("two", Some(&name), &[Role::Owner]).await,
        );
        let tokens = [world.token_of(&one).await, world.token_of(&two).await];
        let base = format!("/api/publishers/{name}/members");
        let (first, second) = (ATTACKS[round % 4], ATTACKS[round / 4 % 4]);
        // One that removes the other, and the other that goes by itself, are of one mind: both may be done.
        let other_way = |attack| matches!(attack, Attack::RemovesOther | Attack::LowersOther);
        let (first_answer, second_answer) = tokio::join!(
            attacks(&world, &base, first, (one.id, &tokens[0]), two.id, "reader"),
            attacks(&world, &base, second, (two.id, &tokens[1]), one.id, "reader"),
        );
        let what = format!("round {round}: {first:?} and {second:?}");
        if other_way(first) == other_way(second) {
            one_of_two([&first_answer, &second_answer], &what);
        }
        let members = world.store.circle(&at(&name)).unwrap().unwrap().members;
        let owners = members.iter().filter(|member| member.roles.contains(&Role::Owner)).count();
        assert_eq!(owners, 1, "{what}: {} and {}", first_answer.status, second_answer.status);
        let changes = [&first_answer, &second_answer].iter().filter(|answer| answer.status < 300).count();
        assert_eq!(lines(&world, &at(&name)).await.len(), 2 + changes, "{what}: a line for each change");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_operators_that_remove_each_other_one_stays() {
    let (_data, world) = on_disk().await;
    let founder = Caller::new("founder", None).with(Circle::Marketplace, [Role::Operator]);
    let by = founder.authorise_marketplace(Permission::ManageStaff).unwrap();
    let mut one = world.member("operator", None, &[Role::Operator]).await;
    let staff = world.member("staff", None, &[]).await;
    world.perform.change_staff(&by, AccessRequest::RemoveMember(staff.id)).await.unwrap();
    for round in 0..40 {
        let two = world.member(&format!("operator {round}"), None, &[Role::Operator]).await;
        let tokens = [world.token_of(&one).await, world.token_of(&two).await];
        let attack = ATTACKS[round % 4];
        let answers = tokio::join!(
            attacks(&world, "/api/staff", attack, (one.id, &tokens[0]), two.id, "auditor"),
            attacks(&world, "/api/staff", attack, (two.id, &tokens[1]), one.id, "auditor"),
        );
        one_of_two([&answers.0, &answers.1], &format!("round {round}: {attack:?}"));
        let members = world.store.circle(&Circle::Marketplace).unwrap().unwrap().members;
        let mut operators = members.into_iter().filter(|member| member.roles.contains(&Role::Operator));
        one = operators.next().unwrap().principal;
        assert!(operators.next().is_none());
    }
    lines(&world, &Circle::Marketplace).await;
}

#[tokio::test]
async fn an_invitation_is_good_once_for_seven_days_and_until_the_next() {
    let (world, owner, _) = two_owners().await;
    let members = "/api/publishers/contoso/members";
    let jane = json!({"kind": "user", "name": "Jane", "mail": "Jane@Contoso.example", "roles": ["contributor"]});
    let added = ask(&world, &owner, "POST", members, jane).await.json();
    let (member, first) = (id(&added["member"]), added["invitation"]["code"].as_str().unwrap().to_owned());
    assert_eq!(added["member"]["mail"], "jane@contoso.example");
    let invite =
        async |token: &str| ask(&world, token, "POST", &format!("{members}/{member}/invitation"), Value::Null).await;
    let code = |answer: &Answer| answer.json()["code"].as_str().unwrap().to_owned();
    let accept = async |code: &str, password: &str| world.perform.accept_invitation(code, password.to_owned()).await;

    assert!(accept(&format!("{first}0"), PASSWORD).await.is_err());
    let second = code(&invite(&owner).await);
    assert!(accept(&first, PASSWORD).await.is_err(), "the next one voids it");
    assert!(accept(&second, "short").await.is_err());
    world.clock.advance(7 * DAY);
    assert!(accept(&second, PASSWORD).await.is_err(), "it has ended");
    let third = code(&invite(&owner).await);
    world.clock.advance(7 * DAY - Duration::from_secs(1));
    let before = lines(&world, &at("contoso")).await.len();
    assert_eq!(accept(&third, PASSWORD).await.unwrap().id, member, "a second before its end, and after a short one");
    assert!(accept(&third, PASSWORD).await.is_err(), "once");
    let journal = lines(&world, &at("contoso")).await;
    assert_eq!(journal.len(), before + 1);
    assert_eq!(journal[before]["event"], "passwordSet");
    assert_eq!(journal[before]["actor"], format!("jane@contoso.example ({member})"));

    assert_eq!(invite(&owner).await.status, 409, "who can set a password can act as its user");
    let fourth = code(&invite(&world.staff_token).await);
    assert!(accept(&fourth, PASSWORD).await.is_ok());
    assert_eq!(ask(&world, &owner, "DELETE", &format!("{members}/{member}"), Value::Null).await.status, 204);
    assert_eq!(invite(&world.staff_token).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_many_hold_is_good_for_one() {
    let (world, owner, _) = two_owners().await;
    let jane = json!({"kind": "user", "name": "Jane", "mail": "jane@contoso.example", "roles": ["reader"]});
    let added = ask(&world, &owner, "POST", "/api/publishers/contoso/members", jane).await.json();
    let code = added["invitation"]["code"].as_str().unwrap().to_owned();
    let tries = (0..8).map(|n| {
        let (perform, code) = (world.perform.clone(), code.clone());
        tokio::spawn(async move { perform.accept_invitation(&code, format!("{PASSWORD} {n}")).await.is_ok() })
    });
    let mut done = 0;
    for one in tries.collect::<Vec<_>>() {
        done += usize::from(one.await.unwrap());
    }
    assert_eq!(done, 1);
}

#[tokio::test]
async fn whoever_was_made_elsewhere_gets_no_credentials_here() {
    let (world, contoso, fabrikam) = two_owners().await;
    let (here, there) = ("/api/publishers/contoso/members", "/api/publishers/fabrikam/members");
    let bot = json!({"kind": "servicePrincipal", "name": "bot", "roles": ["contributor"]});
    let bot = ask(&world, &contoso, "POST", here, bot).await.json();
    let jane = json!({"kind": "user", "name": "Jane", "mail": "jane@x.example", "roles": ["contributor"]});
    let jane = ask(&world, &contoso, "POST", here, jane).await.json();
    let (bot_id, jane_id) = (id(&bot["member"]), id(&jane["member"]));
    let secret = id(&bot["secret"]);
    for id in [bot_id, jane_id] {
        let known = ask(&world, &fabrikam, "POST", there, json!({"id": id, "roles": ["reader"]})).await;
        assert_eq!(known.status, 201);
        assert!(known.json().get("secret").is_none() && known.json().get("invitation").is_none(), "{}", known.body);
    }
    let journal = lines(&world, &at("fabrikam")).await;
    for (method, path) in [
        ("POST", format!("{there}/{bot_id}/secrets")),
        ("GET", format!("{there}/{bot_id}/secrets")),
        ("DELETE", format!("{there}/{bot_id}/secrets/{secret}")),
        ("DELETE", format!("{there}/{bot_id}/secrets/{}", Uuid::nil())),
        ("POST", format!("{there}/{jane_id}/invitation")),
    ] {
        let answer = ask(&world, &fabrikam, method, &path, Value::Null).await;
        assert_eq!(answer.status, 409, "{method} {path}: {}", answer.body);
        assert!(answer.body.contains("elsewhere"), "{}", answer.body);
    }
    assert_eq!(lines(&world, &at("fabrikam")).await, journal, "nothing has changed");
    // Nor does anybody become staff whose credentials a publisher's owner gives.
    for id in [bot_id, jane_id] {
        let staff = json!({"id": id, "roles": ["operator"]});
        assert_eq!(ask(&world, &world.staff_token, "POST", "/api/staff", staff).await.status, 409);
    }
    // Operators may help everybody, for who is stuck has nobody else.
    let invited = format!("{there}/{jane_id}/invitation");
    assert_eq!(ask(&world, &world.staff_token, "POST", &invited, Value::Null).await.status, 201);

    let client = bot["member"]["applicationId"].as_str().unwrap();
    let value = bot["secret"]["value"].as_str().unwrap();
    let token = async || world.issuer.client_token(client, value, &Audience::Resource(None)).await;
    let good = token().await.unwrap().access_token;
    // The other publisher lets it go: that touches nothing but its membership there.
    assert_eq!(ask(&world, &fabrikam, "DELETE", &format!("{there}/{bot_id}"), Value::Null).await.status, 204);
    assert!(token().await.is_ok());
    let known = json!({"id": bot_id, "roles": ["reader"]});
    assert_eq!(ask(&world, &fabrikam, "POST", there, known).await.status, 201);
    assert_eq!(ask(&world, &good, "GET", "/api/publishers/fabrikam/offers", Value::Null).await.status, 200);
    // Its maker lets it go: no secret of it is left, and what it has in hand opens nothing there.
    assert_eq!(ask(&world, &contoso, "DELETE", &format!("{here}/{bot_id}"), Value::Null).await.status, 204);
    assert_eq!(token().await.err(), Some(TokenRefusal::InvalidClient));
    assert!(world.store.secrets(bot_id).unwrap().is_empty());
    assert_eq!(ask(&world, &good, "GET", "/api/publishers/contoso/offers", Value::Null).await.status, 403);
    let back = ask(&world, &contoso, "POST", here, json!({"id": bot_id, "roles": ["reader"]})).await;
    assert_eq!(back.status, 201);
    assert_eq!(token().await.err(), Some(TokenRefusal::InvalidClient), "and none comes back with it");
}

#[tokio::test]
async fn who_is_known_is_not_made_twice() {
    let (world, contoso, fabrikam) = two_owners().await;
    let (here, there) = ("/api/publishers/contoso/members", "/api/publishers/fabrikam/members");
    let jane = |mail: &str| json!({"kind": "user", "name": "Jane", "mail": mail, "roles": ["reader"]});
    let one = ask(&world, &contoso, "POST", here, jane("jane@x.example")).await.json();
    // Whoever was first with her address may hold her password: the address alone makes her nobody else's member.
    for (token, path) in [(&fabrikam, there), (&world.staff_token, "/api/staff")] {
        let mut again = jane(" JANE@x.example ");
        if path == "/api/staff" {
            again["roles"] = json!(["operator"]);
        }
        let refused = ask(&world, token, "POST", path, again).await;
        assert_eq!(refused.status, 409, "{}", refused.body);
        assert!(!refused.body.contains(one["member"]["id"].as_str().unwrap()), "her id is hers to tell");
    }
    let told = json!({"id": one["member"]["id"], "roles": ["reader"]});
    let two = ask(&world, &fabrikam, "POST", there, told).await.json();
    assert_eq!(one["member"]["id"], two["member"]["id"]);
    assert!(one.get("invitation").is_some() && two.get("invitation").is_none(), "only whoever made her can let her in");
    assert_eq!(ask(&world, &contoso, "POST", here, jane("jane@x.example")).await.status, 409);

    let outside = |tenant: &str, kind: &str| {
        json!({"kind": kind, "name": "pipeline", "issuer": "entra", "tenantId": tenant, "objectId": "o-1",
            "applicationId": "a-1", "roles": ["contributor"]})
    };
    let tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    let one = ask(&world, &contoso, "POST", here, outside(tenant, "servicePrincipal")).await.json();
    let two = ask(&world, &fabrikam, "POST", there, outside(&tenant.to_uppercase(), "servicePrincipal")).await.json();
    assert_eq!(one["member"]["id"], two["member"]["id"]);
    assert!(one.get("secret").is_none(), "its issuer gives it what it needs");
    let secrets = format!("{here}/{}/secrets", id(&one["member"]));
    assert_eq!(ask(&world, &contoso, "POST", &secrets, Value::Null).await.status, 409);
    let otherwise = ask(&world, &world.staff_token, "POST", "/api/staff", {
        let mut staff = outside(tenant, "user");
        staff["roles"] = json!(["auditor"]);
        staff
    });
    assert_eq!(otherwise.await.json()["error"]["target"], "/kind");
    let other = ask(&world, &contoso, "POST", here, outside("another", "servicePrincipal")).await.json();
    assert_ne!(one["member"]["id"], other["member"]["id"], "the same object in another tenant is another");

    let mut unknown = outside(tenant, "servicePrincipal");
    for issuer in ["nobody", "Entra", "entra ", "", "built-in"] {
        unknown["issuer"] = json!(issuer);
        let answer = ask(&world, &contoso, "POST", here, unknown.clone()).await;
        assert_eq!((answer.status, answer.json()["error"]["target"].clone()), (400, json!("/issuer")), "{issuer:?}");
    }
}

#[tokio::test]
async fn publishers_differ_in_more_than_case() {
    let world = World::new().await;
    let publishers =
        async |id: &str| ask(&world, &world.staff_token, "POST", "/api/publishers", json!({ "id": id })).await.status;
    assert_eq!(publishers("Northwind.Traders").await, 201);
    for id in ["northwind.traders", "NORTHWIND.TRADERS", "Contoso", "contoso"] {
        assert_eq!(publishers(id).await, 409, "{id}");
    }
    let northwind = at("northwind.traders");
    assert_eq!(lines(&world, &northwind).await.len(), 1);
    let staff = world.member("staff", None, &[]).await;
    assert_eq!(lines(&world, &northwind).await[0]["actor"], format!("staff ({})", staff.id));
    for id in ["$marketplace", "", "-x", "a b", "a/b", "a$b", &"x".repeat(51), "contos\u{43e}"] {
        assert_eq!(publishers(id).await, 400, "{id}");
    }
    for body in
        [json!(["northwind"]), json!("northwind"), json!([{"id": "northwind"}]), json!({"id": "northwind", "x": 1})]
    {
        assert_eq!(ask(&world, &world.staff_token, "POST", "/api/publishers", body).await.status, 400);
    }
}

#[tokio::test]
async fn the_setup_secret_makes_the_first_operator_and_nothing_else() {
    let world = World::new().await;
    let secret = "pset_of_this_test";
    let invitation = portolan::store::Invitation {
        hash: portolan::auth::secret_hash(secret),
        principal: None,
        ends_at: START.plus_seconds(1_000_000),
    };
    world.store.set_setup(Some(invitation)).await.unwrap();
    let staff = world.member("staff", None, &[]).await;
    for (method, path, body) in [
        ("GET", "/api/staff".to_owned(), Value::Null),
        ("GET", format!("/api/staff/{}/secrets", staff.id), Value::Null),
        ("POST", format!("/api/staff/{}/secrets", staff.id), Value::Null),
        ("PUT", format!("/api/staff/{}", staff.id), json!({"roles": ["operator"]})),
        ("DELETE", format!("/api/staff/{}", staff.id), Value::Null),
        ("POST", "/api/publishers".to_owned(), json!({"id": "northwind"})),
        ("GET", "/api/publishers/contoso/offers".to_owned(), Value::Null),
    ] {
        assert_eq!(ask(&world, secret, method, &path, body).await.status, 403, "{method} {path}");
    }
    let program = |role: &str| json!({"kind": "servicePrincipal", "name": "admin", "roles": [role]});
    assert_eq!(ask(&world, secret, "POST", "/api/staff", program("auditor")).await.status, 400);
    let tries = tokio::join!(
        ask(&world, secret, "POST", "/api/staff", program("operator")),
        ask(&world, secret, "POST", "/api/staff", program("operator")),
    );
    let mut statuses = [tries.0.status, tries.1.status];
    statuses.sort();
    assert!(statuses[0] == 201 && statuses[1] != 201, "{statuses:?}");
    assert_eq!(ask(&world, secret, "POST", "/api/staff", program("operator")).await.status, 401);
}

#[tokio::test]
async fn who_loses_the_role_while_the_body_comes_changes_nothing() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (world, contoso, _) = two_owners().await;
    let second = world.member("second owner", Some("contoso"), &[Role::Owner]).await;
    let token = world.token_of(&second).await;
    let memo = r#"{"publisherId":"contoso","id":"late","offerTypeId":"memo","definition":{}}"#;
    let newcomer = r#"{"kind":"servicePrincipal","name":"late","roles":["owner"]}"#;
    let mut waiting = Vec::new();
    for (line, body) in
        [("POST /api/publishers/contoso/members", newcomer), ("PUT /api/publishers/contoso/offers/late", memo)]
    {
        let mut stream = tokio::net::TcpStream::connect(world.address).await.unwrap();
        let head = format!(
            "{line}?api-version=2017-10-31 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body[..5]).as_bytes()).await.unwrap();
        waiting.push((stream, &body[5..]));
    }
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let path = format!("/api/publishers/contoso/members/{}", second.id);
    assert_eq!(ask(&world, &contoso, "DELETE", &path, Value::Null).await.status, 204);
    let before = lines(&world, &at("contoso")).await;
    for (mut stream, rest) in waiting {
        stream.write_all(rest.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    }
    assert_eq!(lines(&world, &at("contoso")).await, before);
}

#[tokio::test]
async fn who_has_no_way_in_is_no_head_and_names_are_what_they_look_like() {
    let world = World::new().await;
    let staff = world.staff_token.clone();
    let me = world.store.circle(&Circle::Marketplace).unwrap().unwrap().members.remove(0).principal.id;
    let invited = json!({"kind": "user", "name": "Inv", "mail": "inv@x.example", "roles": ["operator"]});
    let invited = ask(&world, &staff, "POST", "/api/staff", invited).await.json();
    let leave = format!("/api/staff/{me}");
    let refused = ask(&world, &staff, "DELETE", &leave, Value::Null).await;
    assert_eq!(refused.status, 409, "somebody invited cannot let anybody in: {}", refused.body);
    assert!(refused.body.contains("the last operator"), "{}", refused.body);
    let code = invited["invitation"]["code"].as_str().unwrap();
    world.perform.accept_invitation(code, "a few plain words".into()).await.unwrap();
    assert_eq!(ask(&world, &staff, "DELETE", &leave, Value::Null).await.status, 204, "now there is another one");
    for name in ["rtl\u{202e}abc", "zero\u{200b}width", "new\nline", "\u{feff}"] {
        let named = json!({"kind": "servicePrincipal", "name": name, "roles": ["reader"]});
        let answer = ask(&world, &world.token, "POST", "/api/publishers/contoso/members", named).await;
        assert_eq!((answer.status, &answer.json()["error"]["target"]), (400, &json!("/name")), "{name:?}");
    }
}
