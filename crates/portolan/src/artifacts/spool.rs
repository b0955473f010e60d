//! A file on its way in: bytes that come are written to a nameless temporary and hashed, never held in memory as a whole.

use super::digest::{Digest, Digester};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// A file that is being written. It has no name, so a kill leaves nothing of it.
#[derive(Debug)]
pub(super) struct Spool {
    file: File,
    digester: Digester,
    bytes: u64,
}

/// A file that has come in whole.
#[derive(Debug)]
pub(super) struct Spooled {
    pub(super) file: File,
    pub(super) digest: Digest,
    pub(super) bytes: u64,
}

impl Spool {
    /// Begins a file in a directory.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn begin(directory: &Path) -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile_in(directory)?, digester: Digester::default(), bytes: 0 })
    }

    /// Adds what came.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.digester.add(bytes);
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    /// The file, when all has come.
    pub(super) fn finish(self) -> Spooled {
        Spooled { file: self.file, digest: self.digester.finish(), bytes: self.bytes }
    }
}

impl Spooled {
    /// The first bytes, at most so many.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn head(&self, most: u64) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        self.rewound()?.take(most).read_to_end(&mut head)?;
        Ok(head)
    }

    /// All bytes; only for kinds whose largest size is small.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn whole(&self) -> io::Result<Vec<u8>> {
        self.head(u64::MAX)
    }

    /// The last bytes, at most so many.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn tail(&self, most: u64) -> io::Result<Vec<u8>> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(self.bytes.saturating_sub(most)))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        Ok(tail)
    }

    /// The file from its beginning.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn rewound(&self) -> io::Result<&File> {
        let mut file = &self.file;
        file.rewind()?;
        Ok(file)
    }
}
