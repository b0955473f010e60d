//! Files of definitions: fetched once, checked by their content, kept under their digest; never a wrong byte under one.

use crate::origin::{Origin, Served, png, prices, vhd};
use futures_util::StreamExt;
use portolan::artifacts::{ArtifactSettings, Artifacts, Digest, DiskImages, Hindrance, PinFault, Pinned};
use publishing::artifact_rule::ArtifactRule;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use std::time::Duration;

struct Scene {
    origin: Origin,
    artifacts: Artifacts,
    data: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        Self::with(ArtifactSettings { file_mebibytes: 1, ..ArtifactSettings::default() }).await
    }

    async fn with(settings: ArtifactSettings) -> Self {
        let (origin, data) = (Origin::start().await, tempfile::tempdir().unwrap());
        let artifacts = Artifacts::open(&settings, data.path(), origin.egress()).unwrap();
        Self { origin, artifacts, data }
    }

    async fn pin(&self, url: &str, mark: Value) -> Result<Pinned, PinFault> {
        self.artifacts.pin(url, &ArtifactRule::parse(&mark).unwrap()).await
    }

    /// The code and the text of the one flaw that a file has.
    async fn refused(&self, url: &str, mark: Value) -> (&'static str, String) {
        match self.pin(url, mark).await {
            Err(PinFault::Refused(flaws)) => (flaws[0].code, format!("{} {}", flaws[0].message, flaws[0].mend)),
            other => panic!("{url}: {other:?}"),
        }
    }

    async fn read(&self, digest: &Digest) -> Option<Vec<u8>> {
        let mut kept = self.artifacts.read(digest, None).await.unwrap()?;
        let mut bytes = Vec::new();
        while let Some(part) = kept.stream.next().await {
            bytes.extend_from_slice(&part.unwrap());
        }
        assert_eq!(kept.bytes, bytes.len() as u64);
        Some(bytes)
    }
}

