//! Claims: one holder at a time, nothing left behind, whatever happens to the holder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Claim, FileError, check_place, claim, replace_with};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn temporary(path: &Path, random: &str) -> PathBuf {
    path.with_file_name(format!("{}{random}.part", claim::prefix(path)))
}

#[test]
fn a_claim_has_one_holder_and_leaves_nothing() {
    let folder = folder();
    let (a, b) = (folder.path().join("a.png"), folder.path().join("b.png"));
    let held = Claim::take(&a).unwrap().unwrap();
    assert!(Claim::is_marked(&a) && !Claim::is_marked(&b));
    assert!(Claim::take(&a).unwrap().is_none());
    assert!(Claim::take(&b).unwrap().is_some());
    drop(held);
    assert!(Claim::take(&a).unwrap().is_some());
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_claim_file_without_a_lock_is_taken_over() {
    let folder = folder();
    let path = folder.path().join("a.png");
    std::mem::forget(Claim::take(&path).unwrap());
    assert!(Claim::take(&path).unwrap().is_none(), "still locked");
    let left = names(folder.path());
    let other = folder.path().join("b.png");
    let file = other.with_file_name(format!("{}claim", claim::prefix(&other)));
    File::create(&file).unwrap();
    assert!(Claim::is_marked(&other));
    assert!(Claim::take(&other).unwrap().is_some());
    assert_eq!(names(folder.path()), left);
}

#[test]
fn many_who_want_one_claim_hold_it_one_after_the_other() {
    let folder = folder();
    let path = folder.path().join("a.png");
    let (holders, turns) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..300 {
                    let Some(claim) = Claim::take(&path).unwrap() else {
                        continue;
                    };
                    assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0);
                    turns.fetch_add(1, Ordering::SeqCst);
                    std::thread::yield_now();
                    holders.fetch_sub(1, Ordering::SeqCst);
                    drop(claim);
                }
            });
        }
    });
    assert!(turns.into_inner() > 0);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn temporary_files_of_the_killed_are_swept_and_those_of_the_living_are_not() {
    let folder = folder();
    let (a, b) = (folder.path().join("a.png"), folder.path().join("b.png"));
    let (dead, alive, others) = (temporary(&a, "x"), temporary(&a, "y"), temporary(&b, "x"));
    let [_, writing, _] = [&dead, &alive, &others].map(|path| File::create(path).unwrap());
    writing.lock().unwrap();
    drop(Claim::take(&a).unwrap().unwrap());
    assert!(!dead.exists() && alive.exists() && others.exists());
    drop(writing);
    for path in [&a, &b] {
        drop(Claim::take(path).unwrap().unwrap());
    }
    assert!(names(folder.path()).is_empty());
}

#[test]
fn whoever_writes_or_checks_a_file_sweeps_what_the_killed_left_of_it() {
    let folder = folder();
    let path = folder.path().join("run.ckpt");
    let dead = temporary(&path, "x");
    File::create(&dead).unwrap();
    replace_with(&path, |file| file.write_all(b"whole")).unwrap();
    assert!(!dead.exists());
    File::create(&dead).unwrap();
    check_place(&path, &[], true).unwrap();
    assert_eq!(names(folder.path()), ["run.ckpt"]);
}

#[cfg(unix)]
#[test]
fn a_pipe_or_link_planted_as_a_claim_or_temporary_file_is_refused_or_left() {
    let folder = folder();
    let path = folder.path().join("a.png");
    let claim = path.with_file_name(format!("{}claim", claim::prefix(&path)));
    let part = temporary(&path, "x");
    for pipe in [&claim, &part] {
        let made = std::process::Command::new("mkfifo").arg(pipe).status();
        assert!(made.unwrap().success());
    }
    let error = Claim::take(&path).unwrap_err().to_string();
    assert!(error.contains("is no file"), "{error}");
    fs::remove_file(&claim).unwrap();
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), &claim).unwrap();
    assert!(Claim::take(&path).is_err());
    assert!(!folder.path().join("elsewhere").exists());
    fs::remove_file(&claim).unwrap();
    assert!(Claim::take(&path).unwrap().is_some());
}

#[test]
fn a_name_that_is_too_long_is_refused_before_any_work() {
    let folder = folder();
    let path = folder.path().join("a".repeat(300));
    let error = check_place(&path, &[], false).unwrap_err();
    assert!(matches!(error, FileError::NotWritten { .. }), "{error}");
}

#[test]
fn one_place_is_known_however_it_is_written() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("sub")).unwrap();
    let same = |a: &str, b: &str| super::same_place(&at(a), &at(b));
    assert!(same("a.png", "sub/../a.png") && same("a.png", "./A.png"));
    assert!(!same("a.png", "b.png") && !same("a.png", "sub/a.png"));
    fs::write(at("a.png"), "a").unwrap();
    assert!(same("a.png", "sub/../a.png"));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(at("a.png"), at("link.png")).unwrap();
        std::os::unix::fs::symlink(at("sub"), at("other")).unwrap();
        assert!(same("a.png", "link.png") && same("sub/new", "other/new"));
        fs::write(at("b.png"), "b").unwrap();
        assert!(!same("b.png", "link.png"));
    }
}

#[test]
fn a_folder_that_is_not_there_or_takes_no_file_makes_no_claim() {
    let folder = folder();
    let path = folder.path().join("nowhere/a.png");
    let error = Claim::take(&path).unwrap_err();
    assert!(matches!(error, FileError::NotClaimed { .. }), "{error}");
    assert!(error.to_string().contains("nowhere/a.png"), "{error}");
}

#[test]
fn writing_and_checking_go_on_while_others_claim_and_sweep() {
    let folder = folder();
    let path = folder.path().join("a.png");
    std::thread::scope(|scope| {
        let sweeper = scope.spawn(|| {
            (0..2000)
                .filter(|_| Claim::take(&path).unwrap().is_some())
                .count()
        });
        for _ in 0..200 {
            check_place(&path, &[], true).unwrap();
            replace_with(&path, |file| file.write_all(b"all of it")).unwrap();
        }
        assert!(sweeper.join().unwrap() > 0);
    });
    assert_eq!(names(folder.path()), ["a.png"]);
}

#[test]
fn a_name_without_a_folder_lies_in_the_working_folder() {
    assert_eq!(
        super::place::folder(Path::new("only-a-name")),
        Path::new(".")
    );
}
