//! Reviews on the command line: the demo's reviewer lists, claims, notes and decides with the real binary.

use crate::binary::{Portolan, command};
use std::process::Stdio;

/// What a command says, and whether it went well.
fn ask(demo: &Portolan, token: &str, arguments: &[&str]) -> (bool, String) {
    let mut review = command();
    review.arg("review").args(arguments).args(["--server", &demo.url]).env("PORTOLAN_TOKEN", token);
    let output = review.stdin(Stdio::null()).output().unwrap();
    let said = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[test]
fn a_reviewer_works_through_the_demo() {
    let demo = Portolan::demo();
    let word = |start: &str| {
        let line = demo.said.lines().map(str::trim).find_map(|line| line.strip_prefix(start)).unwrap();
        line.split_whitespace().next().unwrap().to_owned()
    };
    let (owner, reviewer) = (word("token "), word("PORTOLAN_TOKEN="));
    let done = |arguments: &[&str]| {
        let (well, said) = ask(&demo, &reviewer, arguments);
        assert!(well, "{arguments:?}: {said}");
        said
    };
    let list = done(&["list", "--free", "--queue", "review"]);
    let head = list.lines().next().unwrap();
    for column in ["OPERATION", "STEP", "OFFER", "QUEUE", "STATE", "HELD BY", "WAITING"] {
        assert!(head.contains(column), "{list}");
    }
    let row = list.lines().find(|line| line.contains("contoso/container-waiting-for-approval")).unwrap();
    let [operation, step] = row.split_whitespace().take(2).collect::<Vec<_>>()[..] else { panic!("{row}") };
    // The demo's owner is an operator too, and belongs to the publisher.
    let (well, said) = ask(&demo, &owner, &["approve", operation, step]);
    assert!(!well && said.contains("nobody reviews an offer of their own publisher"), "{said}");
    assert!(done(&["claim", operation, step]).starts_with(&format!("Done: you hold {step} until ")));
    assert!(done(&["list", "--mine"]).lines().nth(1).unwrap().contains("reviewer ("));
    assert!(!done(&["list", "--free"]).contains(operation));
    assert!(done(&["note", operation, step, "-m", "Asked the lab."]).contains("reviewers alone"));
    assert!(done(&["note", operation, step, "-m", "The lab looks at it.", "--public"]).contains("the publisher"));
    let shown = done(&["show", operation, step]);
    for part in
        ["held by reviewer (", "0 of 1 approved", "note for reviewers by", "ReviewerNote | The lab looks at it."]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(done(&["release", operation, step]).contains("nobody holds"));
    let (well, said) = ask(&demo, &reviewer, &["release", operation, step]);
    assert!(!well && said.contains("nobody holds it"), "{said}");
    // The older spellings, and the newer ones.
    done(&["block", operation, step, "-m", "It cannot be read.", "--code", "IMG-404", "--target", "/definition"]);
    done(&["unblock", operation, step, "--queue", "review"]);
    let reason = ["-m", "Small.", "--rule", "IMG-048", "--field", "/definition", "--mend", "Grow it."];
    done(&[&["reject", operation, step], &reason[..], &["--link", "https://rules.example/"]].concat());
    let shown = done(&["show", operation, step]);
    assert!(shown.contains("IMG-048 | Small. | Grow it. | /definition | https://rules.example/"), "{shown}");
}
