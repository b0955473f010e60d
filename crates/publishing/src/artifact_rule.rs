//! What a schema's mark `x-artifact` says of the file behind an address: its kind, its size, an image's pixels.

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::fmt;

/// What a file is wanted for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArtifactKind {
    /// Any file.
    #[default]
    File,
    /// A picture that browsers show: PNG, JPEG, GIF or WebP.
    Image,
    /// Prices by market and core size, as XLSX or CSV.
    Spreadsheet,
    /// Who may see a private plan, as CSV.
    Audience,
    /// An archive that is deployed: ZIP, tar or gzip.
    Package,
    /// The disk image of a virtual machine: VHD.
    Disk,
}

/// What the file behind an address must be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ArtifactRule {
    /// What the file is wanted for.
    pub kind: ArtifactKind,
    /// The pixels that an image may have; any where there are none.
    pub sizes: Vec<PixelSizes>,
    /// The most KiB that it may have; the settings say it where there are none.
    pub largest_kibibytes: Option<u64>,
}

impl ArtifactRule {
    /// Reads a mark: `true`, or an object.
    ///
    /// # Errors
    /// In words, where it is neither.
    pub fn parse(mark: &Value) -> Result<Self, String> {
        match mark {
            Value::Bool(true) => Ok(Self::default()),
            Value::Object(_) => {
                let rule: Self = serde_json::from_value(mark.clone())
                    .map_err(|error| format!("`x-artifact` {mark} is not understood: {error}"))?;
                if rule.kind != ArtifactKind::Image && !rule.sizes.is_empty() {
                    return Err(format!("`x-artifact` {mark} gives sizes, which only an image has; remove them"));
                }
                Ok(rule)
            }
            _ => Err(format!("`x-artifact` is {mark}; write `true`, or an object such as {{\"kind\": \"image\"}}")),
        }
    }
}

/// The pixels of an image: `48x48`, or `216x216 to 350x350`. Where both ends are square, the image must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelSizes {
    least: (usize, usize),
    most: (usize, usize),
}

impl PixelSizes {
    /// Whether an image may be so wide and so high.
    pub fn fit(self, width: usize, height: usize) -> bool {
        let square = self.least.0 == self.least.1 && self.most.0 == self.most.1;
        (self.least.0..=self.most.0).contains(&width)
            && (self.least.1..=self.most.1).contains(&height)
            && (!square || width == height)
    }

    fn parse(text: &str) -> Option<Self> {
        let pixels = |text: &str| {
            let (width, height) = text.split_once('x')?;
            Some((width.parse().ok()?, height.parse().ok()?))
        };
        let (least, most) = text.split_once(" to ").unwrap_or((text, text));
        Some(Self { least: pixels(least)?, most: pixels(most)? })
    }
}

impl fmt::Display for PixelSizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.least.0, self.least.1)?;
        if self.least == self.most { Ok(()) } else { write!(f, " to {}x{}", self.most.0, self.most.1) }
    }
}

impl<'de> Deserialize<'de> for PixelSizes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!("`{text}` gives no pixels; write 48x48, or 216x216 to 350x350"))
        })
    }
}

/// An address in a definition that a schema marks, and what the file there must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkedArtifact {
    /// A JSON pointer into the definition.
    pub pointer: String,
    /// Where the file lies.
    pub url: String,
    /// What it must be.
    pub rule: ArtifactRule,
}

#[cfg(test)]
mod tests {
    use super::{ArtifactKind, ArtifactRule};
    use serde_json::json;

    #[test]
    fn a_mark_is_true_or_says_more() {
        assert_eq!(ArtifactRule::parse(&json!(true)).unwrap().kind, ArtifactKind::File);
        let mark = json!({"kind": "image", "sizes": ["115x115", "216x216 to 350x350"], "largest_kibibytes": 9});
        let rule = ArtifactRule::parse(&mark).unwrap();
        assert_eq!((rule.kind, rule.largest_kibibytes), (ArtifactKind::Image, Some(9)));
        let fit = |width, height| rule.sizes.iter().any(|sizes| sizes.fit(width, height));
        assert!(fit(115, 115) && fit(216, 216) && fit(300, 300) && fit(350, 350));
        assert!(!fit(116, 116) && !fit(215, 215) && !fit(351, 351) && !fit(300, 301));
        let spelled: Vec<String> = rule.sizes.iter().map(ToString::to_string).collect();
        assert_eq!(spelled, ["115x115", "216x216 to 350x350"]);
    }

    #[test]
    fn a_mark_that_is_not_understood_is_told() {
        for mark in [
            json!("image"),
            json!({"kind": "picture"}),
            json!({"kind": "image", "size": "48x48"}),
            json!({"kind": "image", "sizes": ["48"]}),
            json!({"kind": "disk", "sizes": ["48x48"]}),
        ] {
            let said = ArtifactRule::parse(&mark).unwrap_err();
            assert!(said.contains("x-artifact"), "{said}");
        }
    }
}
