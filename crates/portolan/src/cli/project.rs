//! Which `portolan.toml` is the project's: the nearest, within its repository, that nobody else has put there.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The project's file, seen from a directory; `own` is the user's file, which is none.
///
/// It is the nearest one upwards, as far as the directory that holds `.git`. One that belongs neither to this user nor to root is
/// passed over: in a directory that all may write to, anybody could have put it there.
pub(super) fn file(here: &Path, name: &str, own: Option<&Path>) -> Option<(PathBuf, File)> {
    let me = rustix::process::geteuid().as_raw();
    search(here, name, own, |owner| owner == me || owner == 0)
}

fn search(here: &Path, name: &str, own: Option<&Path>, is_trusted: impl Fn(u32) -> bool) -> Option<(PathBuf, File)> {
    for directory in here.ancestors() {
        let path = directory.join(name);
        // Only a file is opened: a pipe would hold the command up. Its owner is asked of what was opened.
        let file = Some(&path)
            .filter(|path| path.is_file() && Some(path.as_path()) != own)
            .and_then(|path| File::open(path).ok());
        if let Some(file) = file.filter(|file| file.metadata().is_ok_and(|known| is_trusted(known.uid()))) {
            return Some((path, file));
        }
        if directory.join(".git").exists() {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::search;
    use std::path::Path;

    const NAME: &str = "portolan.toml";

    #[test]
    fn the_nearest_file_of_the_repository_is_the_projects() {
        let top = tempfile::tempdir().unwrap();
        let (outer, inner) = (top.path().join("clone"), top.path().join("clone/a/b"));
        std::fs::create_dir_all(&inner).unwrap();
        let write = |directory: &Path| std::fs::write(directory.join(NAME), "").unwrap();
        let found = |own: Option<&Path>| search(&inner, NAME, own, |_| true).map(|(path, _)| path);
        write(top.path());
        assert_eq!(found(None), Some(top.path().join(NAME)));
        assert_ne!(found(Some(&top.path().join(NAME))), Some(top.path().join(NAME)));
        // A worktree has a file there, a clone a directory.
        std::fs::write(outer.join(".git"), "gitdir: elsewhere").unwrap();
        assert_eq!(found(None), None);
        write(&outer);
        assert_eq!(found(None), Some(outer.join(NAME)));
        write(&inner);
        assert_eq!(found(None), Some(inner.join(NAME)));
        assert_eq!(search(&inner, NAME, None, |_| false).map(|(path, _)| path), None);
    }
}
