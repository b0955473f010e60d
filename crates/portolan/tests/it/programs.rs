//! Programs of this machine as checks: from the settings through the worker to what the publisher reads.

use crate::outside::{lines, publish, step, tick};
use crate::world::{Setting, World, memo_type};
use portolan::checks::{CheckerSetting, Checks};
use portolan::config::Config;
use portolan::store::Claims;
use portolan::work::Worker;
use publishing::offer_type::OfferTypes;
use publishing::pipeline::CheckKind;
use std::sync::Arc;
use std::time::Duration;

/// The settings of the program `probe`, which is this script.
fn checkers(script: &str) -> Vec<CheckerSetting> {
    let settings = format!(
        "[[checker]]\nname = \"probe\"\ncommand = [\"/bin/sh\", \"-c\", '''{script}''']\ntimeout_seconds = 20\n"
    );
    toml::from_str::<Config>(&settings).unwrap().checker
}

/// A world whose first step is done by a shell script of this name.
async fn world(checker: &str, script: &str) -> World {
    let mut types = OfferTypes::default();
    let mut memo = memo_type();
    let check = CheckKind::Command { checker: checker.into(), reusable: false };
    let pipeline =
        memo.pipeline.with_checks(|at, step| if at == 0 { vec![check.clone()] } else { step.checks.clone() });
    memo.pipeline = pipeline.unwrap();
    types.add(memo);
    let world = World::with(Setting { types, checkers: checkers(script), ..Setting::default() }).await;
    world.put_memo("memo-1").await;
    world.post("/api/publishers/contoso/offers/memo-1/publish", "").await;
    world
}

#[tokio::test]
async fn a_program_gets_the_job_and_the_publisher_reads_what_it_says() {
    let script = r#"
        job=$(cat | tr -d '"\\' | cut -c 1-900)
        printf '{"message":{"level":"information","message":"%s"}}\n' "$job"
        echo '{"message":{"level":"error","code":"P-1","messageHtml":"<b onclick=x>bad</b><script>x</script>","mend":"Do < that.",
        "target":"/definition"}}' | tr -d '\n'; echo
        echo '{"report":"rejected"}'"#;
    let world = world("probe", script).await;
    world.settle().await;
    let step = world.status("memo-1").await["steps"][0].clone();
    assert_eq!(step["status"], "rejected", "{step}");
    let job = step["messages"][0]["messageHtml"].as_str().unwrap();
    for part in [
        "check:{id:",
        "offer:{publisherId:contoso,offerId:memo-1,offerTypeId:",
        "version:1}",
        "definition:{",
        "artifacts:[",
    ] {
        assert!(job.contains(part), "{part} is not in {job}");
    }
    let said = &step["messages"][1];
    assert_eq!(said["messageHtml"], "<b>bad</b> Do &lt; that.");
    assert_eq!(
        (&said["level"], &said["code"], &said["target"]),
        (&"error".into(), &"P-1".into(), &"/definition".into())
    );
}

