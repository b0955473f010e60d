//! An emulator is told what to do on the command line, with the real binary: without a token, and in words that people read.

use super::binary::command;
use super::emulator_faults::{Emulated, emulated};
use std::process::Stdio;

/// What a command says on both streams, and how it ended.
async fn ask(emulated: &Emulated, line: &str) -> (String, String, i32) {
    let mut portolan = command();
    portolan.arg("emulator").args(line.split(' ')).env("PORTOLAN_SERVER", &*emulated.running.public_url);
    portolan.env("PORTOLAN_PUBLISHER", "contoso").stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || portolan.output().unwrap()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

async fn said(emulated: &Emulated, line: &str) -> String {
    let (out, error, code) = ask(emulated, line).await;
    assert_eq!((error.as_str(), code), ("", 0), "{line}");
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_is_turned_and_told_in_a_line() {
    let emulated = emulated("").await;
    assert!(said(&emulated, "show").await.starts_with("2026-01-05 08:00 UTC; the clock stands.\nNothing happens next"));
    assert_eq!(said(&emulated, "advance 2h").await, "2026-01-05 08:00 → 10:00 UTC (+2 h). Nothing happened.\n");
    let reached = said(&emulated, "reach web-gateway --status running").await;
    assert!(reached.ends_with("contoso/web-gateway is running.\n"), "{reached}");
    let line = said(&emulated, "advance --until status=waitingForPublisherReview --offer web-gateway").await;
    assert!(
        line.starts_with("2026-01-05 10:00 → 2026-01-") && line.contains(" d ") && line.contains(" web-gateway: "),
        "{line}"
    );
    assert!(said(&emulated, "advance 1m -o json").await.starts_with("{\"from\":\""));
    assert!(said(&emulated, "snapshot save here").await.starts_with("Kept as here, at 2026-01-"));
    assert!(said(&emulated, "reset").await.contains("Snapshots: here\n"));
    said(&emulated, "restore here").await;
    assert!(said(&emulated, "snapshot list").await.contains("here  2026-01-"));
    assert_eq!(said(&emulated, "snapshot remove here").await, "Done: the snapshot here is removed.\n");
    assert!(said(&emulated, "speed 60").await.contains("runs 60 seconds in a second"));
    assert!(said(&emulated, "freeze").await.contains("the clock stands"));
    assert!(said(&emulated, "journal").await.lines().count() > 3);
    for (line, code, mend) in [
        ("advance", 2, "--to"),
        ("advance 2h --to next", 2, "cannot be used with"),
        ("advance soon", 5, "write it like 90s"),
        ("restore nowhere", 3, "There is no snapshot"),
        ("reach web-gateway --step displaycertify", 2, "displaycertify=blocked"),
        ("advance --until status=canceled --offer web-gateway --within 1d", 6, "What stands in the way"),
    ] {
        let (_, error, ended) = ask(&emulated, line).await;
        assert!(ended == code && error.contains(mend), "{line}: {ended} {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_and_scenarios_are_set_and_what_came_of_them_is_seen() {
    let emulated = emulated("").await;
    emulated.save().await;
    let set = said(&emulated, "fault add --step displaycertify --reject IMG-048 --times 1").await;
    assert_eq!(set, "fault-1: reject (displaycertify), once.\n");
    said(&emulated, "fault add --webhook-down timed-out --times 0 --after 2").await;
    let list = said(&emulated, "fault list").await;
    assert!(list.contains("fault-1  reject        displaycertify  1") && list.contains("always, after 2"), "{list}");
    assert_eq!(said(&emulated, "fault remove fault-2").await, "Done: fault-2 is removed.\n");
    emulated.publish().await;
    said(&emulated, "advance --until status=failed --offer web-gateway").await;
    assert_eq!(emulated.left().await, [(Some(0), 1)]);
    said(&emulated, "advance 1h").await;
    assert!(said(&emulated, "outbox").await.contains("mail  1    250     jane@contoso.example: "));
    let mail = said(&emulated, "outbox show 1").await;
    assert!(mail.contains("To: jane@contoso.example\nSubject: ") && mail.contains("IMG-048"), "{mail}");
    assert!(said(&emulated, "requests").await.contains("/publish?api-version="));
    assert_eq!(said(&emulated, "fault clear").await, "Done: every fault is removed.\n");
    assert_eq!(said(&emulated, "fault list").await, "No fault is set.\n");
    assert!(said(&emulated, "scenario apply conflict").await.starts_with("fault-3: conflict (everywhere), once.\n"));
    assert_eq!(said(&emulated, "scenario list").await.lines().count(), 15);
    assert!(said(&emulated, "scenario show rejected").await.contains("kind = \"reject\"\n"));
    for (line, code, mend) in [
        ("fault add --times 1", 2, "--reject"),
        ("fault add --stall --path /api/", 5, "has no member path"),
        ("fault remove fault-9", 3, "There is no fault"),
        ("outbox show 99", 3, "outbox"),
        ("scenario apply rejectd", 3, "rejected"),
    ] {
        let (_, error, ended) = ask(&emulated, line).await;
        assert!(ended == code && error.contains(mend), "{line}: {ended} {error}");
    }
}
