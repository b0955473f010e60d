//! What is wrong with a file, in words for its publisher, without the place in the definition that names it.

use publishing::definition::Fault;

/// How many flaws of one file are told; the rest is counted.
const MOST_TOLD: usize = 100;

/// One thing wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// A stable code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub mend: String,
}

impl Flaw {
    pub(super) fn new(code: &'static str, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { code, message: message.into(), mend: mend.into() }
    }

    /// An address that looks like one of ours, and under which nothing is kept.
    pub fn unknown() -> Self {
        let mend = "Give the address that the file was first fetched from.";
        Self::new("FileUnreachable", "The address is one of this service, but it keeps no such file.", mend)
    }

    /// The fault of the definition that names the file at this pointer.
    pub fn at(&self, pointer: &str) -> Fault {
        Fault::new(self.code, pointer, self.message.clone(), self.mend.clone())
    }
}

/// Flaws as they are found, of which no more are kept than are told.
#[derive(Debug)]
pub(super) struct Flaws {
    code: &'static str,
    told: Vec<Flaw>,
    untold: usize,
}

impl Flaws {
    pub(super) fn of(code: &'static str) -> Self {
        Self { code, told: Vec::new(), untold: 0 }
    }

    pub(super) fn add(&mut self, message: impl Into<String>, mend: impl Into<String>) {
        if self.told.len() < MOST_TOLD {
            self.told.push(Flaw::new(self.code, message, mend));
        } else {
            self.untold += 1;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// The flaws, or what was made where there are none.
    pub(super) fn or<T>(mut self, made: T) -> Result<T, Vec<Flaw>> {
        if self.told.is_empty() {
            return Ok(made);
        }
        if self.untold > 0 {
            let message = format!("The file has {} more faults.", self.untold);
            self.told.push(Flaw::new(self.code, message, "Mend those that are told, then publish again."));
        }
        Err(self.told)
    }
}

/// What a publisher wrote, short enough and plain enough to be told.
pub(super) fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(40).is_some() {
        short.push('…');
    }
    format!("`{short}`")
}