#[tokio::test]
async fn a_program_that_passes_lets_the_offer_on_and_one_that_fails_does_not() {
    let passes = world("probe", r#"echo '{"report":"passed"}'"#).await;
    passes.settle().await;
    assert_eq!(passes.status("memo-1").await["steps"][0]["status"], "complete");
    for (checker, script) in [("probe", r#"echo '{"report":"passed"}'; exit 1"#), ("another", "")] {
        let fails = world(checker, script).await;
        fails.settle().await;
        let step = fails.status("memo-1").await["steps"][0].clone();
        assert_ne!(step["status"], "complete", "{step}");
        assert!(!step.to_string().contains("exit status"), "the cause is the operator's: {step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_says_how_far_it_is_while_it_runs() {
    let script = r#"
        for done in 1 2 3 4 5 6 7 8; do printf '{"progress":{"done":%s,"total":10}}\n' $done; done
        sleep 3
        echo '{"message":{"level":"error","message":"stuck"}}'
        echo '{"report":"blocked"}'"#;
    let world = std::sync::Arc::new(world("probe", script).await);
    let before = lines(&world).await;
    let worker = std::sync::Arc::clone(&world);
    let working = tokio::spawn(async move { tick(&worker, 2).await });
    for _ in 0..250 {
        if step(&world, "memo-1").await["progressPercentage"] == 80 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let running = step(&world, "memo-1").await;
    assert_eq!((&running["status"], &running["progressPercentage"]), (&"inProgress".into(), &80.into()));
    working.await.unwrap();
    assert_eq!(step(&world, "memo-1").await["status"], "blocked");
    assert!(lines(&world).await - before <= 6, "the start, the end, and once a second at most");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_takes_too_long_or_too_much_or_crashes_is_blocked_and_runs_again_when_it_is_mended() {
    // The third one takes 200 MB where it may have 64 MiB.
    for script in ["sleep 30", "kill -9 $$", "a=$(head -c 200000000 /dev/zero | tr '\\0' x)", "exit 3"] {
        let mut settings: Config = toml::from_str("[[checker]]\nname = \"probe\"\ntimeout_seconds = 2").unwrap();
        let mended = tempfile::tempdir().unwrap();
        let flag = mended.path().join("flag");
        let script =
            format!("if [ ! -e {} ]; then {script} || exit 1; fi; echo '{{\"report\":\"passed\"}}'", flag.display());
        settings.checker[0].command = Some(vec!["/bin/sh".into(), "-c".into(), script.clone()]);
        settings.checker[0].memory_mebibytes = Some(64);
        let kind = CheckKind::Command { checker: "probe".into(), reusable: false };
        let world = crate::outside::world(settings.checker, kind).await;
        publish(&world, "memo-1").await;
        for _ in 0..20 {
            tick(&world, 2).await;
        }
        let blocked = step(&world, "memo-1").await;
        assert_eq!(
            (&blocked["status"], &blocked["messages"][0]["code"]),
            (&"blocked".into(), &"CheckCannotRun".into()),
            "{script}"
        );
        std::fs::write(&flag, "").unwrap();
        assert_eq!(world.verdict("memo-1", "unblock", "").await.status, 200);
        world.settle().await;
        assert_eq!(step(&world, "memo-1").await["status"], "complete", "{script}");
    }
}

#[tokio::test]
async fn a_service_that_ends_gives_up_what_takes_long_and_the_next_one_begins_it_again() {
    let directory = tempfile::tempdir().unwrap();
    let mark = directory.path().join("begun");
    let script = format!(
        r#"[ -e {mark} ] && {{ echo '{{"report":"passed"}}'; exit; }}; touch {mark}; sleep 19"#,
        mark = mark.display()
    );
    let world = world("probe", &script).await;
    world.clock.advance(Duration::from_secs(2));
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let worker = world.worker.clone();
    let working = tokio::spawn(async move { worker.run(stopped).await });
    while !mark.exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(world.status("memo-1").await["steps"][0]["status"], "inProgress");
    stop.send(true).unwrap();
    tokio::time::timeout(Duration::from_secs(12), working).await.expect("it waited for the program").unwrap();
    assert_eq!(world.status("memo-1").await["steps"][0]["status"], "inProgress", "it is not done, nor undone");

    let mut types = OfferTypes::default();
    types.add(memo_type());
    let types = Arc::new(types);
    let claims = Claims::new(Arc::clone(&world.store));
    let checks = Checks::default().with_checkers(&checkers(&script), &world.clock).unwrap();
    let next = Worker::new(claims, world.perform.clone(), types, checks, world.clock.clone());
    assert_eq!(next.work_off_due().await.unwrap(), 1, "the next one need not wait for a lease to end");
    assert_eq!(world.status("memo-1").await["steps"][0]["status"], "complete");
}
