//! What a file is, by its content, and whether that is what is wanted. Names and headers are not believed.

use super::audience::{self, AudienceEntry};
use super::disks;
use super::flaws::Flaw;
use super::spool::Spooled;
use super::{prices, workbook};
use publishing::artifact_rule::{ArtifactKind, ArtifactRule};
use std::io::{self, BufReader};

/// How many of the first bytes tell what a file is.
const HEAD: u64 = 8 * 1024;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Png,
    Jpeg,
    Gif,
    Webp,
    Svg,
    Html,
    Xlsx,
    Zip,
    Gzip,
    Tar,
    Pdf,
    Vhd,
    Text,
    Other,
}

/// A file that is what is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fitting {
    pub(super) media_type: &'static str,
    pub(super) audience: Option<Vec<AudienceEntry>>,
}

/// Judges a file by what it is wanted for.
///
/// # Errors
/// The outer ones are those of the file system; the inner ones are for the publisher to mend.
pub(super) fn inspect(file: &Spooled, rule: &ArtifactRule) -> io::Result<Result<Fitting, Vec<Flaw>>> {
    if file.bytes == 0 {
        let mend = "Put the file in its place, or give another address.";
        return Ok(Err(vec![Flaw::new("FileType", "The file is empty.", mend)]));
    }
    let content = Content::of(&file.head(HEAD)?, &file.tail(disks::FOOTER)?);
    let fitting = |media_type| Fitting { media_type, audience: None };
    Ok(match rule.kind {
        ArtifactKind::File => Ok(fitting(content.media_type())),
        ArtifactKind::Image => image(file, content, rule)?.map(fitting).map_err(|flaw| vec![flaw]),
        ArtifactKind::Package if matches!(content, Content::Zip | Content::Tar | Content::Gzip) => {
            Ok(fitting(content.media_type()))
        }
        ArtifactKind::Package => Err(vec![content.unwanted("a package", "Give a ZIP, tar or gzip file.")]),
        ArtifactKind::Disk => {
            { disks::judge(&file.tail(disks::FOOTER)?, file.bytes).map(|()| fitting(Content::Vhd.media_type())) }
                .map_err(|flaw| vec![flaw])
        }
        ArtifactKind::Spreadsheet => match content {
            Content::Xlsx | Content::Zip => workbook::read(BufReader::new(file.rewound()?)),
            Content::Text => workbook::read_csv(&file.whole()?),
            other => Err(other.unwanted("a spreadsheet", "Give an XLSX or CSV file.")),
        }
        .map_err(|flaw| vec![flaw])
        .and_then(|sheet| prices::judge(&sheet))
        .map(|()| fitting(if content == Content::Text { CSV } else { Content::Xlsx.media_type() })),
        ArtifactKind::Audience if content == Content::Text => {
            audience::read(&file.whole()?).map(|entries| Fitting { media_type: CSV, audience: Some(entries) })
        }
        ArtifactKind::Audience => Err(vec![
            content.unwanted("a list of an audience", "Give a CSV file with the columns Type,Id,Description."),
        ]),
    })
}

const CSV: &str = "text/csv";

fn image(file: &Spooled, content: Content, rule: &ArtifactRule) -> io::Result<Result<&'static str, Flaw>> {
    if !matches!(content, Content::Png | Content::Jpeg | Content::Gif | Content::Webp) {
        return Ok(Err(Flaw::new(
            "ImageType",
            format!("The file is {}, and no image that can be shown.", content.name()),
            "Give a PNG, JPEG, GIF or WebP file.",
        )));
    }
    let Ok(size) = imagesize::reader_size(BufReader::new(file.rewound()?)) else {
        let mend = "Save it anew from the program that it was made with.";
        return Ok(Err(Flaw::new("ImageType", "The image is damaged: its size cannot be read.", mend)));
    };
    if !rule.sizes.is_empty() && !rule.sizes.iter().any(|sizes| sizes.fit(size.width, size.height)) {
        let allowed: Vec<String> = rule.sizes.iter().map(ToString::to_string).collect();
        return Ok(Err(Flaw::new(
            "ImageSize",
            format!("The image has {}x{} pixels.", size.width, size.height),
            format!("Give one of {} pixels.", allowed.join(" or ")),
        )));
    }
    Ok(Ok(content.media_type()))
}

impl Content {
    /// What a file is by its first and its last bytes.
    pub(super) fn of(head: &[u8], tail: &[u8]) -> Self {
        match infer::get(head).map(|found| found.mime_type()) {
            Some("image/png") => Self::Png,
            Some("image/jpeg") => Self::Jpeg,
            Some("image/gif") => Self::Gif,
            Some("image/webp") => Self::Webp,
            Some("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet") => Self::Xlsx,
            _ if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") => Self::Zip,
            Some("application/gzip") => Self::Gzip,
            Some("application/x-tar") => Self::Tar,
            Some("application/pdf") => Self::Pdf,
            _ if disks::is_footer(tail) => Self::Vhd,
            _ => Self::of_text(head),
        }
    }

