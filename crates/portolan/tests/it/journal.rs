//! `portolan journal verify`: a journal that real commands made is whole, also while it grows; what was changed is named.

use crate::binary::{Portolan, command, curl};
use crate::world::{World, opened};
use portolan::store::{KnownEntry, Store, verify};
use rusqlite::Connection;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn verified(data: &Path, more: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        command().args(["journal", "verify", "--data"]).arg(data).args(more).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn change(data: &Path, text: &str) {
    Connection::open(data.join("portolan.db")).unwrap().execute_batch(text).unwrap();
}

/// Copies a data directory, but for what is open only in memory.
fn copied(data: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in ["portolan.db", "portolan.db-wal"] {
        if data.join(name).exists() {
            std::fs::copy(data.join(name), copy.path().join(name)).unwrap();
        }
    }
    copy
}

#[test]
fn a_journal_is_whole_while_the_service_writes_it_and_what_was_changed_is_named() {
    let data = tempfile::tempdir().unwrap();
    let mut service = Portolan::serve(data.path(), &[]);
    let put = |offer: usize| {
        let path = format!("{}/api/publishers/contoso/offers/saas-{offer}?api-version=2017-10-31", service.url);
        let body = format!(
            r#"{{"publisherId":"contoso","id":"saas-{offer}","offerTypeId":"microsoft-azure-saas","definition":{{"displayText":"x"}}}}"#
        );
        curl(&["--request", "PUT", "--header", "Content-Type: application/json", "--data", &body, &path])
    };
    let first = put(0);
    assert_eq!(first.0, 201, "{}", first.1);
    let mut last = String::new();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let verifier = scope.spawn(|| {
            let mut runs = 0;
            while !done.load(Ordering::Relaxed) || runs < 3 {
                let (code, out, error) = verified(data.path(), &[]);
                assert_eq!((code, error.as_str()), (0, ""), "{out}");
                runs += 1;
            }
            runs
        });
        let all = (1..40).map(put).all(|answer| answer.0 == 201);
        done.store(true, Ordering::Relaxed);
        assert!(all);
        println!("whole in {} runs while the service wrote", verifier.join().unwrap());
    });
    let (_, out, _) = verified(data.path(), &[]);
    for line in out.lines().filter(|line| line.starts_with("whole  contoso  ")) {
        last = line.split("  ").last().unwrap().to_owned();
    }
    assert!(last.starts_with("contoso:4"), "{out}");
    service.signal("TERM");
    service.child.wait().unwrap();
    drop(service);
    assert_eq!(verified(data.path(), &["--expect", &last]).0, 0);
    // Read only, and nothing is put beside it.
    let copy = copied(data.path());
    let files = || std::fs::read_dir(copy.path()).unwrap().count();
    let before = files();
    std::fs::set_permissions(copy.path(), PermissionsExt::from_mode(0o500)).unwrap();
    assert_eq!((verified(copy.path(), &[]).0, files()), (0, before));
    std::fs::set_permissions(copy.path(), PermissionsExt::from_mode(0o700)).unwrap();
    assert_eq!((verified(copy.path(), &[]).0, files()), (0, before));
    for (text, words) in [
        (
            "UPDATE journal SET entry = replace(entry, 'admin', 'nobody') WHERE publisher = 'contoso' AND sequence = 17",
            "BAD    contoso  entry 17  offer saas-",
        ),
        (
            "DELETE FROM journal WHERE publisher = 'contoso' AND sequence = 17",
            "BAD    contoso  entry 17  number 17 is missing",
        ),
        (
            "DELETE FROM journal WHERE publisher = 'contoso' AND sequence > 30",
            "BAD    contoso  entry 31  the journal ends at 30, and its head says 4",
        ),
        ("DELETE FROM chain WHERE circle = 'contoso'", "BAD    contoso  entry 1  the journal has no head"),
    ] {
        let copy = copied(data.path());
        change(copy.path(), &format!("PRAGMA foreign_keys = OFF; {text}"));
        let (code, out, error) = verified(copy.path(), &[]);
        assert_eq!((code, out.contains(words)), (1, true), "{text}: {out}{error}");
        assert!(error.starts_with("error: 1 of 2 journals are not whole"), "{error}");
        assert!(out.contains("whole  $marketplace"), "{out}");
    }
    let other = format!("{}{}", &last[..last.len() - 1], if last.ends_with('0') { "1" } else { "0" });
    let (code, out, _) = verified(data.path(), &["--expect", &last, "--expect", &other]);
    assert!(code == 1 && out.contains("is not the one expected"), "{out}");
    for wrong in ["contoso", "contoso:0:00", "contoso:1:zz", ":::", "contoso:1:é"] {
        let (code, _, error) = verified(data.path(), &["--expect", wrong]);
        assert!(code == 2 && error.contains("publisher:sequence:hash"), "{wrong}: {error}");
    }
    let (code, _, error) = verified(&data.path().join("nowhere"), &[]);
    assert!(code == 1 && error.contains("--data"), "{error}");
}

#[tokio::test]
async fn a_journal_of_every_kind_of_command_is_whole() {
    let data = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(opened(data.path()).unwrap());
    let world = World::on(store, crate::world::Setting::default()).await;
    let offers = "/api/publishers/contoso/offers";
    for offer in ["memo-1", "memo-2", "memo-3"] {
        world.put_memo(offer).await;
        world.post(&format!("{offers}/{offer}/publish"), "").await;
        world.settle().await;
    }
    world.post(&format!("{offers}/memo-1/cancel"), "").await;
    world.verdict("memo-2", "reject", r#"{"message":"No."}"#).await;
    world.verdict("memo-3", "approve", "").await;
    world.settle().await;
    world.post(&format!("{offers}/memo-3/golive"), "").await;
    world.settle().await;
    let page = world.get("/api/publishers/contoso/history?api-version=2017-10-31&order=desc&$top=1").await.json();
    let newest = &page["value"][0];
    let text = newest["hash"].as_str().unwrap();
    let hash = std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap());
    let known = KnownEntry { circle: "contoso".into(), sequence: newest["sequence"].as_i64().unwrap(), hash };
    let found = verify(data.path(), &[known], &mut |_| {}).unwrap();
    println!("{}", found.iter().map(|one| format!("{} {}; ", one.circle, one.entries)).collect::<String>());
    assert!(found.len() == 3 && found.iter().all(|one| one.flaw.is_none()), "{found:?}");
    assert!(found.iter().any(|one| one.circle == "contoso" && one.entries > 20));
}