fn image() -> Value {
    json!({"kind": "image"})
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every file below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// How many files the store in a directory has; each must have the digest that it is named by.
pub fn check_store(data: &Path) -> usize {
    let mut found = files(&data.join("artifacts"));
    // What is being written, or was cut off, has such a name until it is whole.
    found.retain(|path| !path.to_string_lossy().contains('#'));
    for path in &found {
        let rest = path.file_name().unwrap().to_str().unwrap();
        let start = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
        // What was cut off may be tidied away between the listing and this.
        let bytes = match std::fs::read(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            read => read.unwrap(),
        };
        assert_eq!(sha256(&bytes), format!("{start}{rest}"), "{}", path.display());
    }
    found.len()
}

#[tokio::test]
async fn a_file_is_there_when_its_origin_is_gone_and_when_it_has_changed() {
    let scene = Scene::new().await;
    let url = scene.origin.put("/logo", Served::File(png(48, 48)));
    let rule = json!({"kind": "image", "sizes": ["48x48"]});
    let first = scene.pin(&url, rule.clone()).await.unwrap();
    assert_eq!((first.digest.as_str(), first.media_type), (&*sha256(&png(48, 48)), "image/png"));
    assert_eq!((first.bytes, first.kept), (png(48, 48).len() as u64, true));

    let mut other = png(48, 48);
    other.push(1);
    scene.origin.put("/logo", Served::File(other.clone()));
    let second = scene.pin(&url, rule.clone()).await.unwrap();
    assert_ne!(first.digest, second.digest);

    scene.origin.put("/logo", Served::Status(410));
    assert_eq!(scene.refused(&url, rule.clone()).await.0, "FileUnreachable");
    assert_eq!(scene.read(&first.digest).await.unwrap(), png(48, 48));
    assert_eq!(scene.read(&second.digest).await.unwrap(), other);
    assert_eq!(scene.artifacts.size(&second.digest).await.unwrap(), Some(other.len() as u64));

    // A part of it, and what is not there.
    let part = scene.artifacts.read(&first.digest, Some(1..4)).await.unwrap().unwrap();
    assert_eq!((part.range, part.bytes), (1..4, first.bytes));
    let unknown = Digest::parse(&"0".repeat(64)).unwrap();
    assert_eq!(scene.artifacts.size(&unknown).await.unwrap(), None);
    assert!(scene.read(&unknown).await.is_none());

    // Kept files are judged anew without being fetched.
    let asked = scene.origin.asked("");
    let rule = |mark| ArtifactRule::parse(&mark).unwrap();
    let again = scene.artifacts.pin_kept(&first.digest, &rule(json!({"kind": "image", "sizes": ["48x48"]}))).await;
    assert_eq!(again.unwrap().unwrap(), first);
    let elsewhere = scene.artifacts.pin_kept(&first.digest, &rule(json!({"kind": "image", "sizes": ["90x90"]}))).await;
    assert!(matches!(elsewhere, Err(PinFault::Refused(_))), "{elsewhere:?}");
    assert_eq!(scene.artifacts.pin_kept(&unknown, &rule(image())).await.unwrap(), None);
    assert_eq!(scene.origin.asked(""), asked);
    assert_eq!(check_store(scene.data.path()), 2);
}

#[tokio::test]
async fn a_file_is_what_its_bytes_say_and_not_its_name() {
    let scene = Scene::new().await;
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>".to_vec();
    let url = scene.origin.put("/logo.png", Served::File(svg));
    let (code, said) = scene.refused(&url, image()).await;
    assert_eq!(code, "ImageType");
    assert!(said.contains("an SVG drawing") && said.contains("PNG"), "{said}");

    let url = scene.origin.put("/page.png", Served::File(b"<!DOCTYPE html><html>".to_vec()));
    assert_eq!(scene.refused(&url, image()).await.0, "ImageType");
    let url = scene.origin.put("/wide.png", Served::File(png(500, 20)));
    let (code, said) = scene.refused(&url, json!({"kind": "image", "sizes": ["48x48"]})).await;
    assert_eq!((code, &*said), ("ImageSize", "The image has 500x20 pixels. Give one of 48x48 pixels."));
    assert_eq!(check_store(scene.data.path()), 0);
}

#[tokio::test]
async fn a_file_that_is_too_large_or_never_ends_is_left() {
    let scene = Scene::new().await;
    for served in [Served::Announced(100 << 20), Served::Endless, Served::File(vec![7; (1 << 20) + 1])] {
        let url = scene.origin.put("/large", served);
        let (code, said) = scene.refused(&url, json!(true)).await;
        assert_eq!((code, &*said), ("FileTooLarge", "The file has more than 1 MiB. Give a smaller one."));
    }
    let url = scene.origin.put("/large", Served::File(vec![7; 1 << 20]));
    assert!(scene.pin(&url, json!(true)).await.is_ok());
    assert_eq!(scene.refused(&url, json!({"kind": "file", "largest_kibibytes": 1023})).await.0, "FileTooLarge");
    assert_eq!(check_store(scene.data.path()), 1);
}

#[tokio::test]
async fn what_may_pass_is_told_apart_from_what_must_be_mended() {
    let scene = Scene::new().await;
    for (served, passes) in [
        (Served::Status(503), true),
        (Served::Status(429), true),
        (Served::Cut(png(48, 48), 20), true),
        (Served::Status(404), false),
        (Served::Status(403), false),
        (Served::Status(204), false),
    ] {
        let url = scene.origin.put("/file", served);
        let fault = scene.pin(&url, image()).await.unwrap_err();
        assert_eq!(matches!(fault, PinFault::NotNow(_)), passes, "{fault:?}");
    }
    scene.origin.put("/there", Served::File(png(1, 1)));
    scene.origin.put("/2", Served::Redirect("/there".into()));
    scene.origin.put("/1", Served::Redirect("/2".into()));
    let url = scene.origin.put("/0", Served::Redirect("/1".into()));
    assert!(scene.pin(&url, image()).await.is_ok());
    scene.origin.put("/there", Served::Redirect("/over".into()));
    assert_eq!(scene.refused(&url, image()).await.0, "FileUnreachable");
}

#[tokio::test]
async fn an_address_inside_is_refused_with_its_category_and_nothing_else() {
    let scene = Scene::new().await;
    let redirect = scene.origin.put("/out", Served::Redirect("https://inside.contoso.example/secret".into()));
    for url in [
        "https://inside.contoso.example/secret",
        "https://10.0.0.1/secret",
        "https://[::1]/secret",
        "https://169.254.169.254/latest/meta-data",
        &redirect,
    ] {
        let (code, said) = scene.refused(url, image()).await;
        assert_eq!(code, "FileUnreachable");
        assert!(said.to_lowercase().contains("private network"), "{said}");
        assert!(!said.contains("10.0.0.1") && !said.contains("secret") && !said.contains("inside"), "{said}");
    }
    for url in ["http://files.contoso.example/x", "ftp://files.contoso.example/x", "file:///etc/passwd", "x"] {
        assert_eq!(scene.refused(url, image()).await.0, "FileUnreachable");
    }
}

/// Wherever a connection ends, and whenever nobody waits any more, the store holds whole files only.
#[tokio::test]
async fn no_cut_leaves_a_wrong_byte_under_a_digest() {
    let scene = Scene::new().await;
    let file: Vec<u8> = (0..300_000_u32).map(|at| (at % 253) as u8).collect();
    let mut kept = 0;
    for at in 0..60 {
        let cut = at * 5_000;
        let served =
            if at % 2 == 0 { Served::Cut(file.clone(), cut) } else { Served::CutUnannounced(file.clone(), cut) };
        let url = scene.origin.put("/cut", served);
        let fault = scene.pin(&url, json!(true)).await.unwrap_err();
        assert!(matches!(fault, PinFault::NotNow(_)), "{cut}: {fault:?}");
        assert_eq!(check_store(scene.data.path()), kept);

        // And somebody who goes away while a file comes, or is put in the store.
        let mut own = file.clone();
        own[0] = at as u8;
        let url = scene.origin.put("/whole", Served::File(own));
        let patience = if at < 50 { Duration::from_millis(at as u64) } else { Duration::from_secs(60) };
        if tokio::time::timeout(patience, scene.pin(&url, json!(true))).await.is_ok() {
            kept += 1;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        let found = check_store(scene.data.path());
        // One that nobody waited for may have come to its end.
        assert!(found >= kept, "{found} < {kept}");
        kept = found;
    }
    assert!(kept >= 10, "{kept}");
    assert_eq!(files(&scene.data.path().join("incoming")).len(), 0);
}

#[tokio::test]
async fn disk_images_are_left_alone_or_recorded_or_kept() {
    let disk = vhd(3 << 20);
    let mark = || json!({"kind": "disk"});
    let with = |disk_images| Scene::with(ArtifactSettings { disk_images, ..ArtifactSettings::default() });

    let scene = with(DiskImages::Ignore).await;
    assert!(!scene.artifacts.looks_at(ArtifactRule::parse(&mark()).unwrap().kind));

    let scene = with(DiskImages::Digest).await;
    let url = scene.origin.put("/disk", Served::File(disk.clone()));
    let pinned = scene.pin(&url, mark()).await.unwrap();
    assert_eq!((pinned.digest.as_str(), pinned.bytes), (&*sha256(&disk), disk.len() as u64));
    assert!(!pinned.kept && scene.read(&pinned.digest).await.is_none());

    let url = scene.origin.put("/plain", Served::WithoutRanges(disk.clone()));
    assert!(scene.refused(&url, mark()).await.1.contains("206"));
    let asked = scene.origin.asked("/raw");
    let url = scene.origin.put("/raw", Served::File(vec![0; 1 << 20]));
    assert!(scene.refused(&url, mark()).await.1.contains("no VHD"));
    assert_eq!(scene.origin.asked("/raw"), asked + 1, "only its end was looked at");

    // Larger than what is put in one piece.
    let disk = vhd(20 << 20);
    let scene = with(DiskImages::Keep).await;
    let url = scene.origin.put("/disk", Served::File(disk.clone()));
    let pinned = scene.pin(&url, mark()).await.unwrap();
    assert!(pinned.kept && scene.read(&pinned.digest).await.unwrap() == disk);
    assert_eq!(check_store(scene.data.path()), 1);
}

/// Whoever finds no place is told so at once: who waited would hold up others.
#[tokio::test]
async fn nobody_waits_for_a_slow_origin_of_another() {
    let scene = Scene::new().await;
    let kept = scene.origin.put("/kept", Served::File(png(48, 48)));
    let digest = scene.pin(&kept, image()).await.unwrap().digest;
    let slow = scene.origin.put("/slow", Served::Silent);
    let rule = ArtifactRule::parse(&image()).unwrap();
    let mut slow_ones = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (artifacts, slow, rule) = (scene.artifacts.clone(), slow.clone(), rule.clone());
        slow_ones.spawn(async move { artifacts.pin(&slow, &rule).await });
    }
    while scene.origin.asked("/slow") < 16 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let full = PinFault::NotNow(Hindrance::NoPlace);
    assert_eq!(scene.pin(&kept, image()).await, Err(full.clone()));
    assert_eq!(scene.artifacts.pin_kept(&digest, &rule).await, Err(full));
    slow_ones.shutdown().await;
    assert!(scene.pin(&kept, image()).await.is_ok());
}

/// What is wrong on our side is nobody's fault who publishes, and its words name nothing of ours.
#[tokio::test]
async fn an_outage_here_is_told_apart_from_one_of_the_origin() {
    let scene = Scene::new().await;
    let url = scene.origin.put("/logo", Served::File(png(48, 48)));
    let incoming = scene.data.path().join("incoming");
    std::fs::remove_dir(&incoming).unwrap();
    let fault = scene.pin(&url, image()).await.unwrap_err();
    assert_eq!(fault, PinFault::NotNow(Hindrance::Ours));
    std::fs::create_dir(&incoming).unwrap();
    std::fs::write(scene.data.path().join("artifacts/sha256"), b"in the way").unwrap();
    assert_eq!(scene.pin(&url, image()).await, Err(PinFault::NotNow(Hindrance::Ours)));
}

#[tokio::test]
async fn spreadsheets_and_audiences_are_read_and_their_faults_told_by_cell() {
    let scene = Scene::new().await;
    let sheet = || json!({"kind": "spreadsheet"});
    let url = scene.origin.put("/prices", Served::File(prices()));
    let pinned = scene.pin(&url, sheet()).await.unwrap();
    assert!(pinned.media_type.ends_with("spreadsheetml.sheet"), "{}", pinned.media_type);

    let mut book = rust_xlsxwriter::Workbook::new();
    let page = book.add_worksheet().set_name("Prices").unwrap();
    for (column, name) in (0_u16..).zip(["Market", "Currency", "1core"]) {
        page.write(5, column, name).unwrap();
    }
    page.write(6, 0, "DE").unwrap();
    page.write(6, 1, "EUR").unwrap();
    page.write(6, 2, -3).unwrap();
    page.write(7, 0, "CH").unwrap();
    page.write(7, 1, "CHF").unwrap();
    page.write(7, 2, rust_xlsxwriter::Formula::new("=1/0").set_result("#DIV/0!")).unwrap();
    let url = scene.origin.put("/prices", Served::File(book.save_to_buffer().unwrap()));
    let Err(PinFault::Refused(flaws)) = scene.pin(&url, sheet()).await else { panic!() };
    let faults: Vec<_> = flaws.iter().map(|flaw| flaw.at("/plans/0/x")).collect();
    assert_eq!(faults[0].pointer, "/definition/plans/0/x");
    assert_eq!(faults[0].code, "SheetCell");
    assert_eq!(
        faults[0].text(),
        "Sheet `Prices`, cell C7: `-3` is no price. Write 0 or a positive number with at most 4 decimals."
    );
    assert!(faults[1].message.contains("cell C8: `#DIV/0!`"), "{}", faults[1].message);

    let csv = "Type,Id,Description\nTenantId,0a6cbd22-9f1c-4d6e-8a35-1f0e5a3e2b61,ours\n";
    let url = scene.origin.put("/audience", Served::File(csv.into()));
    let pinned = scene.pin(&url, json!({"kind": "audience"})).await.unwrap();
    assert_eq!((pinned.media_type, pinned.audience.unwrap().len()), ("text/csv", 1));
    let url = scene.origin.put("/audience", Served::File(csv.replace("TenantId", "Tenants").into()));
    assert_eq!(scene.refused(&url, json!({"kind": "audience"})).await.0, "AudienceCell");
}

#[tokio::test]
async fn what_a_kill_left_half_written_is_gone_after_the_next_start() {
    let scene = Scene::new().await;
    let url = scene.origin.put("/logo", Served::File(png(48, 48)));
    let pinned = scene.pin(&url, image()).await.unwrap();
    let whole = files(&scene.data.path().join("artifacts")).remove(0);
    std::fs::write(whole.with_file_name("0123#1"), b"half").unwrap();
    let again = Artifacts::open(&ArtifactSettings::default(), scene.data.path(), scene.origin.egress()).unwrap();
    assert_eq!(check_store(scene.data.path()), 1);
    assert_eq!(again.size(&pinned.digest).await.unwrap(), Some(pinned.bytes));

    // A file whose bytes are not what they were is no file of that digest.
    std::fs::write(&whole, png(49, 49)).unwrap();
    let rule = ArtifactRule::parse(&image()).unwrap();
    assert_eq!(again.pin_kept(&pinned.digest, &rule).await, Err(PinFault::NotNow(Hindrance::Ours)));
}

/// The same on a real object store, where one is at hand: `PORTOLAN_TEST_STORE` names it (`s3://…`, `az://…`), and the
/// variables of its kind (`AWS_*`, `AZURE_*`) say the rest.
#[tokio::test]
async fn another_store_keeps_files_as_well() {
    let Ok(store) = std::env::var("PORTOLAN_TEST_STORE") else {
        println!("skipped: PORTOLAN_TEST_STORE names no object store");
        return;
    };
    let settings = ArtifactSettings { store, disk_images: DiskImages::Keep, ..ArtifactSettings::default() };
    let scene = Scene::with(settings).await;
    let url = scene.origin.put("/logo", Served::File(png(48, 48)));
    let small = scene.pin(&url, image()).await.unwrap();
    assert_eq!(scene.read(&small.digest).await.unwrap(), png(48, 48));
    assert_eq!(scene.pin(&url, image()).await.unwrap(), small);
    // In several parts.
    let disk = vhd(20 << 20);
    let url = scene.origin.put("/disk", Served::File(disk.clone()));
    let large = scene.pin(&url, json!({"kind": "disk"})).await.unwrap();
    assert!(scene.read(&large.digest).await.unwrap() == disk);
    let part = scene.artifacts.read(&large.digest, Some(5..9)).await.unwrap().unwrap();
    assert_eq!((part.bytes, part.range), (disk.len() as u64, 5..9));
    let part: Vec<_> = part.stream.collect().await;
    assert_eq!(part.into_iter().map(Result::unwrap).collect::<Vec<_>>().concat(), disk[5..9]);
    assert!(scene.read(&Digest::parse(&"0".repeat(64)).unwrap()).await.is_none());
    assert!(!scene.data.path().join("artifacts").exists());
}

#[tokio::test]
async fn a_store_that_cannot_be_is_told_at_the_start() {
    let (origin, data) = (Origin::start().await, tempfile::tempdir().unwrap());
    let open = |store: &str, option: &str| {
        let options = [(option.to_owned(), "hush".to_owned())].into();
        let settings = ArtifactSettings { store: store.into(), options, ..ArtifactSettings::default() };
        format!("{:#}", Artifacts::open(&settings, data.path(), origin.egress()).unwrap_err())
    };
    for (store, option, said) in [
        ("artifacts", "region", "artifacts.store"),
        ("ftp://files.example/x", "region", "artifacts.store"),
        ("memory:///", "region", "s3://, az:// or file://"),
        ("s3://key:hush@bucket/prefix", "region", "artifacts.store"),
        ("s3://bucket/prefix", "regoin", "unknown in `artifacts.options`: regoin"),
    ] {
        let told = open(store, option);
        assert!(told.contains(said) && !told.contains("hush"), "{told}");
    }
}
