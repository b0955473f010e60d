//! Programs of this machine as checks: from the settings through the worker to what the publisher reads.

use crate::world::{Setting, World, memo_type};
use portolan::checks::Checks;
use portolan::config::Config;
use portolan::store::Claims;
use portolan::work::Worker;
use publishing::offer_type::OfferTypes;
use publishing::pipeline::CheckKind;
use std::sync::Arc;
use std::time::Duration;

/// The runners, with this script as the program `probe`.
fn checks(script: &str) -> Checks {
    let settings = format!(
        "[[checks.command]]\nname = \"probe\"\nprogram = \"/bin/sh\"\narguments = [\"-c\", '''{script}''']\ntimeout_seconds = 20\n"
    );
    let settings: Config = toml::from_str(&settings).unwrap();
    Checks::default().with_programs(settings.checks.programs().unwrap())
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
    let checks = checks(script);
    let world = World::with(Setting { types, checks, ..Setting::default() }).await;
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
    for part in
        ["check:{id:", "offer:{publisherId:contoso,id:memo-1,offerTypeId:", "version:1}", "definition:{", "artifacts:["]
    {
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

#[test]
fn settings_of_programs_name_what_is_wrong_with_them() {
    let settings = |text: &str| {
        let config: Config = toml::from_str(text).map_err(|error| error.to_string())?;
        config.checks.programs().map_err(|error| error.to_string())
    };
    let one = "[[checks.command]]\nname = \"a\"\nprogram = \"/bin/true\"\n";
    let program = settings(one).unwrap()["a"].clone();
    assert_eq!((program.timeout_seconds, program.memory_mebibytes), (300, 1024));
    for (text, words) in [
        (one.replace("/bin/true", "true"), "full paths"),
        (format!("{one}directory = \"x\"\n"), "full paths"),
        (format!("{one}timeout_seconds = 0\n"), "timeout_seconds"),
        (format!("{one}memory_mebibytes = 1\n"), "memory_mebibytes"),
        (format!("{one}{one}"), "two"),
        (format!("{one}argument = \"x\"\n"), "unknown field"),
    ] {
        assert!(settings(&text).unwrap_err().contains(words), "{text}");
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

    let types = Arc::new(OfferTypes::default());
    let claims = Claims::new(Arc::clone(&world.store));
    let next = Worker::new(claims, world.perform.clone(), types, checks(&script), world.clock.clone());
    assert_eq!(next.work_off_due().await.unwrap(), 1, "the next one need not wait for a lease to end");
    assert_eq!(world.status("memo-1").await["steps"][0]["status"], "complete");
}
