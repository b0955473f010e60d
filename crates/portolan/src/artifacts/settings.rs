//! The settings of artifacts: where files are kept, and how large each kind may be.

use anyhow::{Context, Result};
use publishing::artifact_rule::{ArtifactKind, ArtifactRule};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Where the files of definitions are kept, and how large they may be.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ArtifactSettings {
    /// The object store: empty for a directory beside the database, `s3://…`, `az://…` or `file:///…`.
    pub store: String,
    /// What the object store's client is told, such as `endpoint` and `region`.
    pub options: BTreeMap<String, String>,
    /// A TOML file of more such options, for those that are secret.
    pub options_file: Option<PathBuf>,
    /// What is done about disk images.
    pub disk_images: DiskImages,
    /// The largest image, in KiB.
    pub image_kibibytes: u64,
    /// The largest spreadsheet, and the largest list of an audience, in KiB.
    pub sheet_kibibytes: u64,
    /// The largest package, in MiB.
    pub package_mebibytes: u64,
    /// The largest file of another kind, in MiB.
    pub file_mebibytes: u64,
    /// The largest disk image, in GiB.
    pub disk_gibibytes: u64,
}

/// What is done about disk images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskImages {
    /// They are not looked at; their address is recorded.
    #[default]
    Ignore,
    /// Their form is checked and their digest recorded. They stay where they are.
    Digest,
    /// They are checked and kept like every other file.
    Keep,
}

impl Default for ArtifactSettings {
    fn default() -> Self {
        Self {
            store: String::new(),
            options: BTreeMap::new(),
            options_file: None,
            disk_images: DiskImages::Ignore,
            image_kibibytes: 10 * 1024,
            sheet_kibibytes: 10 * 1024,
            package_mebibytes: 1024,
            file_mebibytes: 100,
            disk_gibibytes: 1024,
        }
    }
}

impl ArtifactSettings {
    /// The most bytes that a file of this rule may have. Neither the settings nor the rule can widen the other.
    pub(super) fn largest(&self, rule: &ArtifactRule) -> u64 {
        const KIB: u64 = 1024;
        let largest = match rule.kind {
            ArtifactKind::Image => self.image_kibibytes.saturating_mul(KIB),
            ArtifactKind::Spreadsheet | ArtifactKind::Audience => self.sheet_kibibytes.saturating_mul(KIB),
            ArtifactKind::Package => self.package_mebibytes.saturating_mul(KIB * KIB),
            ArtifactKind::File => self.file_mebibytes.saturating_mul(KIB * KIB),
            ArtifactKind::Disk => self.disk_gibibytes.saturating_mul(KIB * KIB * KIB),
        };
        rule.largest_kibibytes.map_or(largest, |rule| largest.min(rule.saturating_mul(KIB)))
    }

    /// The options with those of the file, which come last.
    ///
    /// # Errors
    /// Names the file, and nothing that is written in it.
    pub(super) fn all_options(&self) -> Result<BTreeMap<String, String>> {
        let mut options = self.options.clone();
        if let Some(file) = &self.options_file {
            let name = || format!("the file of options {} (setting `artifacts.options_file`)", file.display());
            let text = std::fs::read_to_string(file).with_context(name)?;
            // The parser's own words would quote the line, and with it a secret.
            let more: Option<BTreeMap<String, String>> = toml::from_str(&text).ok();
            options.extend(more.with_context(|| format!("{} must be lines such as name = \"text\"", name()))?);
        }
        Ok(options)
    }
}

impl fmt::Debug for ArtifactSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Options can be keys of a cloud account: their names are shown, and no value.
        f.debug_struct("ArtifactSettings")
            .field("store", &self.store)
            .field("options", &self.options.keys().collect::<Vec<_>>())
            .field("options_file", &self.options_file)
            .field("disk_images", &self.disk_images)
            .field("image_kibibytes", &self.image_kibibytes)
            .field("sheet_kibibytes", &self.sheet_kibibytes)
            .field("package_mebibytes", &self.package_mebibytes)
            .field("file_mebibytes", &self.file_mebibytes)
            .field("disk_gibibytes", &self.disk_gibibytes)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::ArtifactSettings;
    use publishing::artifact_rule::{ArtifactKind, ArtifactRule};

    #[test]
    fn neither_rule_nor_setting_widens_the_other() {
        let settings = ArtifactSettings { image_kibibytes: 10, ..ArtifactSettings::default() };
        let largest = |largest_kibibytes| {
            settings.largest(&ArtifactRule { kind: ArtifactKind::Image, sizes: Vec::new(), largest_kibibytes })
        };
        assert_eq!((largest(None), largest(Some(9)), largest(Some(11))), (10_240, 9_216, 10_240));
    }

    #[test]
    fn what_is_printed_shows_no_option() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("options.toml");
        let mut settings = ArtifactSettings { options_file: Some(file.clone()), ..ArtifactSettings::default() };
        settings.options.insert("secret_access_key".into(), "hush".into());
        let printed = format!("{settings:?}");
        assert!(printed.contains("secret_access_key") && !printed.contains("hush"), "{printed}");

        std::fs::write(&file, "secret_access_key = \"from the file\"\n").unwrap();
        assert_eq!(settings.all_options().unwrap()["secret_access_key"], "from the file");
        std::fs::write(&file, "secret_access_key = hush\n").unwrap();
        let said = format!("{:#}", settings.all_options().unwrap_err());
        assert!(said.contains("options.toml") && !said.contains("hush"), "{said}");
    }
}
