//! Bad input: each gets the error that the contract names, with a target and a mend, and changes nothing.

use crate::world::{Answer, World};
use publishing::offer::PublisherId;
use publishing::principal::Circle;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const OFFER: &str = "/api/publishers/contoso/offers/memo-1";
const VERSION: &str = "api-version=2017-10-31";

fn offer(id: &str, rest: &str) -> String {
    format!(r#"{{"publisherId":"contoso","id":"{id}","offerTypeId":"memo",{rest}}}"#)
}

async fn journal_length(world: &World) -> usize {
    world.store.journal(&Circle::Publisher(PublisherId::parse("contoso").unwrap()), 0, 10_000).await.unwrap().len()
}

/// An error has a code, a message that is more than a word, and no trace of our insides.
fn is_kind(answer: &Answer, what: &str) {
    let error = &answer.json()["error"];
    let message = error["message"].as_str().unwrap_or_default();
    assert!(message.len() > 20 && message.contains(['.', '[']), "{what}: {message:?}");
    for inside in ["panicked", "src/", "rusqlite", "SELECT ", "thread '", "RUST_BACKTRACE"] {
        assert!(!answer.body.contains(inside), "{what}: {}", answer.body);
    }
}

#[tokio::test]
async fn bad_bodies_of_a_put() {
    let world = World::new().await;
    world.put_memo("memo-1").await;
    let before = (journal_length(&world).await, world.get(OFFER).await.body);
    let definition = r#""definition":{"displayText":"x"}"#;
    let deep = format!(r#""definition":{{"a":{}{}}}"#, "[".repeat(100), "]".repeat(100));
    let table: Vec<(String, u16, &str, &str)> = vec![
        (String::new(), 400, "BadRequest", ""),
        ("{".into(), 400, "BadRequest", ""),
        ("nonsense".into(), 400, "BadRequest", ""),
        ("[]".into(), 400, "BadRequest", ""),
        ("null".into(), 400, "BadRequest", ""),
        ("'single'".into(), 400, "BadRequest", ""),
        (offer("memo-1", definition) + "{}", 400, "BadRequest", ""),
        (offer("memo-1", r#""definition":{"a":1,"a":2}"#), 400, "BadRequest", "/definition/a"),
        (offer("memo-1", r#""id":"memo-1","definition":{}"#), 400, "BadRequest", "/id"),
        (offer("memo-1", &deep), 400, "BadRequest", "*"),
        (offer("memo-1", r#""definition":{"n":1e999}"#), 400, "BadRequest", "/definition/n"),
        (offer("memo-1", r#""definition":{"s":"\ud800"}"#), 400, "BadRequest", "/definition/s"),
        (offer("memo-1", r#""definition":[]"#), 400, "BadRequest", "/definition"),
        (offer("memo-1", r#""definition":"text""#), 400, "BadRequest", "/definition"),
        (offer("memo-1", r#""definition":null"#), 400, "BadRequest", "/definition"),
        (offer("memo-1", r#""other":1"#), 400, "BadRequest", "/definition"),
        (offer("memo-1", r#""definition":{"displayText":5}"#), 400, "BadRequest", "/definition/displayText"),
        (offer("memo-1", r#""definition":{"offer":[]}"#), 400, "BadRequest", "/definition/offer"),
        (offer("memo-1", r#""definition":{"plans":{}}"#), 400, "BadRequest", "/definition/plans"),
        (offer("memo-2", definition), 400, "BadRequest", "/id"),
        (offer("memo-1", definition).replace("contoso", "fabrikam"), 400, "BadRequest", "/publisherId"),
        (offer("memo-1", definition).replace(r#""contoso""#, "7"), 400, "BadRequest", "/publisherId"),
        (offer("memo-1", definition).replace(r#""memo-1""#, "{}"), 400, "BadRequest", "/id"),
        (offer("memo-1", definition).replace(r#""offerTypeId":"memo","#, ""), 400, "BadRequest", "/offerTypeId"),
        (offer("memo-1", definition).replace(r#""memo","#, "null,"), 400, "BadRequest", "/offerTypeId"),
        (offer("memo-1", definition).replace(r#""memo","#, r#""","#), 400, "BadRequest", "/offerTypeId"),
        (offer("memo-1", definition).replace(r#""memo","#, "[1],"), 400, "BadRequest", "/offerTypeId"),
        (offer("memo-1", definition).replace(r#""memo","#, r#""unheard-of","#), 400, "BadRequest", "/offerTypeId"),
        (
            offer("memo-1", definition).replace(r#""memo","#, r#""microsoft-azure-saas","#),
            400,
            "BadRequest",
            "/offerTypeId",
        ),
        (offer("memo-1", r#""offerTypeVersions":5,"definition":{}"#), 400, "BadRequest", "/offerTypeVersions"),
        (offer("memo-1", &format!(r#""definition":{{"a":[{}0]}}"#, "0,".repeat(60_000))), 400, "BadRequest", "*"),
        (offer("memo-1", &format!(r#""definition":{{"{}":1}}"#, "k".repeat(300))), 400, "BadRequest", "/definition"),
        (
            offer("memo-1", &format!(r#""definition":{{"a":"{}"}}"#, "x".repeat(300 << 10))),
            400,
            "BadRequest",
            "/definition/a",
        ),
        (" ".repeat((4 << 20) + 1), 413, "PayloadTooLarge", "*"),
    ];
    for (body, status, code, target) in &table {
        let what: String = body.chars().take(120).collect();
        let answer = world.put(OFFER, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (*status, *code), "{what}: {}", answer.body);
        assert!(*target == "*" || answer.json()["error"]["target"] == *target, "{what}: {}", answer.body);
        is_kind(&answer, &what);
    }
    assert_eq!(before, (journal_length(&world).await, world.get(OFFER).await.body), "nothing has changed");
    let text = format!(r#""{}""#, "x".repeat(255 << 10));
    let large = offer("memo-1", &format!(r#""definition":{{"a":[{}]}}"#, vec![text; 16].join(",")));
    assert_eq!(world.put(OFFER, &large).await.status, 200, "just within the limit");
}

#[tokio::test]
async fn bad_media_types_and_conditions() {
    let world = World::new().await;
    world.put_memo("memo-1").await;
    let body = offer("memo-1", r#""definition":{}"#);
    for content_type in [
        "text/plain",
        "application/xml",
        "application/json; charset=utf-16",
        "application/jsonx",
        "none",
        "multipart/form-data; boundary=x",
    ] {
        let answer = world.send("PUT", OFFER, &[("content-type", content_type)], body.clone()).await;
        assert_eq!((answer.status, answer.code().as_str()), (415, "UnsupportedMediaType"), "{content_type}");
        is_kind(&answer, content_type);
    }
    let encoded = [("content-type", "application/json"), ("content-encoding", "gzip")];
    assert_eq!(world.send("PUT", OFFER, &encoded, body.clone()).await.status, 415);
    let before = journal_length(&world).await;
    for tag in [
        "",
        "yesterday",
        "\"abc\"",
        "W/\"datetime'2026-13-45T00%3A00%3A00.0000000Z'\"",
        "W/\"datetime'2026-11-22T09:40:00Z'\"",
        "W/\"datetime''\"",
        "W/",
        ",,,",
    ] {
        for (method, path) in
            [("PUT", OFFER.to_owned()), ("POST", format!("{OFFER}/publish")), ("POST", format!("{OFFER}/cancel"))]
        {
            let headers = [("content-type", "application/json"), ("if-match", tag)];
            let answer =
                world.send(method, &path, &headers, if method == "PUT" { body.clone() } else { String::new() }).await;
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (412, "PreconditionFailed"),
                "{method} {tag:?}: {}",
                answer.body
            );
            assert_eq!(answer.json()["error"]["target"], "If-Match");
        }
    }
    assert_eq!(before, journal_length(&world).await, "nothing has changed");
    for content_type in ["application/json", "Application/JSON ; Charset=\"UTF-8\""] {
        assert_eq!(world.send("PUT", OFFER, &[("content-type", content_type)], body.clone()).await.status, 200);
    }
}

#[tokio::test]
async fn bad_names_in_paths() {
    let world = World::new().await;
    world.put_memo("memo-1").await;
    let before = journal_length(&world).await;
    let long = "a".repeat(10_000);
    for id in [
        "a%2Fb",
        "..",
        "%2e%2e",
        "a%00b",
        "%E2%84%AAelvin",
        "m%C3%A9mo",
        "memo-1%20",
        "%FF%FE",
        "a..b",
        "-a",
        "a-",
        "a%252Fb",
        "memo-1;x=1",
        &long,
    ] {
        for (method, rest) in [
            ("GET", ""),
            ("GET", "/status"),
            ("GET", "/submissions"),
            ("POST", "/publish"),
            ("POST", "/cancel"),
            ("POST", "/golive"),
        ] {
            let path = format!("/api/publishers/contoso/offers/{id}{rest}");
            let answer = raw(&world, method, &path, "").await;
            assert_eq!(answer.0, 404, "{method} {path:.80}: {}", answer.1);
            assert!(answer.1.contains("\"code\":\"NotFound\""), "{method} {path:.80}: {}", answer.1);
        }
        let answer = raw(&world, "PUT", &format!("/api/publishers/contoso/offers/{id}"), "{}").await;
        assert!([400, 404].contains(&answer.0), "PUT {id:.80}: {}", answer.1);
    }
    for publisher in ["nobody", "fabrikam", "..", "%00", "contoso%2F..", "%E2%84%AA", "a%20b", &long] {
        let path = format!("/api/publishers/{publisher}/offers/memo-1/status");
        let (status, body) = raw(&world, "GET", &path, "").await;
        assert_eq!(status, 403, "{publisher:.80}: {body}");
        let (_, foreign) = raw(&world, "GET", "/api/publishers/fabrikam/offers/memo-1/status", "").await;
        assert_eq!(body, foreign, "unknown and foreign look the same");
    }
    for (rest, status) in [
        ("/versions/1", 404),
        ("/versions/0", 404),
        ("/versions/-1", 404),
        ("/versions/x", 404),
        ("/versions/99999999999999999999", 404),
        ("/slot/preview", 404),
        ("/slot/production", 404),
        ("/slot/attic", 404),
        ("/operations/x", 404),
        ("/operations/00000000-0000-0000-0000-000000000000", 404),
        ("/nonsense", 404),
        ("/status/more", 404),
        ("//status", 404),
    ] {
        let answer = world.get(&format!("{OFFER}{rest}")).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, "NotFound"), "{rest}");
        is_kind(&answer, rest);
    }
    for id in [
        "contoso$memo-1$2",
        "contoso$memo-1$2$attic",
        "contoso$memo-1$x$preview",
        "contoso$$2$preview",
        "contoso$memo-1$2$preview$",
        "contoso$memo-1$-9223372036854775808$preview",
    ] {
        assert_eq!(world.get(&format!("/api/operations/{id}")).await.status, 404, "{id}");
    }
    for id in ["fabrikam$memo-1$2$preview", "", "$$$", "nobody%24memo-1%242%24preview"] {
        let status = world.get(&format!("/api/operations/{id}")).await.status;
        assert!([403, 404].contains(&status), "{id}: {status}");
    }
    assert_eq!(before, journal_length(&world).await, "nothing has changed");
}

#[tokio::test]
async fn bad_action_bodies_and_queries() {
    let world = World::new().await;
    world.put_memo("memo-1").await;
    let before = journal_length(&world).await;
    let many = vec!["a@x.example"; 21].join(",");
    for body in [
        "{",
        "[1]",
        "\"text\"",
        "{'metadata':",
        "{\"metadata\":5}",
        "{\"metadata\":{\"notification-emails\":[]}}",
        "{\"metadata\":{\"notification-emails\":\"not an address\"}}",
        "{\"metadata\":{\"notification-emails\":\"a@x.example\\r\\nBcc: b@y.example\"}}",
        &format!("{{\"metadata\":{{\"notification-emails\":\"{many}\"}}}}"),
    ] {
        let answer = world.post(&format!("{OFFER}/publish"), body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "BadRequest"), "{body}: {}", answer.body);
        is_kind(&answer, body);
    }
    assert_eq!(world.post(&format!("{OFFER}/publish"), &" ".repeat(70_000)).await.status, 413);
    let offers = "/api/publishers/contoso/offers";
    for query in [
        "$filter=id%20eq%20'x'",
        "$filter=offerTypeId%20ne%20'x'",
        "$filter=offerTypeId%20eq%20x",
        "$filter=",
        "$top=-1",
        "$top=x",
        "$skip=1.5",
        "$filter=offerTypeId%20eq%20'a'%20or%20'b'",
    ] {
        let answer = world.get(&format!("{offers}?{VERSION}&{query}")).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "BadRequest"), "{query}: {}", answer.body);
    }
    for query in ["status=nonsense", "submissionState=", "status=running&submissionState=x"] {
        assert_eq!(world.get(&format!("{OFFER}/submissions?{VERSION}&{query}")).await.status, 400, "{query}");
    }
    for query in [
        "",
        "api-version",
        "api-version=",
        "api-version=2017-10-30",
        "api-version=2017-10-31%20",
        "api-version=2017-10-31&api-version=2017-10-31",
        "apiversion=2017-10-31",
        "api-version=%00",
    ] {
        let answer = world.get(&format!("{OFFER}/status?{query}")).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "InvalidAPIVersion"), "{query}");
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.ends_with("[2017-10-31, 2016-08-01-preview]"), "{message}");
    }
    assert_eq!(before, journal_length(&world).await, "nothing has changed");
}

#[tokio::test]
async fn bodies_that_break_off_and_lengths_that_lie() {
    let world = World::new().await;
    let body = offer("memo-1", r#""definition":{}"#);
    let head = |length: usize| {
        format!(
            "PUT {OFFER}?{VERSION} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n",
            world.token
        )
    };
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all((head(body.len() + 100) + &body).as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert_eq!(world.get(OFFER).await.status, 404, "half an offer is none");

    // A body that is somewhat too long is taken in before it is refused: many clients read nothing before they have sent all.
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(head((4 << 20) + 1).as_bytes()).await.unwrap();
    stream.write_all(&vec![b' '; (4 << 20) + 1]).await.unwrap();
    let mut answer = vec![0; 4096];
    let had = stream.read(&mut answer).await.unwrap();
    assert!(answer[..had].starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&answer[..had]));

    // A length far beyond the limit is refused before the body is read.
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(head(1 << 40).as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let had = stream.read(&mut answer).await.unwrap();
    assert!(answer[..had].starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&answer[..had]));
}

/// A request as it is, for clients mend paths before they send them; gives status and body.
async fn raw(world: &World, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let request = format!(
        "{method} {path}?{VERSION} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        world.token,
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned()))
}
