//! The words of the pages, in the reader's language: a method for each message of the catalogues in `locales/`.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use std::borrow::Cow;
use std::sync::LazyLock;
use unic_langid::LanguageIdentifier;

include!(concat!(env!("OUT_DIR"), "/text.rs"));

/// A language that the pages speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Language {
    #[default]
    English,
    Chinese,
    /// English with accents, for tests: what is without them on a page is in no catalogue.
    Pseudo,
}

impl Language {
    /// The languages that readers can choose, each with its name in itself.
    pub(super) const CHOICES: [(Self, &'static str); 2] = [(Self::English, "English"), (Self::Chinese, "简体中文")];

    /// Its code in HTML, cookies and headers.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-Hans",
            Self::Pseudo => "en-XA",
        }
    }

    /// The language of exactly this code.
    pub(super) fn of_code(code: &str) -> Option<Self> {
        [Self::English, Self::Chinese, Self::Pseudo].into_iter().find(|language| language.code() == code)
    }

    /// What a browser's `Accept-Language` wants most of what there is.
    pub(super) fn accepted(header: &str) -> Self {
        let wanted = |part: &str| {
            let mut pieces = part.split(';').map(str::trim);
            let tag = pieces.next()?.to_ascii_lowercase();
            let language = match tag.split('-').next()? {
                "en" => Self::English,
                // Who writes traditional characters reads English rather than none of the two.
                "zh" if !["hant", "tw", "hk", "mo"].iter().any(|part| tag.split('-').any(|other| other == *part)) => {
                    Self::Chinese
                }
                _ => return None,
            };
            let weight = pieces.find_map(|piece| piece.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse::<f32>().ok());
            Some((language, weight.filter(|weight| *weight > 0.0)?))
        };
        let best = header.split(',').filter_map(wanted).fold(None, |best: Option<(Self, f32)>, next| match best {
            Some(best) if best.1 >= next.1 => Some(best),
            _ => Some(next),
        });
        best.map_or_else(Self::default, |(language, _)| language)
    }
}

/// Says things in one language.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Text {
    pub(super) language: Language,
}

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<[Bundle; 3]> = LazyLock::new(|| {
    let mut pseudo = bundle("en", ENGLISH);
    pseudo.set_transform(Some(accented));
    [bundle("en", ENGLISH), bundle("zh-Hans", CHINESE), pseudo]
});

fn bundle(code: &str, texts: &[&str]) -> Bundle {
    let locale: LanguageIdentifier = code.parse().unwrap_or_default();
    let mut bundle = Bundle::new_concurrent(vec![locale]);
    for text in texts {
        // The build has read them without a fault.
        let resource = FluentResource::try_new((*text).to_owned()).unwrap_or_else(|(read, _)| read);
        bundle.add_resource_overriding(resource);
    }
    bundle
}

/// Every letter with something on it.
fn accented(text: &str) -> Cow<'_, str> {
    const FROM: &str = "aceginorsuyzACEGINORSUYZdhjklmtwDHJKLMTWbfpqvxBFPQVX";
    const TO: &str = "áçéğíñóŕšúýžÁÇÉĞÍÑÓŔŠÚÝŽďĥĵķľɱťŵĎĤĴĶĽṀŤŴƀƒþɋṽẋƁƑÞɊṼẊ";
    let accent = |c: char| FROM.chars().zip(TO.chars()).find(|(from, _)| *from == c).map_or(c, |(_, to)| to);
    Cow::Owned(text.chars().map(accent).collect())
}

impl Text {
    fn say<'a, const N: usize>(self, id: &str, arguments: [(&'static str, FluentValue<'a>); N]) -> String {
        let bundle = match self.language {
            Language::English => &BUNDLES[0],
            Language::Chinese => &BUNDLES[1],
            Language::Pseudo => &BUNDLES[2],
        };
        let Some(pattern) = bundle.get_message(id).and_then(|message| message.value()) else { return id.to_owned() };
        let arguments: FluentArgs<'a> = arguments.into_iter().collect();
        bundle.format_pattern(pattern, Some(&arguments), &mut Vec::new()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{Language, Text, accented};

    #[test]
    fn the_language_is_what_the_browser_wants_most() {
        for (header, expected) in [
            ("", Language::English),
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("en-GB,en;q=0.9,zh-CN;q=0.8", Language::English),
            ("fr-FR,zh;q=0.3,en;q=0.2", Language::Chinese),
            ("zh-TW,en;q=0.1", Language::English),
            ("zh-Hant-CN", Language::English),
            ("zh;q=0, de", Language::English),
            ("*;q=x,;;,zh;q=1", Language::Chinese),
        ] {
            assert_eq!(Language::accepted(header), expected, "{header:?}");
        }
    }

    #[test]
    fn numbers_and_names_are_put_in_and_plurals_are_right() {
        let (english, chinese) = (Text::default(), Text { language: Language::Chinese });
        let bare = |text: String| text.replace(['\u{2068}', '\u{2069}'], "");
        assert_eq!(bare(english.ago_hours(1)), "1 hour ago");
        assert_eq!(bare(english.ago_hours(4)), "4 hours ago");
        assert_eq!(bare(chinese.ago_hours(4)), "4 小时前");
        assert_eq!(accented("Sign in"), "Šíğñ íñ");
    }
}