    fn of_text(head: &[u8]) -> Self {
        let text = match std::str::from_utf8(head) {
            Ok(text) => text,
            // The first bytes may end in the middle of a character.
            Err(error) if error.error_len().is_none() => {
                std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
            }
            Err(_) => return Self::Other,
        };
        if text.contains(|c: char| c.is_control() && !c.is_whitespace()) {
            return Self::Other;
        }
        let lower = text.trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
        if !lower.starts_with('<') {
            Self::Text
        } else if lower.contains("<svg") {
            Self::Svg
        } else if ["<!doctype html", "<html", "<head", "<body", "<script"].iter().any(|tag| lower.contains(tag)) {
            Self::Html
        } else {
            Self::Text
        }
    }

    /// The type under which such a file is served. What browsers would run is given as bytes.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Zip => "application/zip",
            Self::Gzip => "application/gzip",
            Self::Tar => "application/x-tar",
            Self::Pdf => "application/pdf",
            Self::Vhd => "application/x-vhd",
            Self::Text => "text/plain",
            Self::Svg | Self::Html | Self::Other => "application/octet-stream",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Png | Self::Jpeg | Self::Gif | Self::Webp => "an image",
            Self::Svg => "an SVG drawing",
            Self::Html => "a web page",
            Self::Xlsx => "a spreadsheet",
            Self::Zip => "a ZIP file",
            Self::Gzip => "a gzip file",
            Self::Tar => "a tar file",
            Self::Pdf => "a PDF document",
            Self::Vhd => "a disk image",
            Self::Text => "a text",
            Self::Other => "of an unknown type",
        }
    }

    fn unwanted(self, wanted: &str, mend: &str) -> Flaw {
        Flaw::new("FileType", format!("The file is {}, and not {wanted}.", self.name()), mend)
    }
}

#[cfg(test)]
mod tests {
    use super::super::spool::{Spool, Spooled};
    use super::{Content, Fitting, inspect};
    use publishing::artifact_rule::ArtifactRule;
    use serde_json::json;

    pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        png.extend(width.to_be_bytes());
        png.extend(height.to_be_bytes());
        png.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
        png
    }

    fn spooled(bytes: &[u8]) -> Spooled {
        let mut spool = Spool::begin(&std::env::temp_dir()).unwrap();
        spool.add(bytes).unwrap();
        spool.finish()
    }

    fn judged(bytes: &[u8], rule: serde_json::Value) -> Result<&'static str, (&'static str, String)> {
        let rule = ArtifactRule::parse(&rule).unwrap();
        match inspect(&spooled(bytes), &rule).unwrap() {
            Ok(Fitting { media_type, .. }) => Ok(media_type),
            Err(flaws) => Err((flaws[0].code, format!("{} {}", flaws[0].message, flaws[0].mend))),
        }
    }

    #[test]
    fn an_image_is_told_by_its_bytes_and_has_the_pixels_that_are_wanted() {
        let logo = || json!({"kind": "image", "sizes": ["48x48", "216x216 to 350x350"]});
        assert_eq!(judged(&png(48, 48), logo()), Ok("image/png"));
        assert_eq!(judged(&png(300, 300), logo()), Ok("image/png"));
        let (code, said) = judged(&png(49, 48), logo()).unwrap_err();
        assert_eq!(code, "ImageSize");
        assert_eq!(said, "The image has 49x48 pixels. Give one of 48x48 or 216x216 to 350x350 pixels.");
        assert_eq!(judged(&png(7, 9), json!({"kind": "image"})), Ok("image/png"));
    }

    #[test]
    fn what_browsers_would_run_is_no_image() {
        let image = || json!({"kind": "image"});
        for (bytes, name) in [
            (&b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"[..], "an SVG drawing"),
            (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- x -->\n<SVG/>", "an SVG drawing"),
            (b"<!DOCTYPE html><html></html>", "a web page"),
            (b"  <html>", "a web page"),
            (b"hello", "a text"),
            (b"%PDF-1.7 x", "a PDF document"),
            (b"\x00\x01\x02", "of an unknown type"),
        ] {
            let (code, said) = judged(bytes, image()).unwrap_err();
            assert_eq!(code, "ImageType");
            assert!(said.contains(name), "{said}");
            let served = Content::of(bytes, b"").media_type();
            assert!(!served.contains("svg") && !served.contains("html"), "{served}");
        }
        assert_eq!(judged(b"", image()).unwrap_err().0, "FileType");
        assert_eq!(judged(&png(48, 48)[..20], image()).unwrap_err().0, "ImageType");
    }

    #[test]
    fn each_kind_takes_its_own_types() {
        let zip = b"PK\x03\x04aaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        assert_eq!(judged(zip, json!({"kind": "package"})), Ok("application/zip"));
        assert_eq!(judged(b"\x1f\x8b\x08\0\0", json!({"kind": "package"})), Ok("application/gzip"));
        assert_eq!(judged(&png(1, 1), json!({"kind": "package"})).unwrap_err().0, "FileType");
        assert_eq!(judged(&png(1, 1), json!({"kind": "audience"})).unwrap_err().0, "FileType");
        assert_eq!(judged(&png(1, 1), json!({"kind": "spreadsheet"})).unwrap_err().0, "FileType");
        assert_eq!(judged(zip, json!({"kind": "disk"})).unwrap_err().0, "FileType");
        assert_eq!(judged(b"<html></html>", json!(true)), Ok("application/octet-stream"));
    }
}
